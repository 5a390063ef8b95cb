//! The discs: body, side, aim, strain, trail and fall. From far away a disc is a dot.

use bevy::color::{Alpha as _, Color};
use bevy::math::Vec2;
use bevy::prelude::{App, IntoScheduleConfigs as _, Plugin, Res, ResMut, Time, Update};
use shared::sim::{PickupKind, Slot};

use super::camera::View;
use super::disc_visuals::{
    DiscVisual, DiscVisuals, FALL_SECONDS, Fall, RADIUS, TRAIL_POSITIONS, position_of,
};
use super::marks::{Marking, marking};
use super::own_fall::OwnFall;
use super::painter::{Layer, Painter};
use super::palette;
use super::pickups::icon;
use crate::frame::{Phase, RenderState};
use crate::settings::{PaletteChoice, Settings};
use crate::world_to_scene::{SceneDisc, SceneWorld};

/// The visible height of a disc's side, in units.
const HEIGHT: f32 = 5.0;
/// A disc that is faster than this leaves a trail, in units a second.
const TRAIL_SPEED: f32 = 330.0;
/// With more units a pixel than this, a disc is drawn as a dot…
const FAR_SCALE: f32 = 4.0;
/// …with at least this radius, in pixels.
const DOT_PIXELS: f32 = 2.8;
/// The largest strain that the arc shows. 1 is a hundred percent.
const STRAIN_MAX: f32 = 1.5;
/// The radius of the plate under a mark, as a part of the disc's. The aim is drawn outside of it.
const PLATE: f32 = 0.6;
/// The scale of a mark on a plate.
const ON_PLATE: f32 = 0.84;
/// The arc of the strain: radius and width, in units.
const STRAIN_ARC: (f32, f32) = (31.0, 4.5);

/// Draws the discs.
#[derive(Debug)]
pub(super) struct DiscsPlugin;

impl Plugin for DiscsPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<DiscVisuals>().add_systems(Update, paint.in_set(Phase::Draw));
    }
}

fn paint(
    render: Res<RenderState>,
    fall: Res<OwnFall>,
    settings: Res<Settings>,
    view: Res<View>,
    time: Res<Time>,
    mut visuals: ResMut<DiscVisuals>,
    mut painter: ResMut<Painter>,
) {
    let Some(scene) = &render.scene else { return };
    visuals.follow(scene, render.generation, render.seconds, time.delta_secs());
    let brush = Brush {
        render: &render,
        scene,
        killer: fall.killer(),
        palette: settings.palette,
        time: time.elapsed_secs(),
        scale: view.scale,
    };
    let seen = || scene.discs.iter().filter_map(|disc| Some((disc, visuals.of(disc.slot)?)));
    for (disc, visual) in seen() {
        if let Some(fall) = visual.fall {
            brush.falling(&mut painter, disc, &fall);
        }
    }
    let standing = || seen().filter(|(disc, _)| disc.standing);
    if brush.is_far() {
        standing()
            .for_each(|(disc, visual)| brush.dot(&mut painter, disc, position_of(visual, disc)));
        return;
    }
    // Shadows and trails lie below all bodies.
    for (disc, visual) in standing() {
        brush.below(&mut painter, disc, visual, position_of(visual, disc));
    }
    for (disc, visual) in standing() {
        brush.standing(&mut painter, disc, visual, position_of(visual, disc));
    }
}

/// What all discs of a frame are drawn with.
struct Brush<'a> {
    render: &'a RenderState,
    scene: &'a SceneWorld,
    /// The slot that pushed the own disc over the edge, while the camera shows it.
    killer: Option<Slot>,
    palette: PaletteChoice,
    time: f32,
    /// Units a pixel.
    scale: f32,
}

impl Brush<'_> {
    /// Whether discs are so small that only their colours can be seen.
    fn is_far(&self) -> bool {
        self.scale > FAR_SCALE
    }

    /// A disc seen from far away.
    fn dot(&self, painter: &mut Painter, disc: &SceneDisc, position: Vec2) {
        let (body, _) = palette::hue(disc.slot, self.palette);
        let radius = RADIUS.max(DOT_PIXELS * self.scale);
        let ink = palette::INK.with_alpha(0.8);
        painter.disc(Layer::Discs, position, radius + self.scale, ink, ink);
        painter.disc(Layer::Discs, position, radius, body, body);
        if self.scene.leader == Some(disc.slot) {
            let above = position + Vec2::new(0.0, radius + 9.0 * self.scale);
            crown(painter, above, 0.8 * self.scale);
        }
    }

    /// Shadow, light and trail.
    fn below(&self, painter: &mut Painter, disc: &SceneDisc, visual: &DiscVisual, position: Vec2) {
        let (body, _) = palette::hue(disc.slot, self.palette);
        let is_own = self.render.own == Some(disc.slot);
        if is_own && !self.render.is_backdrop {
            painter.shade(Layer::Ground, position, 92.0, Color::WHITE.with_alpha(0.5));
        }
        let speed = disc.velocity.length();
        let strength = ((speed - TRAIL_SPEED) / 420.0).clamp(0.0, 1.0);
        if strength > 0.0 {
            for (age, pair) in visual.trail.iter().zip(visual.trail.iter().skip(1)).enumerate() {
                let fade = 1.0 - (age as f32 + 1.0) / TRAIL_POSITIONS as f32;
                let colour = body.with_alpha(0.34 * strength * fade);
                painter.stroke(Layer::Ground, *pair.1, *pair.0, RADIUS * 1.5 * fade, colour);
            }
        }
        let shadow = position + Vec2::new(3.0, -HEIGHT - 4.0);
        let dark = palette::SHADOW.with_alpha(0.62 * visual.presence);
        painter.shade(Layer::Ground, shadow, RADIUS * 1.45, dark);
        if disc.thrust != Vec2::ZERO && self.scene.countdown <= 0.0 {
            self.exhaust(painter, disc, position);
        }
    }

    /// Frost behind a disc that thrusts.
    fn exhaust(&self, painter: &mut Painter, disc: &SceneDisc, position: Vec2) {
        let flicker = 0.8 + 0.2 * (self.time * 43.0 + f32::from(disc.slot.0)).sin();
        let root = position - disc.thrust * (RADIUS - 4.0);
        let tip = position - disc.thrust * (RADIUS + 19.0 * flicker);
        let white = Color::WHITE;
        painter.streak(
            Layer::Ground,
            tip,
            root,
            20.0,
            (white.with_alpha(0.85), white.with_alpha(0.0)),
        );
    }

    fn standing(
        &self,
        painter: &mut Painter,
        disc: &SceneDisc,
        visual: &DiscVisual,
        position: Vec2,
    ) {
        let is_away = self.render.roster.entry(disc.slot).is_some_and(|entry| entry.reconnecting);
        let alpha = visual.presence * if is_away { 0.45 } else { 1.0 };
        self.protection(painter, disc, position);
        self.body(painter, disc, visual, position, alpha);
        self.effects(painter, disc, position);
        self.strain(painter, visual, position);
        if self.killer == Some(disc.slot) {
            self.ringed(painter, position);
        }
        if self.scene.leader == Some(disc.slot) && !self.render.is_backdrop {
            crown(painter, position + Vec2::new(0.0, RADIUS + 17.0), 1.0);
        }
        if self.render.own == Some(disc.slot) && !self.render.is_backdrop {
            self.aim(painter, disc, position);
        }
    }

    fn body(
        &self,
        painter: &mut Painter,
        disc: &SceneDisc,
        visual: &DiscVisual,
        position: Vec2,
        alpha: f32,
    ) {
        let (body, side) = palette::hue(disc.slot, self.palette);
        let is_team = self.scene.team_points.is_some();
        // The colour of a team shows at the side and around the top.
        let side = if is_team { palette::team(disc.team) } else { side };
        let flashed = |colour| palette::mix(colour, Color::WHITE, visual.flash).with_alpha(alpha);
        let squash = (visual.squash_turn, visual.squash);
        let low = position - Vec2::new(0.0, HEIGHT * 0.5);
        let top = position + Vec2::new(0.0, HEIGHT * 0.5);
        painter.squashed(Layer::Discs, low, RADIUS, squash, (flashed(side), flashed(side)));
        let bright = palette::mix(body, Color::WHITE, 0.22);
        painter.squashed(Layer::Discs, top, RADIUS - 0.5, squash, (flashed(bright), flashed(body)));
        if self.palette == PaletteChoice::ColourBlind {
            mark(painter, top, marking(disc.slot, body), alpha);
        } else if palette::has_ring(disc.slot) {
            let pale = palette::ICE_MIDDLE.with_alpha(0.92 * alpha);
            painter.disc(Layer::Discs, top, RADIUS * 0.5, pale, pale);
            painter.disc(Layer::Discs, top, RADIUS * 0.27, flashed(body), flashed(body));
        } else {
            painter.ring(
                Layer::Discs,
                top,
                RADIUS * 0.62,
                1.6,
                flashed(side).with_alpha(0.55 * alpha),
            );
        }
        // The aim.
        let ink = palette::INK.with_alpha(0.55 * alpha);
        painter.notch(Layer::Discs, top, RADIUS + 0.5, 13.0, disc.aim, ink);
        painter.notch(
            Layer::Discs,
            top,
            RADIUS - 1.5,
            10.0,
            disc.aim,
            Color::WHITE.with_alpha(alpha),
        );
        let is_own = self.render.own == Some(disc.slot) && !self.render.is_backdrop;
        if is_team {
            let colour = palette::team(disc.team).with_alpha(alpha);
            painter.ring(Layer::Discs, top, RADIUS + 1.4, 5.2, colour);
        }
        if is_own {
            let outside = if is_team { 4.4 } else { 0.8 };
            painter.ring(Layer::Discs, top, RADIUS + outside, 5.4, palette::INK.with_alpha(0.75));
            painter.ring(Layer::Discs, top, RADIUS + outside - 1.0, 3.4, palette::WHITE);
        } else if !is_team {
            let ink = palette::INK.with_alpha(0.4 * alpha);
            painter.ring(Layer::Discs, top, RADIUS - 0.4, 1.3, ink);
        }
    }

    /// The effects of pickups.
    fn effects(&self, painter: &mut Painter, disc: &SceneDisc, position: Vec2) {
        let top = position + Vec2::new(0.0, HEIGHT * 0.5);
        // The sign stands beside a mark, so that the mark stays readable.
        let aside = match self.palette {
            PaletteChoice::Standard => Vec2::ZERO,
            PaletteChoice::ColourBlind => Vec2::new(0.7, -0.7) * RADIUS,
        };
        let sign = |painter: &mut Painter, kind, colour| {
            painter.disc(Layer::Discs, top + aside, 10.0, palette::INK, palette::INK);
            icon(painter, Layer::Discs, kind, top + aside, 6.5, colour);
        };
        if disc.heavy > 0.0 {
            sign(painter, PickupKind::Heavy, palette::HEAVY);
        }
        if disc.overcharge > 0.0 {
            for spark in 0..3_u8 {
                let turn = self.time * 5.5 + f32::from(spark) * core::f32::consts::TAU / 3.0;
                let at = |turn: f32| top + Vec2::from_angle(turn) * (RADIUS + 3.0);
                painter.spark(Layer::Discs, at(turn - 0.55), at(turn), 6.0, palette::CHARGE);
            }
            if disc.heavy <= 0.0 {
                sign(painter, PickupKind::Overcharge, palette::CHARGE);
            }
        }
    }

    /// The strain, as an arc around the top.
    fn strain(&self, painter: &mut Painter, visual: &DiscVisual, position: Vec2) {
        let part = (visual.strain / STRAIN_MAX).clamp(0.0, 1.0);
        if part < 0.01 {
            return;
        }
        // It trembles when it is nearly full.
        let alarm = ((part - 0.8) / 0.2).clamp(0.0, 1.0);
        let tremble = Vec2::new((self.time * 67.0).sin(), (self.time * 59.0).cos()) * 1.6 * alarm;
        let centre = position + tremble + Vec2::new(0.0, HEIGHT * 0.25);
        let (radius, width) = STRAIN_ARC;
        let sweep = part * core::f32::consts::TAU;
        let turn = core::f32::consts::FRAC_PI_2 - sweep / 2.0;
        painter.ring(Layer::Discs, centre, radius, width, palette::INK.with_alpha(0.16));
        let dark = palette::INK.with_alpha(0.5);
        painter.arc(Layer::Discs, centre, (radius, width + 1.8), (turn, sweep), dark);
        painter.arc(Layer::Discs, centre, (radius, width), (turn, sweep), palette::strain(part));
    }

    /// A ring around the disc that pushed the own one over the edge. It turns, in pieces: a whole ring would mean strain.
    fn ringed(&self, painter: &mut Painter, position: Vec2) {
        let radius = 45.0 + 2.0 * (self.time * 9.0).sin();
        for piece in 0..4_u8 {
            let turn = self.time * 1.6 + f32::from(piece) * core::f32::consts::FRAC_PI_2;
            for (width, colour) in [(6.4, palette::INK.with_alpha(0.55)), (3.6, palette::WARM)] {
                painter.arc(Layer::Discs, position, (radius, width), (turn, 0.85), colour);
            }
        }
    }

    fn protection(&self, painter: &mut Painter, disc: &SceneDisc, position: Vec2) {
        if disc.protection <= 0.0 {
            return;
        }
        let blink = if disc.protection < 0.5 { (self.time * 30.0).sin().abs() } else { 1.0 };
        let breath = 1.0 + 0.04 * (self.time * 7.0).sin();
        let colour = palette::GOOD;
        painter.disc(
            Layer::Discs,
            position,
            38.0 * breath,
            colour.with_alpha(0.05),
            colour.with_alpha(0.28 * blink),
        );
        painter.ring(Layer::Discs, position, 38.0 * breath, 2.6, colour.with_alpha(0.9 * blink));
    }

    /// The dots along the aim of the own disc.
    fn aim(&self, painter: &mut Painter, disc: &SceneDisc, position: Vec2) {
        let direction = Vec2::from_angle(disc.aim);
        for dot in 0..4_u8 {
            let away = 44.0 + 15.0 * f32::from(dot);
            let alpha = 0.5 - 0.11 * f32::from(dot);
            let size = 2.6 - 0.35 * f32::from(dot);
            let colour = palette::INK.with_alpha(alpha);
            painter.disc(Layer::Ground, position + direction * away, size, colour, colour);
        }
    }

    /// A disc that falls into the void.
    fn falling(&self, painter: &mut Painter, disc: &SceneDisc, fall: &Fall) {
        let along = fall.age / FALL_SECONDS;
        let far = if self.is_far() { DOT_PIXELS * self.scale / RADIUS } else { 1.0 };
        let size = (1.0 - 0.86 * along * along) * far.max(1.0);
        let position = fall.position - Vec2::new(0.0, 95.0 * along * along);
        // Behind the slab on its far side, in front of it on the near side.
        let layer = if fall.position.y > 40.0 { Layer::Deep } else { Layer::Discs };
        let (body, side) = palette::hue(disc.slot, self.palette);
        let dark = |colour| palette::mix(colour, palette::VOID_OUTER, along * 0.75);
        let alpha = 1.0 - along * along * along;
        let (body, side) = (dark(body).with_alpha(alpha), dark(side).with_alpha(alpha));
        let radius = RADIUS * size;
        painter.disc(layer, position - Vec2::new(0.0, HEIGHT * size), radius, side, side);
        painter.disc(layer, position, radius, body, body);
        if self.render.own == Some(disc.slot) && !self.render.is_backdrop {
            painter.ring(layer, position, radius, 3.0 * size, Color::WHITE.with_alpha(alpha));
        }
    }
}

/// The mark of a slot.
fn mark(painter: &mut Painter, centre: Vec2, marking: Marking, alpha: f32) {
    if let Some(plate) = marking.plate {
        let plate = plate.with_alpha(alpha);
        painter.disc(Layer::Discs, centre, RADIUS * PLATE, plate, plate);
    }
    let size = RADIUS * if marking.plate.is_some() { ON_PLATE } else { 1.0 };
    let at = |(x, y): (f32, f32)| centre + Vec2::new(x, y) * size;
    let (width, ink) = (marking.mark.width * size, marking.ink.with_alpha(alpha));
    for (from, to) in marking.mark.strokes {
        painter.stroke(Layer::Discs, at(*from), at(*to), width, ink);
    }
}

/// The crown of the leader.
fn crown(painter: &mut Painter, centre: Vec2, size: f32) {
    let at = |x: f32, y: f32| centre + Vec2::new(x, y) * size;
    let points = [
        at(-9.0, -4.0),
        at(-10.0, 6.0),
        at(-4.5, 0.5),
        at(0.0, 8.0),
        at(4.5, 0.5),
        at(10.0, 6.0),
        at(9.0, -4.0),
        at(-9.0, -4.0),
    ];
    for (width, colour) in [(6.0, palette::INK.with_alpha(0.85)), (3.2, palette::CHARGE)] {
        for pair in points.windows(2) {
            painter.stroke(Layer::Above, pair[0], pair[1], width * size, colour);
        }
    }
}

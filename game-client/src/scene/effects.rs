//! Short effects of events: rings, cones and sparks. They show where a push was and how strong it was.

use bevy::color::{Alpha as _, Color};
use bevy::math::Vec2;
use bevy::prelude::{
    App, IntoScheduleConfigs as _, MessageReader, Plugin, Res, ResMut, Resource, Update,
};
use shared::sim::{Event, PickupKind, Slot};

use super::camera::{Shake, View};
use super::disc_visuals::DiscVisuals;
use super::painter::{Layer, Painter};
use super::palette;
use super::random::VisualRng;
use crate::frame::{Phase, PresentedEvent, RenderState};
use crate::settings::Settings;
use crate::world_to_scene::{SceneDisc, scene_from_world, speed_from_world};

/// The duration of rings and cones.
const RING_SECONDS: f32 = 0.25;
/// Radius of a disc, in units.
const RADIUS: f32 = 24.0;
/// With more units a pixel than this, sparks cannot be seen.
const FAR_SCALE: f32 = 4.0;
/// An event farther outside the picture than this has no effect, in units.
const BEYOND: f32 = 120.0;
/// Sparks at once. When full, a new spark replaces an old one.
const SPARKS_MAX: usize = 400;
/// Rings and cones at once. When full, the oldest is dropped.
const WAVES_MAX: usize = 64;

/// A ring or a cone that expands.
#[derive(Debug, Clone, Copy)]
struct Wave {
    shape: WaveShape,
    position: Vec2,
    from: f32,
    to: f32,
    width: f32,
    age: f32,
    seconds: f32,
    colour: Color,
}

#[derive(Debug, Clone, Copy)]
enum WaveShape {
    Ring,
    Cone { turn: f32, sweep: f32 },
}

/// A point that flies, slows down and fades.
#[derive(Debug, Clone, Copy)]
struct Spark {
    position: Vec2,
    velocity: Vec2,
    age: f32,
    seconds: f32,
    width: f32,
    colour: Color,
}

/// The effects that are visible.
#[derive(Debug, Resource)]
struct Effects {
    waves: Vec<Wave>,
    sparks: Vec<Spark>,
    rng: VisualRng,
    generation: u32,
    /// The part of the sparks that is drawn, from 0 to 1.
    density: f32,
}

/// Makes and draws effects.
#[derive(Debug)]
pub(super) struct EffectsPlugin;

impl Plugin for EffectsPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(Effects {
            waves: Vec::new(),
            sparks: Vec::new(),
            rng: VisualRng(0x1234_5678),
            generation: 0,
            density: 1.0,
        })
        .add_systems(Update, (make, paint).chain().in_set(Phase::Draw));
    }
}

impl Effects {
    fn wave(&mut self, wave: Wave) {
        if self.waves.len() == WAVES_MAX {
            self.waves.remove(0);
        }
        self.waves.push(wave);
    }

    fn ring(&mut self, position: Vec2, (from, to): (f32, f32), width: f32, colour: Color) {
        let (shape, seconds) = (WaveShape::Ring, RING_SECONDS);
        self.wave(Wave { shape, position, from, to, width, age: 0.0, seconds, colour });
    }

    /// Sparks along `direction`, within `spread` radians of it.
    fn burst(&mut self, position: Vec2, direction: Vec2, spread: f32, count: f32, colour: Color) {
        let speed = direction.length();
        let angle = if speed > 0.0 { direction.to_angle() } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few dozen")]
        let count = (count * self.density).round() as usize;
        for _ in 0..count {
            let rng = &mut self.rng;
            let turn = angle + rng.range(-spread, spread);
            let spark = Spark {
                position: position + Vec2::from_angle(turn) * rng.range(0.0, 6.0),
                velocity: Vec2::from_angle(turn) * speed * rng.range(0.35, 1.1),
                age: 0.0,
                seconds: rng.range(0.18, 0.5),
                width: rng.range(1.6, 4.2),
                colour,
            };
            if self.sparks.len() >= SPARKS_MAX {
                self.sparks.swap_remove(0);
            }
            self.sparks.push(spark);
        }
    }
}

/// The parts of the picture that an event may change.
struct Reaction<'a> {
    render: &'a RenderState,
    settings: &'a Settings,
    effects: &'a mut Effects,
    visuals: &'a mut DiscVisuals,
    shake: &'a mut Shake,
}

fn make(
    mut presented: MessageReader<PresentedEvent>,
    render: Res<RenderState>,
    settings: Res<Settings>,
    view: Res<View>,
    mut effects: ResMut<Effects>,
    mut visuals: ResMut<DiscVisuals>,
    mut shake: ResMut<Shake>,
) {
    if effects.generation != render.generation {
        effects.generation = render.generation;
        effects.waves.clear();
        effects.sparks.clear();
    }
    effects.density = match (view.scale > FAR_SCALE, view.is_plain) {
        (true, _) => 0.0,
        (false, true) => 0.55,
        (false, false) => 1.0,
    };
    let mut reaction = Reaction {
        render: &render,
        settings: &settings,
        effects: &mut effects,
        visuals: &mut visuals,
        shake: &mut shake,
    };
    for PresentedEvent(event) in presented.read() {
        let reach = view.half() + BEYOND;
        let is_near = |at: Vec2| (at - view.centre).abs().cmple(reach).all();
        if reaction.position_of(event).is_none_or(is_near) {
            reaction.to(event);
        }
    }
}

impl Reaction<'_> {
    /// The position of an event. `None`: the event has no position, or its disc is not in the scene.
    fn position_of(&self, event: &Event) -> Option<Vec2> {
        match event {
            Event::PulseHit { at, .. }
            | Event::Bump { at, .. }
            | Event::KnockOut { at, .. }
            | Event::PickupSpawned { at, .. }
            | Event::PickupTaken { at, .. } => Some(scene_from_world(*at)),
            Event::PulseFired { id } => self.disc(id.slot).map(|disc| disc.position),
            Event::Shove { slot }
            | Event::ShoveHit { target: slot, .. }
            | Event::Dash { slot }
            | Event::Respawn { slot }
            | Event::LeadChange { slot } => self.disc(*slot).map(|disc| disc.position),
            Event::ShrinkBegins | Event::RoundOver => None,
        }
    }

    fn to(&mut self, event: &Event) {
        match event {
            Event::PulseFired { id } => self.fired(id.slot),
            Event::PulseHit { id, target, at } => {
                self.hit(id.slot, *target, scene_from_world(*at), 0.8);
            }
            Event::Shove { slot } => self.shoved(*slot),
            Event::ShoveHit { by, target } => self.shove_hit(*by, *target),
            Event::Dash { slot } => self.dashed(*slot),
            Event::Bump { a, b, speed, at } => {
                self.bumped(*a, *b, speed_from_world(*speed), scene_from_world(*at));
            }
            Event::KnockOut { slot, credit, at } => {
                self.fell(*slot, credit.map(|(by, _)| by), scene_from_world(*at));
            }
            Event::Respawn { slot } => self.respawned(*slot),
            Event::PickupSpawned { kind, at } => self.appeared(*kind, scene_from_world(*at)),
            Event::PickupTaken { slot, kind, at } => {
                self.taken(*slot, *kind, scene_from_world(*at));
            }
            Event::ShrinkBegins => self.jolt(None, 0.5),
            Event::LeadChange { .. } | Event::RoundOver => {}
        }
    }

    fn disc(&self, slot: Slot) -> Option<SceneDisc> {
        self.render.scene.as_ref()?.disc(slot).copied()
    }

    /// Shakes the picture: fully for the followed disc, a little for others.
    fn jolt(&mut self, slot: Option<Slot>, force: f32) {
        let is_near = slot.is_none() || (slot == self.render.followed && slot.is_some());
        if !self.render.is_backdrop {
            self.shake.add(if is_near { force } else { force * 0.12 });
        }
    }

    fn fired(&mut self, slot: Slot) {
        let Some(disc) = self.disc(slot) else { return };
        let direction = Vec2::from_angle(disc.aim);
        let muzzle = disc.position + direction * (RADIUS + 6.0);
        self.effects.ring(muzzle, (4.0, 20.0), 3.0, palette::WARM.with_alpha(0.8));
        self.effects.burst(muzzle, direction * 260.0, 0.5, 4.0, palette::WARM);
        self.visuals.recoil(slot, -direction * 2.5);
    }

    fn hit(&mut self, by: Slot, target: Slot, at: Vec2, force: f32) {
        let Some(disc) = self.disc(target) else { return };
        let from = self.disc(by).map_or(at, |by| by.position);
        let direction = (disc.position - from).normalize_or(Vec2::X);
        let strong = (0.5 + disc.strain * 0.5).min(1.3) * force;
        self.effects.ring(at, (6.0, 34.0 + 34.0 * strong), 5.0, palette::WARM);
        self.effects.ring(at, (2.0, 18.0 + 22.0 * strong), 3.0, Color::WHITE);
        self.effects.burst(
            at,
            direction * (190.0 + 280.0 * strong),
            0.9,
            9.0 + 9.0 * strong,
            palette::WARM,
        );
        self.visuals.hit(target, direction, 0.16 + 0.16 * strong);
        self.jolt(Some(target), 0.30 + 0.25 * strong);
        self.jolt(Some(by), 0.12);
    }

    fn shoved(&mut self, slot: Slot) {
        let Some(disc) = self.disc(slot) else { return };
        let reach = crate::world_to_scene::length_from_world(shared::sim::push::SHOVE_REACH);
        let sweep = core::f32::consts::TAU * 2.0 * f32::from(shared::sim::push::SHOVE_HALF_ANGLE)
            / f32::from(shared::sim::Angle::TURN);
        let shape = WaveShape::Cone { turn: disc.aim, sweep };
        let (age, seconds) = (0.0, RING_SECONDS);
        let wave = Wave {
            shape,
            position: disc.position,
            from: RADIUS,
            to: reach + RADIUS * 0.5,
            width: 26.0,
            age,
            seconds,
            colour: palette::WARM,
        };
        self.effects.wave(wave);
        let direction = Vec2::from_angle(disc.aim);
        self.effects.burst(
            disc.position + direction * RADIUS,
            direction * 420.0,
            sweep / 2.0,
            12.0,
            palette::WARM,
        );
        self.visuals.recoil(slot, -direction * 5.0);
        self.jolt(Some(slot), 0.22);
    }

    fn shove_hit(&mut self, by: Slot, target: Slot) {
        let (Some(a), Some(b)) = (self.disc(by), self.disc(target)) else { return };
        let direction = (b.position - a.position).normalize_or(Vec2::X);
        self.visuals.hit(by, -direction, 0.08);
        self.hit(by, target, b.position - direction * RADIUS, 1.2);
    }

    fn dashed(&mut self, slot: Slot) {
        let Some(disc) = self.disc(slot) else { return };
        let direction = disc.velocity.normalize_or(disc.thrust);
        let (body, _) = palette::hue(slot, self.settings.palette);
        let behind = disc.position - direction * RADIUS;
        self.effects.burst(behind, -direction * 210.0, 0.55, 10.0, palette::ICE_EDGE);
        self.effects.ring(behind, (8.0, 30.0), 3.0, body);
        self.visuals.hit(slot, direction, -0.18);
    }

    fn bumped(&mut self, a: Slot, b: Slot, speed: f32, at: Vec2) {
        let (Some(one), Some(other)) = (self.disc(a), self.disc(b)) else { return };
        let force = (speed / 700.0).clamp(0.1, 1.0);
        let direction = (other.position - one.position).normalize_or(Vec2::X);
        self.visuals.hit(a, -direction, 0.10 + 0.2 * force);
        self.visuals.hit(b, direction, 0.10 + 0.2 * force);
        self.effects.ring(at, (4.0, 16.0 + 34.0 * force), 2.0 + 3.0 * force, Color::WHITE);
        for side in [direction.perp(), -direction.perp()] {
            let count = 2.0 + 6.0 * force;
            self.effects.burst(at, side * (120.0 + 260.0 * force), 0.5, count, palette::ICE_EDGE);
        }
        self.jolt(Some(a), 0.35 * force);
        self.jolt(Some(b), 0.35 * force);
    }

    fn fell(&mut self, slot: Slot, by: Option<Slot>, at: Vec2) {
        let outwards = at.normalize_or(Vec2::X);
        let (body, _) = palette::hue(slot, self.settings.palette);
        let (shape, seconds) = (WaveShape::Ring, 0.6);
        let (position, width, age) = (at, 5.0, 0.0);
        self.effects.wave(Wave {
            shape,
            position,
            from: 10.0,
            to: 80.0,
            width,
            age,
            seconds,
            colour: palette::WARM,
        });
        self.effects.ring(at, (4.0, 46.0), 4.0, body);
        self.effects.burst(at, -outwards * 160.0, 1.2, 12.0, palette::ICE_EDGE);
        self.jolt(Some(slot), 0.75);
        if let Some(by) = by {
            self.jolt(Some(by), 0.4);
        }
    }

    fn respawned(&mut self, slot: Slot) {
        let Some(disc) = self.disc(slot) else { return };
        self.effects.ring(disc.position, (70.0, 26.0), 4.0, palette::GOOD);
        self.effects.ring(disc.position, (110.0, 30.0), 2.0, palette::GOOD);
    }

    fn appeared(&mut self, kind: PickupKind, at: Vec2) {
        self.effects.ring(at, (50.0, 18.0), 3.0, palette::pickup(kind));
    }

    fn taken(&mut self, slot: Slot, kind: PickupKind, at: Vec2) {
        let colour = palette::pickup(kind);
        self.effects.ring(at, (14.0, 60.0), 4.0, colour);
        self.effects.burst(at, Vec2::Y * 190.0, core::f32::consts::PI, 14.0, colour);
        self.visuals.hit(slot, Vec2::Y, -0.12);
    }
}

fn paint(render: Res<RenderState>, mut effects: ResMut<Effects>, mut painter: ResMut<Painter>) {
    let seconds = render.seconds;
    effects.waves.retain_mut(|wave| {
        wave.age += seconds;
        let along = wave.age / wave.seconds;
        if along < 1.0 {
            paint_wave(&mut painter, wave, along);
        }
        along < 1.0
    });
    effects.sparks.retain_mut(|spark| {
        spark.age += seconds;
        spark.velocity *= 0.5_f32.powf(seconds / 0.13);
        spark.position += spark.velocity * seconds;
        let left = 1.0 - spark.age / spark.seconds;
        if left > 0.0 {
            let tail = spark.position - spark.velocity * 0.035;
            let colour = spark.colour.with_alpha(left.min(1.0));
            painter.spark(Layer::Above, tail, spark.position, spark.width * left, colour);
        }
        left > 0.0
    });
}

fn paint_wave(painter: &mut Painter, wave: &Wave, along: f32) {
    // Ease-out: fast at first.
    let eased = 1.0 - (1.0 - along) * (1.0 - along) * (1.0 - along);
    let reach = wave.from + (wave.to - wave.from) * eased;
    let alpha = bevy::color::Alpha::alpha(&wave.colour) * (1.0 - along) * (1.0 - along * 0.4);
    let colour = wave.colour.with_alpha(alpha);
    match wave.shape {
        WaveShape::Ring => {
            painter.ring(
                Layer::Above,
                wave.position,
                reach,
                wave.width * (1.0 - 0.6 * along),
                colour,
            );
        }
        WaveShape::Cone { turn, sweep } => {
            let inner = (reach - wave.width * 2.4).max(wave.from * 0.9);
            painter.cone(Layer::Above, wave.position, (inner, reach), (turn, sweep), colour);
            let arc = (reach - 2.0, 4.0 * (1.0 - along));
            painter.arc(Layer::Above, wave.position, arc, (turn, sweep), colour);
        }
    }
}

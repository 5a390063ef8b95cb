//! The slab of ice as triangles: top, rim, side, marks and cracks.

use bevy::color::{Alpha as _, Color, LinearRgba};
use bevy::math::Vec2;

use super::tinted::Tinted;
use super::{Chance, palette};

/// Height of the slab's visible side, in units.
pub(super) const DEPTH: f32 = 30.0;
/// Corners around the slab.
const SEGMENTS: u32 = 144;
/// Rings of corners on the top.
const RINGS: u32 = 18;
/// Both on ice that does not fit into one picture.
const WIDE: (u32, u32) = (288, 40);
/// Radii of the marks on a rink, in units.
const MARKS: [f32; 2] = [150.0, 300.0];
/// On wide ice there is a ring every so many units, and so many lines run from the first of them to the rim.
const WIDE_MARKS: f32 = 400.0;
const SPOKES: u32 = 16;
/// Scratches in the ice: they show how fast one slides.
const SCRATCHES: u32 = 46;
/// Cracks around the rim, and how far in they reach, in units.
const CRACKS: u32 = 38;
const CRACK_REACH: f32 = 66.0;
/// So many times as many around wide ice.
const WIDE_CRACKS: u32 = 6;

const SIDE_TOP: LinearRgba = LinearRgba::rgb(0.105, 0.215, 0.36);
const SIDE_BOTTOM: LinearRgba = LinearRgba::rgb(0.012, 0.028, 0.07);
const MARK: LinearRgba = LinearRgba::rgb(0.36, 0.53, 0.69);

/// What the slab looks like; it is made anew only when this changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slab {
    /// Radius now.
    pub(super) radius: f32,
    /// Radius before it shrank: the marks stay where they are.
    pub(super) whole: f32,
    /// From 0 to 1: how cracked the rim is.
    pub(super) cracks: f32,
    /// Units for each pixel: how wide a soft edge is.
    pub(super) pixel: f32,
    /// From 0 to 1: how much the rim glows because it gives way.
    pub(super) danger: f32,
}

impl Slab {
    /// The triangles. The scratches of wide ice are not among them: see [`super::scratches`].
    pub(super) fn tinted(&self) -> Tinted {
        let mut sheet = Tinted::default();
        self.side(&mut sheet);
        self.top(&mut sheet);
        if self.is_wide() {
            self.spokes(&mut sheet);
            let rings = (1..).map(|ring: u16| f32::from(ring) * WIDE_MARKS);
            rings
                .take_while(|ring| *ring < self.whole)
                .for_each(|ring| self.mark(&mut sheet, ring));
        } else {
            self.scratches(&mut sheet);
        }
        MARKS.into_iter().for_each(|radius| self.mark(&mut sheet, radius));
        let dot = [0.0, 5.5, 5.5 + self.pixel];
        sheet.rings(&dot, 24, |ring, _| LinearRgba {
            alpha: if ring < 2 { 0.42 } else { 0.0 },
            ..MARK
        });
        self.fissures(&mut sheet);
        self.rim(&mut sheet);
        sheet
    }

    /// Whether it does not fit into one picture.
    fn is_wide(&self) -> bool {
        presentation::camera::is_wide(self.whole.into())
    }

    fn segments(&self) -> u32 {
        if self.is_wide() { WIDE.0 } else { SEGMENTS }
    }

    /// A ring on the rink.
    fn mark(&self, sheet: &mut Tinted, radius: f32) {
        if radius > self.radius - 10.0 {
            return;
        }
        let soft = self.pixel.max(0.6);
        let radii = [radius - 1.1 - soft, radius - 1.1, radius + 1.1, radius + 1.1 + soft];
        let alphas = [0.0, 0.42, 0.42, 0.0];
        sheet.rings(&radii, self.segments(), |ring, _| LinearRgba { alpha: alphas[ring], ..MARK });
    }

    /// Lines that run from the middle outwards.
    fn spokes(&self, sheet: &mut Tinted) {
        let width = 2.2 + 2.0 * self.pixel.max(0.6);
        for spoke in 0..SPOKES {
            let way = Vec2::from_angle(core::f32::consts::TAU * spoke as f32 / SPOKES as f32);
            let points = [(way * WIDE_MARKS, 0.5), (way * (self.radius - 2.0), 0.5)];
            sheet.soft_line(&points, width, Color::from(MARK));
        }
    }

    /// What shows of the slab's thickness below its lower edge.
    fn side(&self, sheet: &mut Tinted) {
        let mut chance = Chance(0x0511_de51);
        let mut before: Option<[u32; 3]> = None;
        for segment in 0..=self.segments() {
            let turn = -core::f32::consts::PI * segment as f32 / self.segments() as f32;
            let top = Vec2::from_angle(turn) * self.radius;
            let bottom = top - Vec2::new(0.0, DEPTH);
            let streak = chance.between(0.82, 1.14);
            // The side turns away from the light at the right.
            let light = streak * (1.0 - 0.3 * turn.cos());
            let low = SIDE_BOTTOM * streak;
            let corners = [
                sheet.corner(top, (SIDE_TOP * light).with_alpha(1.0)),
                sheet.corner(bottom, low.with_alpha(1.0)),
                sheet.corner(bottom - Vec2::new(0.0, self.pixel * 1.5), low.with_alpha(0.0)),
            ];
            if let Some([a, b, c]) = before {
                let [d, e, f] = corners;
                sheet.quad([a, d, e, b]);
                sheet.quad([b, e, f, c]);
            }
            before = Some(corners);
        }
    }

    fn top(&self, sheet: &mut Tinted) {
        let count = if self.is_wide() { WIDE.1 } else { RINGS };
        let mut radii: Vec<f32> =
            (0..=count).map(|ring| self.radius * ring as f32 / count as f32).collect();
        radii.push(self.radius + self.pixel * 0.75);
        let last = radii.len() - 1;
        sheet.rings(&radii, self.segments(), |ring, place| {
            let colour = self.colour_at(place);
            colour.with_alpha(if ring == last { 0.0 } else { 1.0 })
        });
    }

    fn colour_at(&self, place: Vec2) -> LinearRgba {
        let from_light = place.distance(Vec2::new(-0.18, 0.2) * self.radius) / self.radius;
        let along = ((from_light - 0.1) / 1.1).clamp(0.0, 1.0);
        let along = along * along * (3.0 - 2.0 * along);
        let colour = palette::mix(palette::ICE_MIDDLE, palette::ICE_RIM, along);
        let marble = (place.x * 0.021 + 2.0 * (place.y * 0.013).sin()).sin()
            * (place.y * 0.027 + 1.7 * (place.x * 0.017).sin()).sin();
        LinearRgba::from(colour) * (1.0 + 0.03 * marble)
    }

    /// Long, faint lines in all directions, always the same.
    fn scratches(&self, sheet: &mut Tinted) {
        let mut chance = Chance(0x1ce0_1ce1);
        for _ in 0..SCRATCHES {
            let middle = Vec2::from_angle(chance.between(0.0, core::f32::consts::TAU))
                * self.whole
                * chance.part().sqrt();
            let way = Vec2::from_angle(chance.between(0.0, core::f32::consts::TAU));
            let (half, bend) = (chance.between(25.0, 95.0), chance.between(-14.0, 14.0));
            let strength = chance.between(0.1, 0.32);
            let is_light = chance.part() < 0.6;
            let points: Vec<(Vec2, f32)> = (0..=6_u8)
                .map(|step| {
                    let along = f32::from(step) / 3.0 - 1.0;
                    let aside = way.perp() * bend * (1.0 - along * along);
                    (middle + way * half * along + aside, strength * (1.0 - along * along))
                })
                .collect();
            if points.iter().all(|(place, _)| place.length() < self.radius - 12.0) {
                let colour = if is_light { Color::WHITE } else { Color::from(MARK) };
                sheet.soft_line(&points, 2.4, colour);
            }
        }
    }

    /// Cracks that run in from the rim.
    fn fissures(&self, sheet: &mut Tinted) {
        if self.cracks < 0.02 {
            return;
        }
        let mut chance = Chance(0xc4ac_4ed1);
        let dull = [self.radius - 58.0, self.radius];
        sheet.rings(&dull, self.segments(), |ring, _| {
            let alpha = if ring == 0 { 0.0 } else { 0.34 * self.cracks };
            LinearRgba { alpha, ..MARK }
        });
        let colour = Color::LinearRgba(LinearRgba::rgb(0.03, 0.10, 0.2));
        // As dense on wide ice.
        let density = if self.is_wide() { WIDE_CRACKS } else { 1 };
        let count = CRACKS * density;
        let bend = 0.026 / density as f32;
        for crack in 0..count {
            let mut turn =
                core::f32::consts::TAU * (crack as f32 + chance.between(-0.3, 0.3)) / count as f32;
            let reach = CRACK_REACH * chance.between(0.3, 1.0) * self.cracks;
            let mut points = Vec::new();
            for step in 0..7_u8 {
                let along = f32::from(step) / 6.0;
                points.push((
                    Vec2::from_angle(turn) * (self.radius - reach * along),
                    0.85 * (1.0 - along),
                ));
                turn += chance.between(-bend, bend);
            }
            sheet.soft_line(&points, 3.4, colour);
            if chance.part() < 0.6 {
                let from = points[2].0;
                let aside = Vec2::from_angle(turn + chance.between(-bend, bend) * 2.7);
                let tip = aside * (self.radius - reach * 0.75);
                sheet.soft_line(
                    &[(from, 0.6), (from.midpoint(tip) * (1.0 + 0.15 * bend), 0.4), (tip, 0.0)],
                    2.8,
                    colour,
                );
            }
        }
    }

    /// A bright edge with a thin shade inside of it.
    fn rim(&self, sheet: &mut Tinted) {
        let shade = [self.radius - 10.0, self.radius - 2.0];
        let dark = LinearRgba::rgb(0.05, 0.12, 0.22);
        sheet.rings(&shade, self.segments(), |ring, _| {
            dark.with_alpha(if ring == 0 { 0.0 } else { 0.3 })
        });
        let edge = LinearRgba::from(palette::ICE_EDGE);
        let soft = self.pixel * 0.75;
        let radii = [self.radius - 2.4 - soft, self.radius - 2.4, self.radius, self.radius + soft];
        let alphas = [0.0, 1.0, 1.0, 0.0];
        sheet.rings(&radii, self.segments(), |ring, _| edge.with_alpha(alphas[ring]));
        if self.danger > 0.0 {
            let warm = LinearRgba::from(palette::WARM);
            let radii =
                [self.radius - 30.0, self.radius - 2.0, self.radius + 1.0, self.radius + 14.0];
            let alphas = [0.0, 0.5 * self.danger, 0.6 * self.danger, 0.0];
            sheet.rings(&radii, self.segments(), |ring, _| warm.with_alpha(alphas[ring]));
        }
    }
}

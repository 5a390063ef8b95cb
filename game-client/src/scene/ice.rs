//! The slab of ice as a gradient mesh: top, rim, side, markings and cracks.

use bevy::color::{Alpha as _, Color, LinearRgba};
use bevy::math::Vec2;

use super::gradient_mesh::GradientMesh;
use super::palette;
use super::random::VisualRng;

/// The height of the slab's visible side, in units.
pub(super) const DEPTH: f32 = 30.0;
/// Segments around the slab.
const SEGMENTS: u32 = 144;
/// Rings of corners on its top.
const RINGS: u32 = 18;
/// Segments and rings of wide ice.
const WIDE: (u32, u32) = (288, 40);
/// The radii of the rings that are painted on the ice, in units.
const MARKS: [f32; 2] = [150.0, 300.0];
/// The distance between the painted rings of wide ice, in units.
const WIDE_MARKS: f32 = 400.0;
/// The painted lines of wide ice, from the first ring to the rim.
const SPOKES: u32 = 16;
/// The scratches in the ice. They show how fast a disc slides.
const SCRATCHES: u32 = 46;
/// The cracks around the rim.
const CRACKS: u32 = 38;
/// How far cracks reach in from the rim, in units.
const CRACK_REACH: f32 = 66.0;
/// Wide ice has this many times as many cracks.
const WIDE_CRACKS: u32 = 6;

const SIDE_TOP: LinearRgba = LinearRgba::rgb(0.105, 0.215, 0.36);
const SIDE_BOTTOM: LinearRgba = LinearRgba::rgb(0.012, 0.028, 0.07);
const MARK: LinearRgba = LinearRgba::rgb(0.36, 0.53, 0.69);

/// The look of the slab. A new mesh is made only when it changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slab {
    /// The radius, in units.
    pub(super) radius: f32,
    /// The radius before the platform shrinks. Markings and scratches depend on it, so they stay in position.
    pub(super) whole: f32,
    /// How cracked the rim is, from 0 to 1.
    pub(super) cracks: f32,
    /// Units a pixel: the width of a soft edge.
    pub(super) pixel: f32,
    /// How much the rim glows while the platform shrinks, from 0 to 1.
    pub(super) danger: f32,
}

impl Slab {
    /// The mesh. It does not contain the scratches of wide ice: see [`super::scratches`].
    pub(super) fn mesh(&self) -> GradientMesh {
        let mut mesh = GradientMesh::default();
        self.side(&mut mesh);
        self.top(&mut mesh);
        if self.is_wide() {
            self.spokes(&mut mesh);
            let rings = (1..).map(|ring: u16| f32::from(ring) * WIDE_MARKS);
            rings.take_while(|ring| *ring < self.whole).for_each(|ring| self.mark(&mut mesh, ring));
        } else {
            self.scratches(&mut mesh);
        }
        MARKS.into_iter().for_each(|radius| self.mark(&mut mesh, radius));
        let dot = [0.0, 5.5, 5.5 + self.pixel];
        mesh.rings(&dot, 24, |ring, _| LinearRgba {
            alpha: if ring < 2 { 0.42 } else { 0.0 },
            ..MARK
        });
        self.fissures(&mut mesh);
        self.rim(&mut mesh);
        mesh
    }

    /// Whether the platform is too wide for one picture.
    fn is_wide(&self) -> bool {
        presentation::camera::is_wide(self.whole.into())
    }

    fn segments(&self) -> u32 {
        if self.is_wide() { WIDE.0 } else { SEGMENTS }
    }

    /// A painted ring.
    fn mark(&self, mesh: &mut GradientMesh, radius: f32) {
        if radius > self.radius - 10.0 {
            return;
        }
        let soft = self.pixel.max(0.6);
        let radii = [radius - 1.1 - soft, radius - 1.1, radius + 1.1, radius + 1.1 + soft];
        let alphas = [0.0, 0.42, 0.42, 0.0];
        mesh.rings(&radii, self.segments(), |ring, _| LinearRgba { alpha: alphas[ring], ..MARK });
    }

    /// Painted lines from the first ring to the rim.
    fn spokes(&self, mesh: &mut GradientMesh) {
        let width = 2.2 + 2.0 * self.pixel.max(0.6);
        for spoke in 0..SPOKES {
            let direction = Vec2::from_angle(core::f32::consts::TAU * spoke as f32 / SPOKES as f32);
            let points = [(direction * WIDE_MARKS, 0.5), (direction * (self.radius - 2.0), 0.5)];
            mesh.soft_line(&points, width, Color::from(MARK));
        }
    }

    /// The visible side of the slab.
    fn side(&self, mesh: &mut GradientMesh) {
        let mut rng = VisualRng(0x0511_de51);
        let mut before: Option<[u32; 3]> = None;
        for segment in 0..=self.segments() {
            let turn = -core::f32::consts::PI * segment as f32 / self.segments() as f32;
            let top = Vec2::from_angle(turn) * self.radius;
            let bottom = top - Vec2::new(0.0, DEPTH);
            let streak = rng.range(0.82, 1.14);
            // At the right the side faces away from the light.
            let light = streak * (1.0 - 0.3 * turn.cos());
            let low = SIDE_BOTTOM * streak;
            let corners = [
                mesh.corner(top, (SIDE_TOP * light).with_alpha(1.0)),
                mesh.corner(bottom, low.with_alpha(1.0)),
                mesh.corner(bottom - Vec2::new(0.0, self.pixel * 1.5), low.with_alpha(0.0)),
            ];
            if let Some([a, b, c]) = before {
                let [d, e, f] = corners;
                mesh.quad([a, d, e, b]);
                mesh.quad([b, e, f, c]);
            }
            before = Some(corners);
        }
    }

    fn top(&self, mesh: &mut GradientMesh) {
        let count = if self.is_wide() { WIDE.1 } else { RINGS };
        let mut radii: Vec<f32> =
            (0..=count).map(|ring| self.radius * ring as f32 / count as f32).collect();
        radii.push(self.radius + self.pixel * 0.75);
        let last = radii.len() - 1;
        mesh.rings(&radii, self.segments(), |ring, position| {
            let colour = self.colour_at(position);
            colour.with_alpha(if ring == last { 0.0 } else { 1.0 })
        });
    }

    fn colour_at(&self, position: Vec2) -> LinearRgba {
        let from_light = position.distance(Vec2::new(-0.18, 0.2) * self.radius) / self.radius;
        let along = ((from_light - 0.1) / 1.1).clamp(0.0, 1.0);
        let along = along * along * (3.0 - 2.0 * along);
        let colour = palette::mix(palette::ICE_MIDDLE, palette::ICE_RIM, along);
        let marble = (position.x * 0.021 + 2.0 * (position.y * 0.013).sin()).sin()
            * (position.y * 0.027 + 1.7 * (position.x * 0.017).sin()).sin();
        LinearRgba::from(colour) * (1.0 + 0.03 * marble)
    }

    /// Long, faint lines in all directions, always the same ones.
    fn scratches(&self, mesh: &mut GradientMesh) {
        let mut rng = VisualRng(0x1ce0_1ce1);
        for _ in 0..SCRATCHES {
            let middle = Vec2::from_angle(rng.range(0.0, core::f32::consts::TAU))
                * self.whole
                * rng.unit().sqrt();
            let direction = Vec2::from_angle(rng.range(0.0, core::f32::consts::TAU));
            let (half, bend) = (rng.range(25.0, 95.0), rng.range(-14.0, 14.0));
            let strength = rng.range(0.1, 0.32);
            let is_light = rng.unit() < 0.6;
            let points: Vec<(Vec2, f32)> = (0..=6_u8)
                .map(|step| {
                    let along = f32::from(step) / 3.0 - 1.0;
                    let aside = direction.perp() * bend * (1.0 - along * along);
                    (middle + direction * half * along + aside, strength * (1.0 - along * along))
                })
                .collect();
            if points.iter().all(|(position, _)| position.length() < self.radius - 12.0) {
                let colour = if is_light { Color::WHITE } else { Color::from(MARK) };
                mesh.soft_line(&points, 2.4, colour);
            }
        }
    }

    /// Cracks from the rim inwards.
    fn fissures(&self, mesh: &mut GradientMesh) {
        if self.cracks < 0.02 {
            return;
        }
        let mut rng = VisualRng(0xc4ac_4ed1);
        let dull = [self.radius - 58.0, self.radius];
        mesh.rings(&dull, self.segments(), |ring, _| {
            let alpha = if ring == 0 { 0.0 } else { 0.34 * self.cracks };
            LinearRgba { alpha, ..MARK }
        });
        let colour = Color::LinearRgba(LinearRgba::rgb(0.03, 0.10, 0.2));
        // Wide ice has cracks of the same density.
        let density = if self.is_wide() { WIDE_CRACKS } else { 1 };
        let count = CRACKS * density;
        let bend = 0.026 / density as f32;
        for crack in 0..count {
            let mut turn =
                core::f32::consts::TAU * (crack as f32 + rng.range(-0.3, 0.3)) / count as f32;
            let reach = CRACK_REACH * rng.range(0.3, 1.0) * self.cracks;
            let mut points = Vec::new();
            for step in 0..7_u8 {
                let along = f32::from(step) / 6.0;
                points.push((
                    Vec2::from_angle(turn) * (self.radius - reach * along),
                    0.85 * (1.0 - along),
                ));
                turn += rng.range(-bend, bend);
            }
            mesh.soft_line(&points, 3.4, colour);
            if rng.unit() < 0.6 {
                let from = points[2].0;
                let aside = Vec2::from_angle(turn + rng.range(-bend, bend) * 2.7);
                let tip = aside * (self.radius - reach * 0.75);
                mesh.soft_line(
                    &[(from, 0.6), (from.midpoint(tip) * (1.0 + 0.15 * bend), 0.4), (tip, 0.0)],
                    2.8,
                    colour,
                );
            }
        }
    }

    /// A bright edge with a thin shadow inside.
    fn rim(&self, mesh: &mut GradientMesh) {
        let shade = [self.radius - 10.0, self.radius - 2.0];
        let dark = LinearRgba::rgb(0.05, 0.12, 0.22);
        mesh.rings(&shade, self.segments(), |ring, _| {
            dark.with_alpha(if ring == 0 { 0.0 } else { 0.3 })
        });
        let edge = LinearRgba::from(palette::ICE_EDGE);
        let soft = self.pixel * 0.75;
        let radii = [self.radius - 2.4 - soft, self.radius - 2.4, self.radius, self.radius + soft];
        let alphas = [0.0, 1.0, 1.0, 0.0];
        mesh.rings(&radii, self.segments(), |ring, _| edge.with_alpha(alphas[ring]));
        if self.danger > 0.0 {
            let warm = LinearRgba::from(palette::WARM);
            let radii =
                [self.radius - 30.0, self.radius - 2.0, self.radius + 1.0, self.radius + 14.0];
            let alphas = [0.0, 0.5 * self.danger, 0.6 * self.danger, 0.0];
            mesh.rings(&radii, self.segments(), |ring, _| warm.with_alpha(alphas[ring]));
        }
    }
}

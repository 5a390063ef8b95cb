//! The void below the platform: a gradient, and specks that drift at different depths.

use bevy::color::{Alpha as _, Color};
use bevy::math::Vec2;
use bevy::prelude::{App, IntoScheduleConfigs as _, Plugin, Res, ResMut, Time, Update};

use super::camera::View;
use super::gradient_mesh::GradientMesh;
use super::painter::{Layer, Painter};
use super::palette;
use super::random::VisualRng;
use crate::frame::{Phase, RenderState};

/// The specks in the picture.
const SPECKS: u32 = 110;
/// The clouds of faint light, far down.
const CLOUDS: u32 = 5;
/// The drift of a speck at the height of the ice, in units a second.
const DRIFT: Vec2 = Vec2::new(-5.0, 9.0);

/// The columns and rows of the gradient.
const GRID: (u32, u32) = (24, 14);
/// The light around the platform.
const SLAB_LIGHT: Color = Color::linear_rgb(0.010, 0.033, 0.147);

/// Draws the void.
#[derive(Debug)]
pub(super) struct VoidPlugin;

impl Plugin for VoidPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(Update, paint.in_set(Phase::Draw));
    }
}

fn paint(mut painter: ResMut<Painter>, view: Res<View>, render: Res<RenderState>, time: Res<Time>) {
    let half = view.window * view.scale / 2.0 + Vec2::splat(30.0);
    // There is a little light around the platform.
    let reach = render.scene.as_ref().map_or(400.0, |scene| scene.radius) * 1.32;
    let mut sheet = GradientMesh::default();
    sheet.grid(view.centre, half, GRID, |position| {
        let away = position.distance(view.centre) / half.max_element();
        let colour = palette::mix(palette::VOID_INNER, palette::VOID_OUTER, smooth(away));
        let near = smooth(1.0 - position.distance(Vec2::new(0.0, -48.0)) / reach);
        palette::mix(colour, SLAB_LIGHT, 0.55 * near).into()
    });
    painter.void(sheet);
    let mut rng = VisualRng(0x51f1_5eed);
    let seconds = time.elapsed_secs();
    if !view.is_plain {
        for _ in 0..CLOUDS {
            let position = drifting(&mut rng, &view, half, seconds, 0.08);
            let radius = rng.range(260.0, 460.0) * view.scale;
            painter.glow(Layer::Deep, position, radius, Color::srgba(0.16, 0.26, 0.52, 0.10));
        }
    }
    for _ in 0..SPECKS {
        let nearness = rng.range(0.1, 0.5);
        let position = drifting(&mut rng, &view, half, seconds, nearness);
        let twinkle = 0.75 + 0.25 * (seconds * rng.range(0.4, 1.6) + rng.unit() * 6.0).sin();
        let colour = palette::SPECK.with_alpha(nearness * 1.3 * twinkle);
        painter.glow(Layer::Deep, position, (1.0 + 4.0 * nearness) * view.scale, colour);
    }
}

fn smooth(along: f32) -> f32 {
    let along = along.clamp(0.0, 1.0);
    along * along * (3.0 - 2.0 * along)
}

/// The position of something that drifts, with the parallax of its depth. It wraps around at the edges of the picture.
fn drifting(rng: &mut VisualRng, view: &View, half: Vec2, seconds: f32, nearness: f32) -> Vec2 {
    let size = half * 2.0;
    let start = Vec2::new(rng.unit(), rng.unit()) * size.max(Vec2::splat(4_000.0));
    let moved = start + DRIFT * seconds * nearness - view.centre * nearness;
    let wrapped = Vec2::new(moved.x.rem_euclid(size.x), moved.y.rem_euclid(size.y));
    view.centre - half + wrapped
}

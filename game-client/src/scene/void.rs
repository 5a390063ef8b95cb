//! The deep below: a gradient, and specks that drift at different depths.

use bevy::color::{Alpha as _, Color};
use bevy::math::Vec2;
use bevy::prelude::{App, IntoScheduleConfigs as _, Plugin, Res, ResMut, Time, Update};

use super::painter::{Layer, Painter};
use super::tinted::Tinted;
use super::{Chance, Phase, Stage, View, palette};

/// Specks in the picture.
const SPECKS: u32 = 110;
/// Clouds of faint light, far down.
const CLOUDS: u32 = 5;
/// Units that a speck drifts in a second, if it were as near as the ice.
const DRIFT: Vec2 = Vec2::new(-5.0, 9.0);

/// Cells of the gradient.
const GRID: (u32, u32) = (24, 14);
/// The light around the slab.
const SLAB_LIGHT: Color = Color::linear_rgb(0.010, 0.033, 0.147);

/// Draws the void.
#[derive(Debug)]
pub(super) struct VoidPlugin;

impl Plugin for VoidPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(Update, paint.in_set(Phase::Paint));
    }
}

fn paint(mut painter: ResMut<Painter>, view: Res<View>, stage: Res<Stage>, time: Res<Time>) {
    let half = view.window * view.scale / 2.0 + Vec2::splat(30.0);
    // The slab hangs in a little light.
    let reach = stage.drawn.as_ref().map_or(400.0, |drawn| drawn.radius) * 1.32;
    let mut sheet = Tinted::default();
    sheet.grid(view.centre, half, GRID, |place| {
        let away = place.distance(view.centre) / half.max_element();
        let colour = palette::mix(palette::VOID_INNER, palette::VOID_OUTER, smooth(away));
        let near = smooth(1.0 - place.distance(Vec2::new(0.0, -48.0)) / reach);
        palette::mix(colour, SLAB_LIGHT, 0.55 * near).into()
    });
    painter.void(sheet);
    let mut chance = Chance(0x51f1_5eed);
    let seconds = time.elapsed_secs();
    if !view.is_plain {
        for _ in 0..CLOUDS {
            let place = drifting(&mut chance, &view, half, seconds, 0.08);
            let radius = chance.between(260.0, 460.0) * view.scale;
            painter.glow(Layer::Deep, place, radius, Color::srgba(0.16, 0.26, 0.52, 0.10));
        }
    }
    for _ in 0..SPECKS {
        let nearness = chance.between(0.1, 0.5);
        let place = drifting(&mut chance, &view, half, seconds, nearness);
        let twinkle =
            0.75 + 0.25 * (seconds * chance.between(0.4, 1.6) + chance.part() * 6.0).sin();
        let colour = palette::SPECK.with_alpha(nearness * 1.3 * twinkle);
        painter.glow(Layer::Deep, place, (1.0 + 4.0 * nearness) * view.scale, colour);
    }
}

fn smooth(along: f32) -> f32 {
    let along = along.clamp(0.0, 1.0);
    along * along * (3.0 - 2.0 * along)
}

/// A place that moves with the picture as something that deep does, and comes back on the other side.
fn drifting(chance: &mut Chance, view: &View, half: Vec2, seconds: f32, nearness: f32) -> Vec2 {
    let size = half * 2.0;
    let start = Vec2::new(chance.part(), chance.part()) * size.max(Vec2::splat(4_000.0));
    let moved = start + DRIFT * seconds * nearness - view.centre * nearness;
    let wrapped = Vec2::new(moved.x.rem_euclid(size.x), moved.y.rem_euclid(size.y));
    view.centre - half + wrapped
}

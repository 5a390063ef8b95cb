//! Scratches in wide ice: they show how fast a disc slides. A mesh of all of them would be large, so they are generated for the
//! cells in the picture; each cell always has the same scratches.

use bevy::color::{Alpha as _, Color};
use bevy::math::Vec2;

use super::camera::View;
use super::painter::{Layer, Painter};
use super::palette;
use super::random::VisualRng;

/// Width of a cell, in units.
const CELL: f32 = 240.0;
/// Scratches in a cell: the same density as on small ice.
const IN_CELL: u32 = 4;
/// With more units a pixel than this they cannot be seen.
const SCALE_MAX: f32 = 3.0;
/// Their distance from the rim, in units.
const FROM_RIM: f32 = 12.0;

/// Draws the scratches in the picture, on ice of this radius.
pub(super) fn paint(painter: &mut Painter, view: &View, radius: f32) {
    if view.scale > SCALE_MAX {
        return;
    }
    for cell in cells(view.centre, view.half()) {
        let mut rng = rng_of(cell);
        for _ in 0..IN_CELL {
            scratch(painter, cell, &mut rng, radius);
        }
    }
}

/// The cells in the picture, and one more on each side.
#[expect(clippy::cast_possible_truncation, reason = "a platform has a few hundred cells")]
fn cells(centre: Vec2, half: Vec2) -> impl Iterator<Item = (i32, i32)> {
    let low = ((centre - half) / CELL).floor() - 1.0;
    let high = ((centre + half) / CELL).floor() + 1.0;
    (low.y as i32..=high.y as i32)
        .flat_map(move |row| (low.x as i32..=high.x as i32).map(move |column| (column, row)))
}

fn rng_of((column, row): (i32, i32)) -> VisualRng {
    let seed = column.cast_unsigned().wrapping_mul(0x9e37_79b9)
        ^ row.cast_unsigned().wrapping_mul(0x85eb_ca6b);
    // A seed of zero would stay zero, and the first numbers of neighbouring cells are alike.
    let mut rng = VisualRng(seed | 1);
    for _ in 0..4 {
        rng.unit();
    }
    rng
}

fn scratch(painter: &mut Painter, (column, row): (i32, i32), rng: &mut VisualRng, radius: f32) {
    let within = Vec2::new(rng.unit(), rng.unit());
    #[expect(clippy::cast_precision_loss, reason = "a platform has a few hundred cells")]
    let middle = (Vec2::new(column as f32, row as f32) + within) * CELL;
    let direction = Vec2::from_angle(rng.range(0.0, core::f32::consts::TAU));
    let (half, bend) = (rng.range(25.0, 95.0), rng.range(-4.0, 4.0));
    let strength = rng.range(0.1, 0.34);
    let colour = if rng.unit() < 0.6 { Color::WHITE } else { palette::HEAVY };
    let reach = middle.length() + half;
    if reach > radius - FROM_RIM {
        return;
    }
    let (tip, tail) = (middle + direction * half, middle - direction * half);
    let knee = middle + direction.perp() * bend;
    // Both halves fade towards their ends.
    let colours = (colour.with_alpha(strength), colour.with_alpha(0.0));
    for end in [tip, tail] {
        painter.streak(Layer::Ground, end, knee, 2.6, colours);
    }
}

#[cfg(test)]
mod tests {
    use bevy::math::Vec2;

    use super::{Painter, View, paint};
    use crate::scene::painter::Layer;

    fn count_in_sight(centre: Vec2, radius: f32) -> usize {
        let mut painter = Painter::default();
        let view = View { centre, scale: 800.0 / 720.0, ..View::default() };
        painter.look_at(centre, view.half());
        paint(&mut painter, &view, radius);
        painter.count(Layer::Ground)
    }

    #[test]
    fn there_are_scratches_everywhere_on_the_ice_and_none_outside() {
        for position in [(0.0, 0.0), (2_000.0, -1_500.0), (-2_400.0, 3.0), (17.0, 2_700.0)] {
            let count = count_in_sight(Vec2::from(position), 3_200.0);
            assert!((60..600).contains(&count), "{count} at {position:?}");
        }
        assert_eq!(count_in_sight(Vec2::new(4_200.0, 0.0), 3_200.0), 0);
    }
}

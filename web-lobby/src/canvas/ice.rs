//! The platform: a slab of ice over the void, its cracks, and the shards that break off.

use core::f64::consts::TAU;

use presentation::camera::is_wide;
use presentation::palette;
use shared::sim::World;
use shared::sim::platform;
use web_sys::CanvasRenderingContext2d;

use super::camera::View;
use super::gradients::{GradientCache, SLAB_SIDE};
use super::point::{Point, chance, units};
use super::scene::Frame;
use super::shapes::{circle, ring};

/// How long before the platform shrinks the cracks appear, in ticks.
const WARNING_TICKS: f64 = 240.0;
/// How far in from the rim the cracks reach, in units, and how many there are.
const CRACK_REACH: f64 = 46.0;
const CRACKS: u32 = 40;
/// On a wide platform: the factor for the number of cracks, and the distance between rings, in units.
const WIDE_CRACKS: u32 = 6;
const WIDE_MARKS: f64 = 400.0;
/// A wide platform is divided into cells: their width in units, and the scratches in each.
const CELL: f64 = 240.0;
const SCRATCHES_IN_CELL: u32 = 4;
/// How often shards fall, and how long each falls, in ticks.
const SHARD_EVERY_TICKS: u32 = 5;
const SHARD_TICKS: u32 = 55;

/// Colours of the marks on the ice, and of cracks.
const MARK: &str = "#a9c6dd";
const CRACK: &str = "#3f6488";

/// The radius at the playhead in units, interpolated between ticks.
pub(super) fn radius_at(world: &World, at: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "a playhead is within a round")]
    #[expect(clippy::cast_sign_loss, reason = "a playhead is never before the round")]
    let tick = at.floor().max(0.0) as u32;
    let radius = |tick| units(platform::radius(world.mode, tick, world.round_ticks));
    let (here, next) = (radius(tick), radius(tick + 1));
    here + (next - here) * at.fract().clamp(0.0, 1.0)
}

/// Draws the slab with its marks and cracks.
pub(super) fn draw(
    context: &CanvasRenderingContext2d,
    gradients: &mut GradientCache,
    world: &World,
    radius: f64,
    at: f64,
) {
    let whole = units(world.mode.platform_radius());
    let Some(gradients) = gradients.ice(context, radius) else { return };

    // The side is a circle a little lower. The part of it below the top is the slab's thickness.
    context.set_fill_style_canvas_gradient(&gradients.side);
    context.begin_path();
    context.arc(0.0, SLAB_SIDE, radius, 0.0, core::f64::consts::PI).ok();
    context.arc(0.0, 0.0, radius, core::f64::consts::PI, TAU).ok();
    context.fill();
    circle(context, Point::default(), radius);
    context.set_fill_style_canvas_gradient(&gradients.top);
    context.fill();

    draw_marks(context, whole, radius);
    draw_cracks(context, world, radius, at);
    ring(context, Point::default(), radius - 1.0, palette::ICE_EDGE.css, 2.5);
}

/// Draws faint rings and scratches, so that speed can be seen.
fn draw_marks(context: &CanvasRenderingContext2d, whole: f64, radius: f64) {
    context.set_global_alpha(0.55);
    let marks = if is_wide(whole) {
        (1..8).map(|mark| f64::from(mark) * WIDE_MARKS).collect()
    } else {
        Vec::from([0.16, 0.45, 0.74].map(|part| whole * part))
    };
    let width = if is_wide(whole) { 3.0 } else { 1.5 };
    for mark in marks.into_iter().filter(|mark| *mark < radius - 6.0) {
        ring(context, Point::default(), mark, MARK, width);
    }
    if is_wide(whole) {
        context.set_global_alpha(1.0);
        return;
    }
    context.set_global_alpha(0.4);
    context.begin_path();
    for scratch in 0..26 {
        let distance = chance(scratch * 4 + 901).sqrt() * whole * 0.92;
        let place = Point::at(chance(scratch * 4 + 902) * TAU, distance);
        let way = Point::at(chance(scratch * 4 + 903) * TAU, 10.0 + 34.0 * chance(scratch));
        if place.length() + way.length() < radius - 4.0 {
            context.move_to(place.x, place.y);
            context.line_to(place.x + way.x, place.y + way.y);
        }
    }
    context.set_stroke_style_str(palette::ICE_EDGE.css);
    context.set_line_width(1.2);
    context.stroke();
    context.set_global_alpha(1.0);
}

/// Draws the scratches of a wide platform that are inside the picture. Each cell always has the same ones.
pub(super) fn draw_near_scratches(
    context: &CanvasRenderingContext2d,
    view: View,
    frame: &Frame,
    radius: f64,
) {
    if view.is_far() {
        return;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a platform has some hundred cells")]
    let cell = |at: f64| (at / CELL).floor() as i32;
    let half = Point::new(frame.width, frame.height).times(0.5 / view.scale);
    let (low, high) = (view.middle.minus(half), view.middle.plus(half));
    context.begin_path();
    for row in cell(low.y) - 1..=cell(high.y) {
        for column in cell(low.x) - 1..=cell(high.x) {
            let seed = column.cast_unsigned().wrapping_mul(7_919)
                ^ row.cast_unsigned().wrapping_mul(104_729);
            for number in 0..SCRATCHES_IN_CELL {
                let chance =
                    |what: u32| chance(seed.wrapping_mul(64).wrapping_add(number * 4 + what));
                let corner = Point::new(f64::from(column), f64::from(row)).times(CELL);
                let place = corner.plus(Point::new(chance(0), chance(1)).times(CELL));
                let way = Point::at(chance(2) * TAU, 20.0 + 70.0 * chance(3));
                if place.length() + way.length() < radius - 4.0 {
                    context.move_to(place.x, place.y);
                    context.line_to(place.x + way.x, place.y + way.y);
                }
            }
        }
    }
    context.set_global_alpha(0.4);
    context.set_stroke_style_str(palette::ICE_EDGE.css);
    context.set_line_width(1.6);
    context.stroke();
    context.set_global_alpha(1.0);
}

/// Draws the cracks. They do not move, and the rim eats its way along them.
fn draw_cracks(context: &CanvasRenderingContext2d, world: &World, radius: f64, at: f64) {
    let shrink_at = f64::from(platform::shrink_begins(world.round_ticks));
    let grown = ((at - shrink_at + WARNING_TICKS) / WARNING_TICKS).clamp(0.0, 1.0);
    if grown <= 0.0 {
        return;
    }
    let reach = CRACK_REACH * grown;
    context.begin_path();
    let density = if is_wide(units(world.mode.platform_radius())) { WIDE_CRACKS } else { 1 };
    let count = CRACKS * density;
    for crack in 0..count {
        let angle = (f64::from(crack) + 0.8 * chance(crack + 40)) * TAU / f64::from(count);
        let mut distance = radius;
        let mut place = Point::at(angle, distance);
        context.move_to(place.x, place.y);
        while distance > radius - reach * (0.45 + 0.55 * chance(crack + 80)) {
            // Bends lie on fixed rings, so they stay where they are while the radius shrinks.
            let band = (distance / 11.0).ceil() - 1.0;
            distance = band * 11.0;
            #[expect(clippy::cast_possible_truncation, reason = "some dozens of bands")]
            #[expect(clippy::cast_sign_loss, reason = "within the platform")]
            let bend = chance(crack * 64 + band.max(0.0) as u32) - 0.5;
            place = Point::at(angle + bend * 0.05 / f64::from(density), distance);
            context.line_to(place.x, place.y);
        }
    }
    context.set_global_alpha(0.25 + 0.4 * grown);
    context.set_stroke_style_str(CRACK);
    context.set_line_width(1.4);
    context.stroke();
    context.set_global_alpha(1.0);
}

/// Draws the pieces of the rim that have just broken off and fall.
pub(super) fn draw_falling_shards(context: &CanvasRenderingContext2d, world: &World, at: f64) {
    let begins = platform::shrink_begins(world.round_ticks);
    #[expect(clippy::cast_possible_truncation, reason = "a playhead is within a round")]
    #[expect(clippy::cast_sign_loss, reason = "a playhead is never before the round")]
    let now = at.max(0.0) as u32;
    let first = now.saturating_sub(SHARD_TICKS).max(begins).next_multiple_of(SHARD_EVERY_TICKS);
    let last = now.min(world.round_ticks);
    for born in (first..=last).step_by(SHARD_EVERY_TICKS as usize) {
        let radius = units(platform::radius(world.mode, born, world.round_ticks));
        let age = ((at - f64::from(born)) / f64::from(SHARD_TICKS)).clamp(0.0, 1.0);
        for piece in 0..3 {
            draw_shard(context, born * 3 + piece, radius, age);
        }
    }
    context.set_global_alpha(1.0);
}

fn draw_shard(context: &CanvasRenderingContext2d, seed: u32, radius: f64, age: f64) {
    let angle = chance(seed * 7) * TAU;
    let away = 4.0 + age * (14.0 + 22.0 * chance(seed * 7 + 1));
    let middle = Point::at(angle, radius + away).plus(Point::new(0.0, 70.0 * age * age));
    let size = (7.0 + 9.0 * chance(seed * 7 + 2)) * (1.0 - 0.75 * age);
    let turn = angle + age * (chance(seed * 7 + 3) - 0.5) * 5.0;
    context.set_global_alpha((1.0 - age) * 0.9);
    context.set_fill_style_str(palette::ICE_RIM.css);
    context.begin_path();
    for corner in 0..4 {
        let reach = size * (0.6 + 0.5 * chance(seed * 11 + corner));
        let place = middle.plus(Point::at(turn + f64::from(corner) * TAU / 4.0, reach));
        if corner == 0 {
            context.move_to(place.x, place.y);
        } else {
            context.line_to(place.x, place.y);
        }
    }
    context.close_path();
    context.fill();
}

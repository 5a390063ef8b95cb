//! Draws each effect at its age.

use core::f64::consts::TAU;

use presentation::palette;
use web_sys::CanvasRenderingContext2d;

use super::super::point::{Point, chance};
use super::super::shapes::{fill_circle, ring};
use super::{Effect, Effects, Kind};

/// Half of the angle of a shove's cone, in radians, as in the simulation.
const CONE_HALF: f64 =
    shared::sim::push::SHOVE_HALF_ANGLE as f64 * TAU / shared::sim::Angle::TURN as f64;

/// Draws the effects below the discs.
pub(in super::super) fn draw_below(context: &CanvasRenderingContext2d, effects: &Effects, at: f64) {
    draw_layer(context, effects, at, true);
}

/// Draws the effects above the discs.
pub(in super::super) fn draw_above(context: &CanvasRenderingContext2d, effects: &Effects, at: f64) {
    draw_layer(context, effects, at, false);
}

fn draw_layer(context: &CanvasRenderingContext2d, effects: &Effects, at: f64, below: bool) {
    for (effect, age) in effects.alive(at) {
        let part = age / effect.kind.life_ticks();
        if part < 1.0 && effect.kind.is_below() == below {
            draw_one(context, effect, part);
        }
    }
    context.set_global_alpha(1.0);
}

/// `part` is the elapsed share of the effect's life, from 0 to 1.
fn draw_one(context: &CanvasRenderingContext2d, effect: &Effect, part: f64) {
    let (place, colour) = (effect.place, effect.kind.colour());
    // Ease-out: quick at first.
    let grown = 1.0 - (1.0 - part) * (1.0 - part);
    let fade = 1.0 - part;
    context.set_global_alpha(fade);
    match effect.kind {
        Kind::Muzzle => ring(context, place, 4.0 + 10.0 * grown, colour, 3.0 * fade + 0.5),
        Kind::Hit { strength, .. } => {
            ring(context, place, 8.0 + 46.0 * grown * (0.5 + strength), colour, 6.0 * fade + 0.5);
            draw_sparks(context, effect, part, strength);
        }
        Kind::Cone { reach } => draw_cone(context, effect, reach * (0.35 + 0.65 * grown), fade),
        Kind::Streaks { .. } => draw_streaks(context, effect, part),
        Kind::Sparks { strength } => {
            let radius = 4.0 + 20.0 * grown * (0.4 + strength);
            context.set_global_alpha(fade * 0.8);
            ring(context, place, radius, palette::WHITE.css, 3.0 * fade);
            draw_sparks(context, effect, part, strength);
        }
        Kind::Fall { .. } => {
            ring(context, place, 14.0 + 60.0 * grown, colour, 7.0 * fade + 0.5);
            context.set_global_alpha(fade * 0.7);
            ring(context, place, 8.0 + 34.0 * grown, palette::WHITE.css, 3.0 * fade + 0.5);
        }
        Kind::Return => ring(context, place, 70.0 - 42.0 * grown, colour, 1.0 + 4.0 * grown),
        Kind::Pickup { taken, .. } => {
            let radius = if taken { 16.0 + 40.0 * grown } else { 44.0 - 26.0 * grown };
            ring(context, place, radius, colour, 5.0 * fade + 0.5);
            if taken {
                draw_sparks(context, effect, part, 0.5);
            }
        }
        Kind::Lead => {
            ring(context, place, 30.0 + 22.0 * grown, colour, 4.0 * fade);
            draw_sparks(context, effect, part, 0.8);
        }
        Kind::Shrink { radius } => {
            context.set_global_alpha(fade * 0.8);
            ring(context, place, radius - 30.0 * grown, colour, 10.0 * fade + 1.0);
        }
    }
}

fn draw_cone(context: &CanvasRenderingContext2d, effect: &Effect, reach: f64, fade: f64) {
    let place = effect.place;
    let wedge = |from: f64, to: f64| {
        let (left, right) = (effect.angle - CONE_HALF, effect.angle + CONE_HALF);
        context.begin_path();
        context.arc(place.x, place.y, to, left, right).ok();
        context.arc_with_anticlockwise(place.x, place.y, from, right, left, true).ok();
        context.close_path();
    };
    context.set_fill_style_str(palette::WARM.css);
    context.set_global_alpha(0.38 * fade);
    wedge(26.0, reach.max(27.0));
    context.fill();
    for (part, strength) in [(1.0, 0.95), (0.74, 0.6), (0.5, 0.35)] {
        let radius = reach * part;
        context.begin_path();
        let (left, right) = (effect.angle - CONE_HALF, effect.angle + CONE_HALF);
        context.arc(place.x, place.y, radius.max(27.0), left, right).ok();
        context.set_global_alpha(fade * strength);
        context.set_stroke_style_str(palette::WARM.css);
        context.set_line_width(2.0 + 4.0 * fade * part);
        context.stroke();
    }
}

fn draw_streaks(context: &CanvasRenderingContext2d, effect: &Effect, part: f64) {
    let back = Point::at(effect.angle, -1.0);
    let across = Point::new(-back.y, back.x);
    context.begin_path();
    for lane in -2..=2 {
        let lane = f64::from(lane);
        let from = effect.place.plus(across.times(lane * 8.5)).plus(back.times(8.0 + 26.0 * part));
        let length = (62.0 - 12.0 * lane.abs()) * (1.0 - part * 0.6);
        let to = from.plus(back.times(length));
        context.move_to(from.x, from.y);
        context.line_to(to.x, to.y);
    }
    context.set_line_cap("round");
    context.set_stroke_style_str(effect.kind.colour());
    context.set_line_width(4.0 * (1.0 - part) + 0.5);
    context.stroke();
    context.set_line_cap("butt");
}

fn draw_sparks(context: &CanvasRenderingContext2d, effect: &Effect, part: f64, strength: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "a tick of a round")]
    #[expect(clippy::cast_sign_loss, reason = "a tick of a round")]
    let seed = effect.born as u32 * 31 + (effect.place.x.abs() * 8.0) as u32;
    let count = if strength > 0.6 { 10 } else { 6 };
    for spark in 0..count {
        let turn = (chance(seed + spark * 3) - 0.5) * TAU * 0.9;
        let reach = (14.0 + 44.0 * chance(seed + spark * 3 + 1)) * (0.4 + strength);
        let eased = 1.0 - (1.0 - part) * (1.0 - part);
        let place = effect.place.plus(Point::at(effect.angle + turn, 6.0 + reach * eased));
        let size = (1.6 + 2.4 * chance(seed + spark * 3 + 2)) * (1.0 - part);
        let colour = if spark % 2 == 0 { effect.kind.colour() } else { palette::CHARGE.css };
        fill_circle(context, place, size, colour);
    }
}

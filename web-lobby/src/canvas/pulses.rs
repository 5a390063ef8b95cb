//! Pulses in flight, each with a trail.

use std::collections::HashSet;

use presentation::palette;
use shared::sim::{Pulse, pulse};
use web_sys::CanvasRenderingContext2d;

use super::point::{Point, units};
use super::scene::Scene;
use super::shapes::fill_circle;

const RADIUS: f64 = units(pulse::RADIUS);
/// A pulse fades during this many last ticks.
const FADE_TICKS: f64 = 8.0;

/// Draws every pulse at the playhead.
pub(super) fn draw(context: &CanvasRenderingContext2d, scene: &Scene) {
    // A pulse flies straight, so its position between two ticks follows from its velocity.
    let ahead = f64::from(scene.world.elapsed()) - scene.at;
    for pulse in &scene.world.pulses {
        if f64::from(pulse::LIFE_TICKS - pulse.ticks_left.min(pulse::LIFE_TICKS)) >= ahead {
            draw_one(context, pulse, ahead);
        }
    }
    let flying: HashSet<_> = scene.world.pulses.iter().map(|pulse| pulse.id).collect();
    // A pulse that has hit since the last snapshot is still drawn on its way.
    for pulse in scene.previous.iter().flat_map(|world| &world.pulses) {
        if !flying.contains(&pulse.id) && pulse.ticks_left > 2 && ahead > 0.9 {
            draw_one(context, pulse, ahead - 2.0);
        }
    }
    context.set_global_alpha(1.0);
}

fn draw_one(context: &CanvasRenderingContext2d, pulse: &Pulse, ahead: f64) {
    let velocity = Point::from_world(pulse.velocity);
    let place = Point::from_world(pulse.position).minus(velocity.times(ahead));
    let strength = (f64::from(pulse.ticks_left) / FADE_TICKS).min(1.0);
    let size = if pulse.overcharged { 1.4 } else { 1.0 };
    let colour = if pulse.overcharged { palette::CHARGE.css } else { palette::WARM.css };

    // The trail is a thin triangle with a round head.
    let tail = place.minus(velocity.times(4.5));
    let across = Point::new(-velocity.y, velocity.x).times(RADIUS * size / velocity.length());
    context.set_global_alpha(0.45 * strength);
    context.set_fill_style_str(palette::hue(pulse.id.slot).body.css);
    context.begin_path();
    context.move_to(tail.x, tail.y);
    context.line_to(place.x + across.x, place.y + across.y);
    context.line_to(place.x - across.x, place.y - across.y);
    context.close_path();
    context.fill();

    context.set_global_alpha(0.3 * strength);
    fill_circle(context, place, RADIUS * size * 1.8, colour);
    context.set_global_alpha(strength);
    fill_circle(context, place, RADIUS * size, palette::hue(pulse.id.slot).body.css);
    fill_circle(context, place, RADIUS * size * 0.72, colour);
    fill_circle(context, place, RADIUS * size * 0.36, palette::WHITE.css);
}

//! The picture of a room's row: the slab, and a dot for each disc, pulse and pickup. What is smaller than a pixel there
//! (names, marks, strain) is left out.

use core::f64::consts::{PI, TAU};

use presentation::palette;
use shared::sim::disc::{RADIUS, RESPAWN_TICKS};
use shared::sim::{Disc, Stance};
use web_sys::CanvasRenderingContext2d;

use super::place::{Place, units};
use super::{Brushes, Frame, Scene, Seen, circle, fill_circle, ice, seen_discs};

/// Units of void around the platform.
const MARGIN: f64 = 40.0;
/// Height of the slab's side, in pixels.
const SIDE_PX: f64 = 4.0;
/// The smallest dots, in pixels.
const DISC_PX: f64 = 2.6;
const PULSE_PX: f64 = 1.1;
const PICKUP_PX: f64 = 1.5;
/// A fall takes so many ticks.
const FALL_TICKS: f64 = 36.0;

/// Draws a scene over the whole canvas, small.
pub fn draw_small(
    context: &CanvasRenderingContext2d,
    brushes: &mut Brushes,
    frame: &Frame,
    scene: &Scene,
) {
    let whole = units(scene.world.mode.platform_radius()) + MARGIN;
    let scale = frame.width.min(frame.height) / (2.0 * whole) * frame.density;
    let (width, height) = (frame.width * frame.density, frame.height * frame.density);
    context.set_transform(1.0, 0.0, 0.0, 1.0, 0.0, 0.0).ok();
    context.set_global_alpha(1.0);
    context.set_fill_style_str(palette::VOID_INNER.css);
    context.fill_rect(0.0, 0.0, width, height);
    context.set_transform(scale, 0.0, 0.0, scale, width / 2.0, height / 2.0).ok();

    // So many units are a pixel.
    let pixel = frame.density / scale;
    draw_slab(context, brushes, scene, pixel);
    let size = |smallest: f64, real: i32| units(real).max(smallest * pixel);
    for pickup in &scene.world.pickups {
        let place = Place::of(pickup.position);
        fill_circle(context, place, PICKUP_PX * pixel, palette::pickup(pickup.kind).css);
    }
    for seen in seen_discs(scene) {
        draw_disc(context, &seen, scene, size(DISC_PX, RADIUS), pixel);
    }
    let ahead = f64::from(scene.world.elapsed()) - scene.at;
    for pulse in &scene.world.pulses {
        let place = Place::of(pulse.position).minus(Place::of(pulse.velocity).times(ahead));
        fill_circle(context, place, PULSE_PX * pixel, palette::WARM.css);
    }
}

fn draw_slab(context: &CanvasRenderingContext2d, brushes: &mut Brushes, scene: &Scene, pixel: f64) {
    let radius = ice::radius_at(scene.world, scene.at);
    let Some(gradients) = brushes.ice(context, radius) else { return };
    context.set_fill_style_canvas_gradient(&gradients.side);
    context.begin_path();
    context.arc(0.0, SIDE_PX * pixel, radius, 0.0, PI).ok();
    context.arc(0.0, 0.0, radius, PI, TAU).ok();
    context.fill();
    circle(context, Place::default(), radius);
    context.set_fill_style_canvas_gradient(&gradients.top);
    context.fill();
}

/// Teams show by their colours: outlines would not.
fn draw_disc(
    context: &CanvasRenderingContext2d,
    seen: &Seen,
    scene: &Scene,
    radius: f64,
    pixel: f64,
) {
    let Some(size) = size_of(seen.disc, scene) else { return };
    let teams = scene.world.mode.has_teams();
    let colour = if teams {
        palette::team(seen.disc.team).css
    } else {
        palette::hue(seen.disc.slot).body.css
    };
    let place = if size < 1.0 {
        seen.place.plus(Place::at(seen.place.angle(), radius * (1.0 - size)))
    } else {
        seen.place
    };
    fill_circle(context, place, (radius + 0.8 * pixel) * size, palette::INK.css);
    fill_circle(context, place, radius * size, colour);
}

/// 1 on the ice, less in a fall; nothing when it is not to be seen.
fn size_of(disc: &Disc, scene: &Scene) -> Option<f64> {
    let Stance::Out { ticks_left } = disc.stance else { return Some(1.0) };
    let ahead = f64::from(scene.world.elapsed()) - scene.at;
    let age = (f64::from(RESPAWN_TICKS - ticks_left.min(RESPAWN_TICKS)) - ahead) / FALL_TICKS;
    (disc.falls > 0 && (0.0..1.0).contains(&age)).then_some(1.0 - age)
}

//! The picture in a room's row: the slab, and a dot for each disc, pulse and pickup. Details that would be smaller
//! than a pixel (names, marks, strain) are left out.

use core::f64::consts::{PI, TAU};

use presentation::palette;
use shared::sim::disc::{RADIUS, RESPAWN_TICKS};
use shared::sim::{Disc, Stance};
use web_sys::CanvasRenderingContext2d;

use super::gradients::GradientCache;
use super::ice;
use super::point::{Point, units};
use super::scene::{DrawnDisc, Frame, Scene, drawn_discs};
use super::shapes::{circle, fill_circle};

/// The void around the platform, in units.
const MARGIN: f64 = 40.0;
/// Height of the slab's side, in pixels.
const SIDE_PX: f64 = 4.0;
/// The smallest radii, in pixels.
const DISC_PX: f64 = 2.6;
const PULSE_PX: f64 = 1.1;
const PICKUP_PX: f64 = 1.5;
/// How long a fall takes, in ticks.
const FALL_TICKS: f64 = 36.0;

/// Draws a scene as a thumbnail over the whole canvas.
pub fn draw_thumbnail(
    context: &CanvasRenderingContext2d,
    gradients: &mut GradientCache,
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

    // The length of a pixel, in units.
    let pixel = frame.density / scale;
    draw_slab(context, gradients, scene, pixel);
    let size = |smallest: f64, real: i32| units(real).max(smallest * pixel);
    for pickup in &scene.world.pickups {
        let place = Point::from_world(pickup.position);
        fill_circle(context, place, PICKUP_PX * pixel, palette::pickup(pickup.kind).css);
    }
    for seen in drawn_discs(scene) {
        draw_disc(context, &seen, scene, size(DISC_PX, RADIUS), pixel);
    }
    let ahead = f64::from(scene.world.elapsed()) - scene.at;
    for pulse in &scene.world.pulses {
        let place =
            Point::from_world(pulse.position).minus(Point::from_world(pulse.velocity).times(ahead));
        fill_circle(context, place, PULSE_PX * pixel, palette::WARM.css);
    }
}

fn draw_slab(
    context: &CanvasRenderingContext2d,
    gradients: &mut GradientCache,
    scene: &Scene,
    pixel: f64,
) {
    let radius = ice::radius_at(scene.world, scene.at);
    let Some(gradients) = gradients.ice(context, radius) else { return };
    context.set_fill_style_canvas_gradient(&gradients.side);
    context.begin_path();
    context.arc(0.0, SIDE_PX * pixel, radius, 0.0, PI).ok();
    context.arc(0.0, 0.0, radius, PI, TAU).ok();
    context.fill();
    circle(context, Point::default(), radius);
    context.set_fill_style_canvas_gradient(&gradients.top);
    context.fill();
}

/// Shows the team by its colour, because an outline would be too thin.
fn draw_disc(
    context: &CanvasRenderingContext2d,
    seen: &DrawnDisc,
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
        seen.place.plus(Point::at(seen.place.angle(), radius * (1.0 - size)))
    } else {
        seen.place
    };
    fill_circle(context, place, (radius + 0.8 * pixel) * size, palette::INK.css);
    fill_circle(context, place, radius * size, colour);
}

/// The relative size: 1 on the ice, and less during a fall. `None` when the disc cannot be seen.
fn size_of(disc: &Disc, scene: &Scene) -> Option<f64> {
    let Stance::Out { ticks_left } = disc.stance else { return Some(1.0) };
    let ahead = f64::from(scene.world.elapsed()) - scene.at;
    let age = (f64::from(RESPAWN_TICKS - ticks_left.min(RESPAWN_TICKS)) - ahead) / FALL_TICKS;
    (disc.falls > 0 && (0.0..1.0).contains(&age)).then_some(1.0 - age)
}

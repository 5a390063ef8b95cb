//! Pickups on the ice: tiles with the sign of their effect.

use core::f64::consts::TAU;

use presentation::palette;
use shared::sim::{PickupKind, World, pickup};
use web_sys::CanvasRenderingContext2d;

use super::point::{Point, units};
use super::scene::Frame;
use super::shapes::{fill_circle, ring};
use super::trigonometry::sin;

const RADIUS: f64 = units(pickup::RADIUS);

/// Draws every pickup, pulsating a little.
pub(super) fn draw(context: &CanvasRenderingContext2d, world: &World, at: f64, frame: &Frame) {
    for pickup in &world.pickups {
        let place = Point::from_world(pickup.position);
        let lifted = if frame.is_calm { 2.0 } else { 2.0 + 1.5 * sin(at * 0.07 + place.x) };
        context.set_global_alpha(0.25);
        fill_circle(context, place.plus(Point::new(1.5, 4.0)), RADIUS, palette::SHADOW.css);
        context.set_global_alpha(0.35);
        fill_circle(context, place, RADIUS + 3.0 + lifted, palette::pickup(pickup.kind).css);
        context.set_global_alpha(1.0);
        let place = place.plus(Point::new(0.0, -lifted));
        fill_circle(context, place, RADIUS, palette::INK.css);
        ring(context, place, RADIUS - 1.5, palette::pickup(pickup.kind).css, 3.0);
        draw_shape(context, place, pickup.kind);
    }
}

fn draw_shape(context: &CanvasRenderingContext2d, place: Point, kind: PickupKind) {
    let path = |points: &[(f64, f64)]| {
        context.begin_path();
        for (number, (x, y)) in points.iter().enumerate() {
            if number == 0 {
                context.move_to(place.x + x, place.y + y);
            } else {
                context.line_to(place.x + x, place.y + y);
            }
        }
        context.close_path();
        context.fill();
    };
    context.set_fill_style_str(palette::pickup(kind).css);
    match kind {
        // A weight with its handle.
        PickupKind::Heavy => {
            path(&[(-4.5, -2.0), (4.5, -2.0), (7.5, 7.0), (-7.5, 7.0)]);
            context.begin_path();
            context.arc(place.x, place.y - 4.5, 3.0, 0.0, TAU).ok();
            context.set_line_width(2.2);
            context.set_stroke_style_str(palette::pickup(kind).css);
            context.stroke();
        }
        // A bolt of lightning.
        PickupKind::Overcharge => {
            path(&[(2.0, -9.0), (-6.0, 1.5), (-1.0, 1.5), (-2.5, 9.0), (6.0, -2.0), (1.0, -2.0)]);
        }
        // A cross.
        PickupKind::Mend => {
            context.fill_rect(place.x - 2.4, place.y - 7.5, 4.8, 15.0);
            context.fill_rect(place.x - 7.5, place.y - 2.4, 15.0, 4.8);
        }
    }
}

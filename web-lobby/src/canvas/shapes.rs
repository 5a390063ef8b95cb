//! Coordinate systems of the canvas, and circles.

use core::f64::consts::TAU;

use web_sys::CanvasRenderingContext2d;

use super::camera::View;
use super::point::Point;
use super::scene::Frame;

/// Switches the canvas to units of the world.
pub(super) fn use_world_units(context: &CanvasRenderingContext2d, frame: &Frame, view: View) {
    let scale = view.scale * frame.density;
    let x = frame.width * frame.density / 2.0 - view.middle.x * scale;
    let y = frame.height * frame.density / 2.0 - view.middle.y * scale;
    context.set_transform(scale, 0.0, 0.0, scale, x, y).ok();
}

/// Switches the canvas to CSS pixels.
pub(super) fn use_css_pixels(context: &CanvasRenderingContext2d, frame: &Frame) {
    context.set_transform(frame.density, 0.0, 0.0, frame.density, 0.0, 0.0).ok();
    context.set_global_alpha(1.0);
}

/// Begins a path with one circle.
pub(super) fn circle(context: &CanvasRenderingContext2d, middle: Point, radius: f64) {
    context.begin_path();
    context.arc(middle.x, middle.y, radius.max(0.0), 0.0, TAU).ok();
}

/// Fills a circle.
pub(super) fn fill_circle(
    context: &CanvasRenderingContext2d,
    middle: Point,
    radius: f64,
    colour: &str,
) {
    circle(context, middle, radius);
    context.set_fill_style_str(colour);
    context.fill();
}

/// Strokes a circle.
pub(super) fn ring(
    context: &CanvasRenderingContext2d,
    middle: Point,
    radius: f64,
    colour: &str,
    line_width: f64,
) {
    circle(context, middle, radius);
    context.set_stroke_style_str(colour);
    context.set_line_width(line_width);
    context.stroke();
}

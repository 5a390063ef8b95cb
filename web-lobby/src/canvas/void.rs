//! The void: a dark gradient and a few specks that drift slowly.

use presentation::palette;
use web_sys::CanvasRenderingContext2d;

use super::gradients::GradientCache;
use super::point::{Point, chance, wrapped};
use super::scene::Frame;
use super::shapes::use_css_pixels;

const SPECKS: u32 = 70;
/// How fast the nearest specks drift, in pixels a second.
const DRIFT: f64 = 5.0;
/// How much the nearest specks move with the camera.
const PARALLAX: f64 = 0.12;

/// Fills the whole picture.
pub(super) fn draw(
    context: &CanvasRenderingContext2d,
    gradients: &mut GradientCache,
    frame: &Frame,
    camera: Point,
) {
    use_css_pixels(context, frame);
    match gradients.void(context, frame) {
        Some(gradient) => context.set_fill_style_canvas_gradient(gradient),
        None => context.set_fill_style_str(palette::VOID_OUTER.css),
    }
    context.fill_rect(0.0, 0.0, frame.width, frame.height);
    draw_specks(context, frame, camera);
}

fn draw_specks(context: &CanvasRenderingContext2d, frame: &Frame, camera: Point) {
    context.set_fill_style_str(palette::SPECK.css);
    let seconds = if frame.is_calm { 0.0 } else { frame.now_ms / 1_000.0 };
    for speck in 0..SPECKS {
        let depth = 0.2 + 0.8 * chance(speck * 3 + 2);
        let x = chance(speck * 3) * frame.width + seconds * DRIFT * depth;
        let y = chance(speck * 3 + 1) * frame.height - seconds * DRIFT * 0.4 * depth;
        let x = wrapped(x - camera.x * PARALLAX * depth, frame.width.max(1.0));
        let y = wrapped(y - camera.y * PARALLAX * depth, frame.height.max(1.0));
        let size = 0.8 + 1.4 * depth * depth;
        context.set_global_alpha(0.10 + 0.28 * depth);
        context.fill_rect(x, y, size, size);
    }
    context.set_global_alpha(1.0);
}

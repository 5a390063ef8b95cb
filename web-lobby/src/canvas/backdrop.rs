//! The void: a deep gradient and a few specks that drift slowly.

use presentation::palette;
use web_sys::CanvasRenderingContext2d;

use super::place::{Place, chance};
use super::{Brushes, Frame, reset};

const SPECKS: u32 = 70;
/// The nearest specks drift so many pixels in a second.
const DRIFT: f64 = 5.0;
/// How much the nearest specks follow the eye.
const PARALLAX: f64 = 0.12;

/// Paints the whole picture over.
pub(super) fn draw(
    context: &CanvasRenderingContext2d,
    brushes: &mut Brushes,
    frame: &Frame,
    eye: Place,
) {
    reset(context, frame);
    let size = (frame.width, frame.height);
    if brushes.void.as_ref().is_none_or(|(made_for, _)| *made_for != size) {
        brushes.void = gradient(context, frame).map(|gradient| (size, gradient));
    }
    match &brushes.void {
        Some((_, gradient)) => context.set_fill_style_canvas_gradient(gradient),
        None => context.set_fill_style_str(palette::VOID_OUTER.css),
    }
    context.fill_rect(0.0, 0.0, frame.width, frame.height);
    draw_specks(context, frame, eye);
}

fn gradient(context: &CanvasRenderingContext2d, frame: &Frame) -> Option<web_sys::CanvasGradient> {
    let (x, y) = (frame.width / 2.0, frame.height / 2.0);
    let gradient = context.create_radial_gradient(x, y, 0.0, x, y, x.hypot(y)).ok()?;
    gradient.add_color_stop(0.0, palette::VOID_INNER.css).ok()?;
    gradient.add_color_stop(1.0, palette::VOID_OUTER.css).ok()?;
    Some(gradient)
}

fn draw_specks(context: &CanvasRenderingContext2d, frame: &Frame, eye: Place) {
    context.set_fill_style_str(palette::SPECK.css);
    let seconds = if frame.is_calm { 0.0 } else { frame.now_ms / 1_000.0 };
    for speck in 0..SPECKS {
        let depth = 0.2 + 0.8 * chance(speck * 3 + 2);
        let x = chance(speck * 3) * frame.width + seconds * DRIFT * depth;
        let y = chance(speck * 3 + 1) * frame.height - seconds * DRIFT * 0.4 * depth;
        let x = (x - eye.x * PARALLAX * depth).rem_euclid(frame.width.max(1.0));
        let y = (y - eye.y * PARALLAX * depth).rem_euclid(frame.height.max(1.0));
        let size = 0.8 + 1.4 * depth * depth;
        context.set_global_alpha(0.10 + 0.28 * depth);
        context.fill_rect(x, y, size, size);
    }
    context.set_global_alpha(1.0);
}

//! Gradients that are kept from picture to picture: making one costs more than drawing with it.

use presentation::palette;
use web_sys::{CanvasGradient, CanvasRenderingContext2d};

use super::point::Point;
use super::scene::Frame;

/// Height of the slab's visible side, in units.
pub(super) const SLAB_SIDE: f64 = 26.0;
/// A gradient is used for another radius as long as the two differ by no more than this, in units.
const RADIUS_TOLERANCE: f64 = 2.0;

/// The gradients of a picture, each with the size that it was made for.
#[derive(Default)]
pub struct GradientCache {
    void: Option<((f64, f64), CanvasGradient)>,
    ice: Option<(f64, IceGradients)>,
}

/// The gradients of the platform.
pub(super) struct IceGradients {
    pub(super) top: CanvasGradient,
    pub(super) side: CanvasGradient,
}

impl GradientCache {
    /// The void's gradient for a picture of this size. `None` when the browser makes none.
    pub(super) fn void(
        &mut self,
        context: &CanvasRenderingContext2d,
        frame: &Frame,
    ) -> Option<&CanvasGradient> {
        let size = (frame.width, frame.height);
        if self.void.as_ref().is_none_or(|(made_for, _)| *made_for != size) {
            self.void = void_gradient(context, size).map(|gradient| (size, gradient));
        }
        self.void.as_ref().map(|(_, gradient)| gradient)
    }

    /// The platform's gradients for a radius in units. `None` when the browser makes none.
    pub(super) fn ice(
        &mut self,
        context: &CanvasRenderingContext2d,
        radius: f64,
    ) -> Option<&IceGradients> {
        let fits = |(made_for, _): &(f64, _)| (made_for - radius).abs() <= RADIUS_TOLERANCE;
        if !self.ice.as_ref().is_some_and(fits) {
            self.ice = ice_gradients(context, radius).map(|gradients| (radius, gradients));
        }
        self.ice.as_ref().map(|(_, gradients)| gradients)
    }
}

fn void_gradient(
    context: &CanvasRenderingContext2d,
    (width, height): (f64, f64),
) -> Option<CanvasGradient> {
    let (x, y) = (width / 2.0, height / 2.0);
    let gradient =
        context.create_radial_gradient(x, y, 0.0, x, y, Point::new(x, y).length()).ok()?;
    gradient.add_color_stop(0.0, palette::VOID_INNER.css).ok()?;
    gradient.add_color_stop(1.0, palette::VOID_OUTER.css).ok()?;
    Some(gradient)
}

fn ice_gradients(context: &CanvasRenderingContext2d, radius: f64) -> Option<IceGradients> {
    let light = -radius * 0.18;
    let top = context.create_radial_gradient(light, light, 0.0, 0.0, 0.0, radius).ok()?;
    top.add_color_stop(0.0, palette::ICE_MIDDLE.css).ok()?;
    top.add_color_stop(0.55, "#c9dfee").ok()?;
    top.add_color_stop(1.0, palette::ICE_RIM.css).ok()?;
    let side = context.create_linear_gradient(0.0, radius * 0.2, 0.0, radius + SLAB_SIDE);
    side.add_color_stop(0.0, "#55789b").ok()?;
    side.add_color_stop(1.0, "#1d2f4b").ok()?;
    Some(IceGradients { top, side })
}

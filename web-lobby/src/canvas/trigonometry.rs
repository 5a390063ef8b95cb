//! Sine, cosine and the angle of a vector. The browser has them: our own would be bytes to download.

/// The browser's, in a browser.
#[cfg(target_arch = "wasm32")]
pub(super) use js_sys::Math::{atan2, cos, sin};

#[cfg(not(target_arch = "wasm32"))]
pub(super) fn sin(angle: f64) -> f64 {
    angle.sin()
}

#[cfg(not(target_arch = "wasm32"))]
pub(super) fn cos(angle: f64) -> f64 {
    angle.cos()
}

#[cfg(not(target_arch = "wasm32"))]
pub(super) fn atan2(y: f64, x: f64) -> f64 {
    y.atan2(x)
}

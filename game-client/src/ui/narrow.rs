//! What moves and shrinks in a narrow window, so that the panels over the match do not cover each other.

use bevy_egui::egui::Context;

/// In a narrower window, the panels at the upper left and right are below the time, in points.
const NARROW: f32 = 700.0;
/// In a still narrower one they are smaller.
const COMPACT: f32 = 520.0;
/// The row of the cooldowns lies beside the chat in windows that are at least this wide.
const WIDE: f32 = 1_210.0;
/// The height of that row with the gap below it.
const ROW: f32 = 92.0;

fn width(context: &Context) -> f32 {
    context.content_rect().width()
}

/// Whether names and panels are shorter.
#[must_use]
pub fn is_compact(context: &Context) -> bool {
    width(context) < COMPACT
}

/// From the top of the window to the panels at the upper left and right.
#[must_use]
pub fn below_time(context: &Context) -> f32 {
    if width(context) < NARROW { 84.0 } else { 16.0 }
}

/// How far a small panel at the lower right is raised above the row of the cooldowns.
#[must_use]
pub fn raised_in_narrow(context: &Context) -> f32 {
    if width(context) < NARROW { ROW } else { 0.0 }
}

/// How far the chat and the map are raised above the row of the cooldowns.
#[must_use]
pub fn raised(context: &Context) -> f32 {
    if width(context) < WIDE { ROW } else { 0.0 }
}

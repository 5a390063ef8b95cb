//! Whether this machine has a screen.

use std::env;

/// Whether a window could open on this machine.
pub(crate) fn is_here() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(is_set)
}

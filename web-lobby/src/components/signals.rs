//! Helpers for signals.

use leptos::prelude::*;

/// Sets a signal only to a new value, so that nothing is drawn again for the same one.
pub fn set_if_changed<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|known| *known != value) {
        signal.set(value);
    }
}

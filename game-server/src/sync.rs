//! Locks on plain tables. No lock is held across an `.await`.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a table. Every change of it is complete when the guard drops, so a panic of another holder (which a server
/// survives when a request panics) does not make it unusable.
pub(crate) fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

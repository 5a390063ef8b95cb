//! Locking of plain tables. No lock is ever held across an `.await`.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a table whose every change is complete when the guard drops, so that a panic elsewhere
/// (which a request's handler survives) does not make it unusable.
pub(crate) fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

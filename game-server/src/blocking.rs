//! Where work waits for the disk: on a thread that may wait.

use std::io;
use std::panic::resume_unwind;

/// Runs work that waits for a disk outside the runtime's own threads.
///
/// # Errors
/// The work's own error.
///
/// # Panics
/// When the work does: its panic is one of the task that waits for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime ends.
            Err(cancelled) => Err(io::Error::other(cancelled)),
        },
    }
}

//! Where recordings wait for the disk: on a thread that may wait.

use std::io;

/// Runs work that waits for a disk outside the runtime's own threads.
///
/// # Errors
/// The work's own error, or that it panicked.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

//! The messages that wait for one chat connection: bounded in messages and in bytes, because a message may be one
//! line or a whole history.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::mpsc;

/// Messages that wait for one connection.
pub(super) const QUEUED_MESSAGES_MAX: usize = 256;
/// Bytes that wait for one connection.
pub(super) const QUEUED_BYTES_MAX: usize = 1024 * 1024;

/// The client reads too slowly, or its connection is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// The chat's end. Dropping it ends the messages.
pub(super) struct SendQueue {
    messages: mpsc::Sender<Utf8Bytes>,
    waiting_bytes: Arc<AtomicUsize>,
}

/// The connection's end.
pub(super) struct QueuedMessages {
    messages: mpsc::Receiver<Utf8Bytes>,
    waiting_bytes: Arc<AtomicUsize>,
}

/// An empty queue.
pub(super) fn send_queue() -> (SendQueue, QueuedMessages) {
    // A full queue means that the client reads too slowly: the chat then closes the connection.
    let (sender, receiver) = mpsc::channel(QUEUED_MESSAGES_MAX);
    let waiting_bytes = Arc::new(AtomicUsize::new(0));
    let queue = SendQueue { messages: sender, waiting_bytes: waiting_bytes.clone() };
    (queue, QueuedMessages { messages: receiver, waiting_bytes })
}

impl SendQueue {
    /// Adds a message. Never waits.
    pub(super) fn send(&self, message: Utf8Bytes) -> Result<(), Full> {
        let length = message.len();
        // Only the chat task adds, so that the count can only shrink between the check and the addition.
        if self.waiting_bytes.load(Ordering::Relaxed) + length > QUEUED_BYTES_MAX {
            return Err(Full);
        }
        self.waiting_bytes.fetch_add(length, Ordering::Relaxed);
        self.messages.try_send(message).or(Err(Full))
    }
}

impl QueuedMessages {
    /// The next message. `None` when the client read too slowly, or the chat stops. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Utf8Bytes> {
        let message = self.messages.recv().await?;
        self.waiting_bytes.fetch_sub(message.len(), Ordering::Relaxed);
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::ws::Utf8Bytes;

    use super::{Full, QUEUED_BYTES_MAX, QUEUED_MESSAGES_MAX, send_queue};

    #[tokio::test]
    async fn bytes_are_counted_until_they_are_read() {
        let (queue, mut messages) = send_queue();
        let half = Utf8Bytes::from("x".repeat(QUEUED_BYTES_MAX / 2));

        assert_eq!(queue.send(half.clone()), Ok(()));
        assert_eq!(queue.send(half.clone()), Ok(()));
        assert_eq!(queue.send("y".into()), Err(Full));

        assert_eq!(messages.next().await, Some(half));
        assert_eq!(queue.send("y".into()), Ok(()));
    }

    #[test]
    fn messages_are_counted_too() {
        let (queue, _inbox) = send_queue();
        for _ in 0..QUEUED_MESSAGES_MAX {
            assert_eq!(queue.send("x".into()), Ok(()));
        }
        assert_eq!(queue.send("x".into()), Err(Full));
    }
}

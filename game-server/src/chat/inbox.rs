//! What waits for one connection to the chat: bounded in messages and in bytes, since one message may be a line or
//! a whole history.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::mpsc;

/// Messages that wait for one connection.
pub(super) const INBOX_MESSAGES_MAX: usize = 256;
/// Bytes that wait for one connection.
pub(super) const INBOX_BYTES_MAX: usize = 1024 * 1024;

/// The connection reads too slowly, or is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// The chat's end. Dropping it ends the inbox.
pub(super) struct Mailer {
    messages: mpsc::Sender<Utf8Bytes>,
    waiting_bytes: Arc<AtomicUsize>,
}

/// The connection's end.
pub(super) struct Inbox {
    messages: mpsc::Receiver<Utf8Bytes>,
    waiting_bytes: Arc<AtomicUsize>,
}

/// An empty inbox.
pub(super) fn inbox() -> (Mailer, Inbox) {
    // Full means too slow: the chat then cuts the connection.
    let (sender, receiver) = mpsc::channel(INBOX_MESSAGES_MAX);
    let waiting_bytes = Arc::new(AtomicUsize::new(0));
    let mailer = Mailer { messages: sender, waiting_bytes: waiting_bytes.clone() };
    (mailer, Inbox { messages: receiver, waiting_bytes })
}

impl Mailer {
    /// Adds a message. Never waits.
    pub(super) fn send(&self, message: Utf8Bytes) -> Result<(), Full> {
        let length = message.len();
        // Only the chat's one task adds, so what it sees here can only have become less.
        if self.waiting_bytes.load(Ordering::Relaxed) + length > INBOX_BYTES_MAX {
            return Err(Full);
        }
        self.waiting_bytes.fetch_add(length, Ordering::Relaxed);
        self.messages.try_send(message).or(Err(Full))
    }
}

impl Inbox {
    /// The next message. Nothing when the connection was too slow, or the chat stops. May be dropped while it
    /// waits.
    pub(super) async fn next(&mut self) -> Option<Utf8Bytes> {
        let message = self.messages.recv().await?;
        self.waiting_bytes.fetch_sub(message.len(), Ordering::Relaxed);
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::ws::Utf8Bytes;

    use super::{Full, INBOX_BYTES_MAX, INBOX_MESSAGES_MAX, inbox};

    #[tokio::test]
    async fn bytes_are_counted_until_they_are_read() {
        let (mailer, mut inbox) = inbox();
        let half = Utf8Bytes::from("x".repeat(INBOX_BYTES_MAX / 2));

        assert_eq!(mailer.send(half.clone()), Ok(()));
        assert_eq!(mailer.send(half.clone()), Ok(()));
        assert_eq!(mailer.send("y".into()), Err(Full));

        assert_eq!(inbox.next().await, Some(half));
        assert_eq!(mailer.send("y".into()), Ok(()));
    }

    #[test]
    fn messages_are_counted_too() {
        let (mailer, _inbox) = inbox();
        for _ in 0..INBOX_MESSAGES_MAX {
            assert_eq!(mailer.send("x".into()), Ok(()));
        }
        assert_eq!(mailer.send("x".into()), Err(Full));
    }
}

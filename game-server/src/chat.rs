//! Chat: one task that owns who listens and the order of lines.
//!
//! Every line passes through the task, gets its number there, is kept, and then told. Joining passes
//! through it as well, so history and what follows meet without gap or double.

mod hub;
mod inbox;
pub mod socket;

use std::sync::Arc;

use shared::protocol::chat::ChatClientMessage;
use tokio::sync::{mpsc, oneshot};

use crate::player::Player;
use crate::presence::Presence;
use crate::storage::{ChatLog, Players, StoreError};
use crate::tasks::Tasks;
use hub::Hub;
use inbox::Inbox;

/// Requests that wait for the task. When as many do, connections wait before they read on.
const REQUESTS_MAX: usize = 1_024;

/// Names a connection to the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct ConnectionId(u64);

/// The address of the chat.
#[derive(Clone)]
pub struct ChatHandle {
    requests: mpsc::Sender<Request>,
    tasks: Tasks,
}

enum Request {
    Join { player: Player, after: Option<u64>, reply: oneshot::Sender<Joined> },
    Message { from: ConnectionId, message: ChatClientMessage },
    Leave { connection: ConnectionId },
}

/// A connection that was let in.
struct Joined {
    connection: ConnectionId,
    /// What to send, the greeting first. Ends when the reader is too slow, or the chat stops.
    inbox: Inbox,
}

impl ChatHandle {
    async fn join(&self, player: Player, after: Option<u64>) -> Option<Joined> {
        let (reply, joined) = oneshot::channel();
        self.requests.send(Request::Join { player, after, reply }).await.ok()?;
        joined.await.ok()
    }

    async fn send(&self, from: ConnectionId, message: ChatClientMessage) {
        // The task ends only with the server, and the inbox ends with it.
        self.requests.send(Request::Message { from, message }).await.ok();
    }

    async fn leave(&self, connection: ConnectionId) {
        self.requests.send(Request::Leave { connection }).await.ok();
    }
}

/// Starts the chat after the last line that was kept.
///
/// # Errors
/// When the store fails.
pub async fn start(
    tasks: &Tasks,
    log: Arc<dyn ChatLog>,
    players: Arc<dyn Players>,
    presence: Arc<Presence>,
) -> Result<ChatHandle, StoreError> {
    let last = log.last_sequence().await?;
    let mut hub = Hub::new(log, players, presence, last);
    let (requests, mut waiting) = mpsc::channel(REQUESTS_MAX);
    let stop = tasks.clone();
    tasks.spawn(async move {
        loop {
            tokio::select! {
                biased;
                () = stop.stopping() => break,
                request = waiting.recv() => match request {
                    Some(request) => hub.answer(request).await,
                    None => break,
                },
            }
        }
    });
    Ok(ChatHandle { requests, tasks: tasks.clone() })
}

//! Chat: one task that owns the connections and the order of lines.
//!
//! The task numbers every line, keeps it, and then sends it. Joining passes through the same task, so that the
//! history and the lines after it meet without gap or double.

mod hub;
mod request;
mod send_queue;
pub mod socket;

use std::sync::Arc;

use shared::protocol::chat::ChatClientMessage;
use tokio::sync::{mpsc, oneshot};

use crate::player::Player;
use crate::presence::Presence;
use crate::storage::{ChatLog, Players, StoreError};
use crate::tasks::Tasks;
use hub::Hub;
use request::{ConnectionId, Joined, Request};

/// Requests that wait for the task. When the queue is full, connections wait before they read on.
const REQUESTS_MAX: usize = 1_024;

/// The address of the chat task. Cheap to clone.
#[derive(Clone)]
pub struct ChatHandle {
    requests: mpsc::Sender<Request>,
    tasks: Tasks,
}

impl ChatHandle {
    async fn join(&self, player: Player, after: Option<u64>) -> Option<Joined> {
        let (reply, joined) = oneshot::channel();
        self.requests.send(Request::Join { player, after, reply }).await.ok()?;
        joined.await.ok()
    }

    async fn send(&self, from: ConnectionId, message: ChatClientMessage) {
        // The task ends only with the server, and the messages end with it.
        self.requests.send(Request::Message { from, message }).await.ok();
    }

    /// A player has another name, under which the next lines are sent.
    pub async fn rename(&self, player: Player) {
        self.requests.send(Request::Rename { player }).await.ok();
    }

    async fn leave(&self, connection: ConnectionId) {
        self.requests.send(Request::Leave { connection }).await.ok();
    }
}

/// Starts the chat. Numbering continues after the last line in the log.
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
    tasks.spawn_vital("chat", async move {
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

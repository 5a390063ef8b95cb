//! Chat: one task that owns the connections and the order of lines.
//!
//! The task numbers every line, has it kept, and then sends it. It never waits for the store: one line at a time is being
//! written beside it, and earlier lines are read by the connection that wants them. Joining passes through the task,
//! which adds the lines of the meantime, so that the history and the lines after it meet without gap or double.

mod archive;
mod hub;
mod repeats;
mod request;
mod send_queue;
pub mod socket;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, OptionFuture};
use shared::protocol::chat::{ChatChannel, ChatClientMessage};
use tokio::sync::{mpsc, oneshot};

use crate::player::Player;
use crate::presence::Presence;
use crate::storage::{ChatLog, Players, StoreError};
use crate::tasks::Tasks;
use archive::{Archive, Kept};
use hub::Hub;
use request::{ConnectionId, Joined, Request};

/// Requests that wait for the task. When the queue is full, connections wait before they read on.
const REQUESTS_MAX: usize = 1_024;

/// The address of the chat task. Cheap to clone.
#[derive(Clone)]
pub struct ChatHandle {
    requests: mpsc::Sender<Request>,
    archive: Archive,
    tasks: Tasks,
}

impl ChatHandle {
    async fn join(&self, player: Player, after: Option<u64>) -> Option<Joined> {
        let history = self.archive.missed(player.id, after).await;
        let (reply, joined) = oneshot::channel();
        self.requests.send(Request::Join { player, history, reply }).await.ok()?;
        joined.await.ok()
    }

    /// Waits for the store if the message needs it. Other connections do not wait.
    async fn send(&self, from: ConnectionId, player: &Player, message: ChatClientMessage) {
        let request = match message {
            ChatClientMessage::Say { channel, text, nonce } => {
                let receiver = match channel {
                    ChatChannel::Direct { player } => self.archive.knows(player).await,
                    ChatChannel::Lobby | ChatChannel::Room { .. } | ChatChannel::Team { .. } => {
                        Ok(())
                    }
                };
                Request::Say { from, channel, text, nonce, receiver }
            }
            ChatClientMessage::Enter { room } => {
                let history = self.archive.room(player.id, room).await;
                Request::Enter { from, room, history }
            }
            ChatClientMessage::Exit { room } => Request::Exit { from, room },
        };
        // The task ends only with the server, and the messages end with it.
        self.requests.send(request).await.ok();
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
    let archive = Archive::new(log, players, presence.clone(), last);
    let hub = Hub::new(archive.clone(), presence, last);
    let (requests, waiting) = mpsc::channel(REQUESTS_MAX);
    tasks.spawn_vital("chat", run(hub, waiting, tasks.clone()));
    Ok(ChatHandle { requests, archive, tasks: tasks.clone() })
}

async fn run(mut hub: Hub, mut waiting: mpsc::Receiver<Request>, tasks: Tasks) {
    // The line that is being written.
    let mut writing: Option<BoxFuture<'static, Kept>> = None;
    loop {
        if writing.is_none() {
            writing = hub.next_line().map(|line| hub.archive().keep(line).boxed());
        }
        tokio::select! {
            biased;
            () = tasks.stopping() => break,
            Some(kept) = OptionFuture::from(writing.as_mut()) => {
                writing = None;
                hub.note_kept(kept);
            }
            request = waiting.recv() => match request {
                Some(request) => hub.answer(request),
                None => break,
            },
        }
    }
}

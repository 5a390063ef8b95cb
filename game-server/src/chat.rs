//! Chat: one task that owns the connections and the order of lines.
//!
//! The task numbers every line, has it kept, and then sends it. It never waits for the store: the lines that wait are written
//! together, beside it, one such write at a time, and earlier lines are read by the connection that wants them. Joining passes through the task,
//! which adds the lines of the meantime, so that the history and the lines after it meet without gap or double.
//!
//! Where several nodes use one store, each has such a task, and the store decides on the order: it takes each number once. A
//! node reads what others have written when it hears of it, when it finds its own number taken, and every `COMPARE_EVERY`
//! in any case.

mod archive;
mod hub;
mod repeats;
mod request;
mod send_queue;
pub mod socket;
mod unread;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::{FutureExt as _, StreamExt as _};
use shared::protocol::chat::{ChatChannel, ChatClientMessage};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use crate::cluster::post::{Hint, Post};
use crate::player::Player;
use crate::presence::Presence;
use crate::storage::{ChatLog, LogPart, Players, StoreError};
use crate::tasks::Tasks;
use archive::{Archive, Kept};
use hub::{Hub, RECENT_LINES_MAX};
use request::{ConnectionId, Joined, Request};

/// Requests that wait for the task. When the queue is full, connections wait before they read on.
const REQUESTS_MAX: usize = 1_024;
/// How often a node compares its last line with the log's: a hint of another node may be lost.
const COMPARE_EVERY: Duration = Duration::from_secs(2);

/// The address of the chat task. Cheap to clone.
#[derive(Clone)]
pub struct ChatHandle {
    requests: mpsc::Sender<Request>,
    archive: Archive,
    tasks: Tasks,
}

impl ChatHandle {
    async fn join(&self, player: Player, after: Option<u64>) -> Option<Joined> {
        if let Some(sequence) = after
            && self.archive.has_unsent(sequence).await
        {
            // Another node has sent this line to the client. It must not come a second time.
            self.requests.send(Request::ReadOn { sequence }).await.ok()?;
            self.archive.reached(sequence).await;
        }
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
    post: Arc<dyn Post>,
) -> Result<ChatHandle, StoreError> {
    start_comparing(COMPARE_EVERY, tasks, log, players, presence, post).await
}

async fn start_comparing(
    every: Duration,
    tasks: &Tasks,
    log: Arc<dyn ChatLog>,
    players: Arc<dyn Players>,
    presence: Arc<Presence>,
    post: Arc<dyn Post>,
) -> Result<ChatHandle, StoreError> {
    let last = log.last_sequence().await?;
    let earliest = last.saturating_sub(RECENT_LINES_MAX as u64);
    let earlier =
        log.lines_after(earliest, RECENT_LINES_MAX.try_into().unwrap_or(u32::MAX)).await?;
    let archive = Archive::new(log, players, presence.clone(), post.clone(), last);
    let mut hub = Hub::new(archive.clone(), presence, last);
    hub.remember_earlier(earliest, earlier);
    let (requests, waiting) = mpsc::channel(REQUESTS_MAX);
    tasks.spawn_vital("chat", run(hub, waiting, post, every, tasks.clone()));
    Ok(ChatHandle { requests, archive, tasks: tasks.clone() })
}

/// What was done beside the task.
enum Done {
    Kept(Kept),
    Read(Result<LogPart, StoreError>),
    Rested,
}

/// What is done beside the task next. It reads first, because the numbers of the next lines depend on what it reads.
fn next_work(hub: &mut Hub) -> Option<BoxFuture<'static, Done>> {
    if let Some((after, pause)) = hub.next_read() {
        return Some(hub.archive().read_on(after, pause).map(Done::Read).boxed());
    }
    if let Some(rest) = hub.next_rest() {
        return Some(sleep(rest).map(|()| Done::Rested).boxed());
    }
    let lines = hub.next_lines();
    (!lines.is_empty()).then(|| hub.archive().keep(lines).map(Done::Kept).boxed())
}

async fn run(
    mut hub: Hub,
    mut waiting: mpsc::Receiver<Request>,
    post: Arc<dyn Post>,
    compare_every: Duration,
    tasks: Tasks,
) {
    let mut hints = post.heard();
    let mut comparing = (!post.is_alone()).then(|| interval(compare_every));
    if let Some(comparing) = &mut comparing {
        comparing.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    // The lines that are being written, or the part of the log that is being read.
    let mut working: Option<BoxFuture<'static, Done>> = None;
    loop {
        if working.is_none() {
            working = next_work(&mut hub);
        }
        tokio::select! {
            biased;
            () = tasks.stopping() => break,
            Some(done) = OptionFuture::from(working.as_mut()) => {
                working = None;
                match done {
                    Done::Kept(kept) => hub.note_kept(kept),
                    Done::Read(read) => hub.note_read(read),
                    Done::Rested => {}
                }
            }
            Some(hint) = hints.next() => match hint {
                Hint::ChatLine { sequence } => hub.note_heard(sequence),
                Hint::SessionEnded { .. } | Hint::Renamed { .. } => {}
            },
            Some(_) = OptionFuture::from(comparing.as_mut().map(Interval::tick)) => hub.compare(),
            request = waiting.recv() => match request {
                Some(request) => hub.answer(request),
                None => break,
            },
        }
    }
}

#[cfg(test)]
mod tests;

//! The address of a room, and the requests that it takes.

use std::sync::Arc;

use shared::api::Role;
use shared::feed::Cursor;
use shared::id::PlayerId;
use tokio::sync::{mpsc, oneshot, watch};

use super::broadcast::LogReader;
use super::connection::handshake::Handshake;
use super::readers::{ReaderGuard, Readers};
use super::settings::{RoomSpec, SPECTATORS_MAX, SPECTATORS_PER_ADDRESS_MAX};
use super::view::RoomView;
use crate::client_address::ClientAddress;
use crate::player::Player;
use crate::sessions::life::SessionLife;

/// Requests that may wait for the room's next tick. When the queue is full, the caller waits.
pub(super) const REQUESTS_MAX: usize = 64;

/// Why a player could not enter a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnterError {
    /// Every seat is taken by a person or reserved for one.
    #[error("every seat of the room is taken")]
    Full,
    /// The room has as many spectators as it may have.
    #[error("{SPECTATORS_MAX} people watch this room already")]
    TooManySpectators,
    /// The player's address has as many spectators in the room as one may have.
    #[error("{SPECTATORS_PER_ADDRESS_MAX} people watch this room from your network already")]
    TooManySpectatorsFromAddress,
    /// The room has ended.
    #[error("the room has ended")]
    Ended,
}

/// A player who comes to a room.
#[derive(Clone)]
pub struct Entrant {
    /// The player.
    pub player: Player,
    /// The rating as it is shown.
    pub rating: i32,
    /// The session that the connection comes from: it ends with it.
    pub session: SessionLife,
    /// Where the connection comes from.
    pub address: ClientAddress,
}

/// The address of a room. When the room has ended, its requests fail.
#[derive(Clone)]
pub struct RoomHandle {
    spec: RoomSpec,
    requests: mpsc::Sender<Request>,
    view: watch::Receiver<Arc<RoomView>>,
    log: LogReader,
    readers: Readers,
}

/// What a room is asked for.
pub(super) enum Request {
    /// Let a player in.
    Enter { entrant: Entrant, role: Role, reply: oneshot::Sender<Result<Handshake, EnterError>> },
    /// A player has another name.
    Rename { player: Player },
    /// Reserve seats for half a minute.
    Reserve { players: Vec<PlayerId>, reply: oneshot::Sender<Result<(), EnterError>> },
    /// Close if nobody is there. The reply comes when the room has ended, and is dropped when it stays.
    CloseIfEmpty { reply: oneshot::Sender<()> },
}

impl RoomHandle {
    pub(super) fn new(
        spec: RoomSpec,
        requests: mpsc::Sender<Request>,
        view: watch::Receiver<Arc<RoomView>>,
        log: LogReader,
        readers: Readers,
    ) -> Self {
        Self { spec, requests, view, log, readers }
    }

    /// What distinguishes the room from others.
    #[must_use]
    pub fn spec(&self) -> &RoomSpec {
        &self.spec
    }

    /// The room as it was at most half a second ago.
    #[must_use]
    pub fn view(&self) -> Arc<RoomView> {
        self.view.borrow().clone()
    }

    /// Lets a player in, to play or to watch. A player who has a seat gets it back, and the older connection is
    /// closed. The handshake takes the socket; dropped without one, it leaves the seat to wait for the player.
    ///
    /// # Errors
    /// See [`EnterError`].
    pub async fn enter(&self, entrant: Entrant, role: Role) -> Result<Handshake, EnterError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Enter { entrant, role, reply };
        self.requests.send(request).await.or(Err(EnterError::Ended))?;
        answer.await.or(Err(EnterError::Ended))?
    }

    /// Shows a player under another name, if the player has a seat.
    pub async fn rename(&self, player: Player) {
        // A room that has ended shows nobody.
        self.requests.send(Request::Rename { player }).await.ok();
    }

    /// Reserves seats for these players for half a minute.
    ///
    /// # Errors
    /// [`EnterError::Full`] when there are not enough, or [`EnterError::Ended`].
    pub async fn reserve(&self, players: Vec<PlayerId>) -> Result<(), EnterError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Reserve { players, reply };
        self.requests.send(request).await.or(Err(EnterError::Ended))?;
        answer.await.or(Err(EnterError::Ended))?
    }

    /// Closes the room if nobody is there and no seat is reserved. Returns whether it has ended.
    pub async fn close_if_empty(&self) -> bool {
        let (reply, answer) = oneshot::channel();
        if self.requests.send(Request::CloseIfEmpty { reply }).await.is_err() {
            return true;
        }
        answer.await.is_ok()
    }

    /// Whether a player needs no invitation: the room was opened for this player, or a seat is taken by or reserved
    /// for the player.
    #[must_use]
    pub fn belongs_to(&self, player: PlayerId) -> bool {
        let view = self.view();
        self.spec.opener.is_some_and(|opener| opener.player == player)
            || view.reserved.contains(&player)
            || view.details.seated.iter().any(|seat| !seat.bot && seat.player == player)
    }

    /// The running round's stream behind a place, and the place behind that; without a good place, the round as its
    /// file begins, from the newest keyframe. `None` while no round can be entered.
    #[must_use]
    pub fn since(&self, after: Option<Cursor>) -> Option<(Vec<u8>, Cursor)> {
        self.log.since(after)
    }

    /// Reads the room's stream.
    pub(super) fn log(&self) -> LogReader {
        self.log.clone()
    }

    /// Counts a reader of the stream, by its session if it has one, and keeps the room open while the guard lives.
    pub(crate) fn read_stream(&self, player: Option<PlayerId>) -> ReaderGuard {
        self.readers.enter(player)
    }

    /// Somebody looks at the room from outside: it waits for them as if they had just left.
    pub(crate) fn note_interest(&self) {
        self.readers.note_interest();
    }

    /// Whether the room has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.requests.is_closed()
    }

    /// Waits for the end of the room.
    pub async fn ended(&self) {
        self.requests.closed().await;
    }
}

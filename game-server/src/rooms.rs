//! The rooms of this server: opens and finds them, and keeps the bot room running.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::api::{RoomClosed, RoomList};
use shared::id::{PlayerId, RoomId};
use shared::sim::{BotStrength, Mode};

use crate::bots::BotPolicy;
use crate::bus::{Notice, StateOwner};
use crate::player::Player;
use crate::room::{
    self, MADE_ROOM_EMPTY_MAX, MATCHED_ROOM_EMPTY_MAX, RoomHandle, RoomParts, RoomSpec,
};
use crate::sync::lock;

/// The most rooms that are remembered after their end.
const ENDED_MAX: usize = 1_024;
/// Pause before the bot room is opened again after a fault.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// Why no room was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// As many rooms are open as may be.
    #[error("the server holds as many rooms as it may")]
    TooMany,
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

/// Why no room was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No room has that name, and none that is remembered had it.
    #[error("there is no such room")]
    Unknown,
    /// The room has ended.
    #[error("the room has ended")]
    Ended,
}

/// How long a room stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lifetime {
    /// A person opened it, and waits for friends.
    Made,
    /// Matched players, who are on their way.
    Matched,
    /// For ever.
    Permanent,
}

/// The rooms. Cheap to clone.
#[derive(Clone)]
pub struct Rooms {
    table: Arc<Mutex<Table>>,
    rooms_max: usize,
    parts: RoomParts,
}

#[derive(Default)]
struct Table {
    /// The oldest first.
    open: Vec<RoomHandle>,
    ended: VecDeque<RoomId>,
}

impl Table {
    fn public(&self) -> impl Iterator<Item = &RoomHandle> {
        self.open.iter().filter(|room| !room.spec().private && !room.has_ended())
    }

    fn list(&self) -> RoomList {
        let summary = |room: &RoomHandle| room.view().details.summary.clone();
        RoomList { rooms: self.public().map(summary).collect() }
    }
}

/// Starts with no room, or with the one that bots keep running. At most `rooms_max` rooms are open at once.
#[must_use]
pub fn start(parts: RoomParts, rooms_max: usize, has_bot_room: bool) -> Rooms {
    let rooms = Rooms { table: Arc::default(), rooms_max, parts };
    let tasks = &rooms.parts.tasks;
    if has_bot_room {
        tasks.spawn_vital("bot room", keep_bot_room(rooms.clone()));
    }
    rooms
}

impl Rooms {
    /// Opens a room for a person, who invites others: it waits for them.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        &self,
        mode: Mode,
        private: bool,
        bots: BotPolicy,
    ) -> Result<RoomHandle, OpenError> {
        self.open_as(mode, private, bots, Lifetime::Made)
    }

    fn open_as(
        &self,
        mode: Mode,
        private: bool,
        bots: BotPolicy,
        lifetime: Lifetime,
    ) -> Result<RoomHandle, OpenError> {
        let tasks = &self.parts.tasks;
        if tasks.is_stopping() {
            return Err(OpenError::Stopping);
        }
        let mut table = lock(&self.table);
        if table.open.len() >= self.rooms_max {
            return Err(OpenError::TooMany);
        }
        let id = loop {
            let id = RoomId::from_bits(rand::random());
            if !table.open.iter().any(|room| room.spec().id == id) && !table.ended.contains(&id) {
                break id;
            }
        };
        let permanent = lifetime == Lifetime::Permanent;
        let empty_max = match lifetime {
            Lifetime::Made => MADE_ROOM_EMPTY_MAX,
            Lifetime::Matched | Lifetime::Permanent => MATCHED_ROOM_EMPTY_MAX,
        };
        let spec = RoomSpec { id, mode, private, bots, permanent, empty_max };
        let room = room::open(spec, &self.parts);
        table.open.push(room.clone());
        drop(table);
        let (rooms, watched) = (self.clone(), room.clone());
        tasks.spawn_vital("room table", async move {
            watched.ended().await;
            rooms.forget(watched.spec());
        });
        Ok(room)
    }

    /// The room of that name.
    ///
    /// # Errors
    /// See [`FindError`].
    pub fn find(&self, id: RoomId) -> Result<RoomHandle, FindError> {
        let table = lock(&self.table);
        match table.open.iter().find(|room| room.spec().id == id) {
            Some(room) if !room.has_ended() => Ok(room.clone()),
            Some(_) => Err(FindError::Ended),
            None if table.ended.contains(&id) => Err(FindError::Ended),
            None => Err(FindError::Unknown),
        }
    }

    /// The rooms that are listed, the oldest first.
    #[must_use]
    pub fn public(&self) -> Vec<RoomHandle> {
        lock(&self.table).public().cloned().collect()
    }

    /// The list as it is now.
    #[must_use]
    pub fn list(&self) -> RoomList {
        lock(&self.table).list()
    }

    /// Opens a room for players that were matched, and reserves their seats.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_for(
        &self,
        mode: Mode,
        players: Vec<PlayerId>,
    ) -> Result<RoomHandle, OpenError> {
        // Practice is for one player: it is not listed, so that no other one finds it.
        let room = match mode {
            Mode::Practice => {
                let bots = BotPolicy::Only(BotStrength::Keen);
                self.open_as(mode, true, bots, Lifetime::Matched)
            }
            Mode::Brawl | Mode::Teams | Mode::Duel | Mode::Crowd => {
                self.open_as(mode, false, BotPolicy::Mixed, Lifetime::Matched)
            }
        }?;
        // A group is never larger than a room. If the room ends at once, the players learn it when they come.
        room.reserve(players).await.ok();
        Ok(room)
    }

    /// A player has another name: it shows in every seat of theirs at once.
    pub async fn rename(&self, player: &Player) {
        let is_seated = |room: &&RoomHandle| {
            room.view().details.seated.iter().any(|seat| seat.player == player.id)
        };
        let rooms: Vec<_> = lock(&self.table).open.iter().filter(is_seated).cloned().collect();
        for room in rooms {
            room.rename(player.clone()).await;
        }
    }

    /// A room has ended, or its task panicked, which only this reports.
    fn forget(&self, spec: &RoomSpec) {
        let id = spec.id;
        self.parts.ladder.discarded(id);
        let mut table = lock(&self.table);
        table.open.retain(|room| room.spec().id != id);
        if !spec.private {
            self.parts.bus.publish(Notice::RoomClosed(RoomClosed { id }));
        }
        table.ended.push_back(id);
        if table.ended.len() > ENDED_MAX {
            table.ended.pop_front();
        }
    }
}

impl StateOwner for Rooms {
    fn republish(&self) {
        // Under the lock: when a room closes now, its notice follows this list and does not precede it.
        let table = lock(&self.table);
        self.parts.bus.publish(Notice::Rooms(table.list()));
    }
}

/// Keeps one room of bots running, so that a new lobby is never empty.
async fn keep_bot_room(rooms: Rooms) {
    let tasks = rooms.parts.tasks.clone();
    while !tasks.is_stopping() {
        match rooms.open_as(Mode::Brawl, false, BotPolicy::Mixed, Lifetime::Permanent) {
            Ok(room) => room.ended().await,
            Err(error) => tracing::warn!(%error, "the bot room could not be opened"),
        }
        tokio::select! {
            () = tasks.stopping() => {}
            () = tokio::time::sleep(REOPEN_PAUSE) => {}
        }
    }
}

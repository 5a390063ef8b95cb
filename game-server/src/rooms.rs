//! The rooms of this server: opens and finds them, and keeps the bot room running.

mod answers;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::api::{RoomClosed, RoomDetails, RoomList};
use shared::id::{PlayerId, RoomId};
use shared::invitation::InvitationSecret;
use shared::sim::{BotStrength, Mode};

use crate::bots::BotPolicy;
use crate::bus::{Notice, StateOwner};
use crate::cluster::directory::Directory;
use crate::cluster::steward::Steward;
use crate::cluster::table::ReadError;
use crate::node::NodeName;
use crate::player::Player;
use crate::room::{
    self, MADE_ROOM_EMPTY_MAX, MATCHED_ROOM_EMPTY_MAX, Opener, RoomHandle, RoomParts, RoomSpec,
};
use crate::sync::lock;

/// The most rooms that are remembered after their end.
const ENDED_MAX: usize = 1_024;
/// Pause before the bot room is opened again after a fault.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// How often a node that is no steward any more looks whether its bot room is empty.
const LEAVE_EVERY: Duration = Duration::from_secs(5);

/// Why no room was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// As many rooms are open as may be.
    #[error("the server holds as many rooms as it may")]
    TooMany,
    /// The player has opened as many as one may, and they are in use.
    #[error(
        "you have opened {0} rooms, which is the most: one closes a while after the last person has left it"
    )]
    TooManyOfGuest(usize),
    /// Players of this address have opened as many as may be.
    #[error(
        "{0} rooms were opened from your network, which is the most: play in one of those that are there"
    )]
    TooManyOfAddress(usize),
    /// The server stops, or drains before it stops.
    #[error("the server is stopping")]
    Stopping,
}

/// Why no room was found here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No room has that name, and none that is remembered had it.
    #[error("there is no such room")]
    Unknown,
    /// The room has ended.
    #[error("the room has ended")]
    Ended,
    /// The room is on another node.
    #[error("the room is on the node {0}")]
    There(NodeName),
}

/// The most rooms that are open at once.
#[derive(Debug, Clone, Copy)]
pub struct RoomLimits {
    /// In all.
    pub in_all: usize,
    /// Opened by one player.
    pub per_guest: usize,
    /// Opened by players of one address.
    pub per_address: usize,
}

/// A room to open.
#[derive(Debug, Clone, Copy)]
pub struct NewRoom {
    /// The rules.
    pub mode: Mode,
    /// Not listed, and open to those with the invitation.
    pub private: bool,
    /// Which bots take the free seats.
    pub bots: BotPolicy,
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
    limits: RoomLimits,
    parts: RoomParts,
    /// The rooms of all nodes. `None`: there is one.
    directory: Option<Directory>,
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

    /// Checks that one more room may be opened.
    fn check(&self, limits: RoomLimits, opener: Option<Opener>) -> Result<(), OpenError> {
        let running = || self.open.iter().filter(|room| !room.has_ended());
        if running().count() >= limits.in_all {
            return Err(OpenError::TooMany);
        }
        let Some(opener) = opener else { return Ok(()) };
        let openers = || running().filter_map(|room| room.spec().opener);
        if openers().filter(|other| other.player == opener.player).count() >= limits.per_guest {
            return Err(OpenError::TooManyOfGuest(limits.per_guest));
        }
        let of_address = openers().filter(|other| other.address == opener.address).count();
        if of_address >= limits.per_address {
            return Err(OpenError::TooManyOfAddress(limits.per_address));
        }
        Ok(())
    }

    fn list(&self) -> RoomList {
        let summary = |room: &RoomHandle| room.view().details.summary.clone();
        RoomList { rooms: self.public().map(summary).collect() }
    }
}

/// Starts with no room, or with the one that bots keep running while this server is the steward.
#[must_use]
pub fn start(
    parts: RoomParts,
    limits: RoomLimits,
    bot_room: Option<Steward>,
    directory: Option<Directory>,
) -> Rooms {
    let rooms = Rooms { table: Arc::default(), limits, parts, directory };
    let tasks = &rooms.parts.tasks;
    if let Some(steward) = bot_room {
        tasks.spawn_vital("bot room", keep_bot_room(rooms.clone(), steward));
    }
    rooms
}

impl Rooms {
    /// Opens a room for a player, for whom it counts until it closes. At a limit, a room of the same player closes in which
    /// nobody is.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(&self, room: NewRoom, opener: Opener) -> Result<RoomHandle, OpenError> {
        self.open_for_one(room, opener, Lifetime::Made).await
    }

    async fn open_for_one(
        &self,
        room: NewRoom,
        opener: Opener,
        lifetime: Lifetime,
    ) -> Result<RoomHandle, OpenError> {
        let opened = match self.open_as(room, Some(opener), lifetime) {
            Ok(room) => room,
            Err(OpenError::Stopping) => return Err(OpenError::Stopping),
            Err(full) => match self.close_an_empty_one_of(opener.player).await {
                true => self.open_as(room, Some(opener), lifetime)?,
                false => return Err(full),
            },
        };
        self.until_known(&opened).await;
        Ok(opened)
    }

    /// Waits a moment until other nodes know a room.
    async fn until_known(&self, room: &RoomHandle) {
        if let Some(directory) = &self.directory {
            directory.until_known(room.spec().id).await;
        }
    }

    /// Closes the oldest empty room that a player has opened. Returns whether there was one.
    async fn close_an_empty_one_of(&self, player: PlayerId) -> bool {
        let is_own = |room: &&RoomHandle| {
            !room.has_ended() && room.spec().opener.is_some_and(|opener| opener.player == player)
        };
        let own: Vec<_> = lock(&self.table).open.iter().filter(is_own).cloned().collect();
        for room in own {
            if room.close_if_empty().await {
                return true;
            }
        }
        false
    }

    fn open_as(
        &self,
        room: NewRoom,
        opener: Option<Opener>,
        lifetime: Lifetime,
    ) -> Result<RoomHandle, OpenError> {
        let tasks = &self.parts.tasks;
        if tasks.is_stopping() || self.parts.drain.is_draining() {
            return Err(OpenError::Stopping);
        }
        let mut table = lock(&self.table);
        table.check(self.limits, opener)?;
        let id = loop {
            let id = RoomId::from_bits(rand::random());
            let is_new = !table.open.iter().any(|room| room.spec().id == id)
                && !table.ended.contains(&id)
                && self.elsewhere(id).is_none();
            if is_new {
                break id;
            }
        };
        let NewRoom { mode, private, bots } = room;
        let secret = InvitationSecret::from_bits(rand::random());
        let permanent = lifetime == Lifetime::Permanent;
        let empty_max = match lifetime {
            Lifetime::Made => MADE_ROOM_EMPTY_MAX,
            Lifetime::Matched | Lifetime::Permanent => MATCHED_ROOM_EMPTY_MAX,
        };
        let spec = RoomSpec { id, mode, private, secret, opener, bots, permanent, empty_max };
        let room = room::open(spec, &self.parts);
        table.open.push(room.clone());
        if let Some(directory) = &self.directory {
            directory.opened(id, mode, private);
        }
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
            None => Err(self.elsewhere(id).map_or(FindError::Unknown, FindError::There)),
        }
    }

    /// The other node on which a room is that [`Rooms::find`] does not know: what this node knows of others may be behind.
    ///
    /// # Errors
    /// When what the nodes share does not answer.
    pub async fn find_elsewhere(&self, id: RoomId) -> Result<Option<NodeName>, ReadError> {
        match &self.directory {
            Some(directory) => directory.read_node_of(id).await,
            None => Ok(None),
        }
    }

    /// The other node on which a room is.
    fn elsewhere(&self, id: RoomId) -> Option<NodeName> {
        self.directory.as_ref()?.node_of(id)
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

    /// Opens a room for players that were matched, and reserves their seats. It counts for the first of them who may
    /// open one.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_for(
        &self,
        mode: Mode,
        players: Vec<Opener>,
    ) -> Result<RoomHandle, OpenError> {
        // Practice is for one player: it is not listed, so that no other one finds it.
        let new = match mode {
            Mode::Practice => {
                NewRoom { mode, private: true, bots: BotPolicy::Only(BotStrength::Keen) }
            }
            Mode::Brawl | Mode::Teams | Mode::Duel | Mode::Crowd => {
                NewRoom { mode, private: false, bots: BotPolicy::Mixed }
            }
        };
        let mut opened = Err(OpenError::TooMany);
        for opener in &players {
            opened = self.open_for_one(new, *opener, Lifetime::Matched).await;
            if !matches!(opened, Err(OpenError::TooManyOfGuest(_) | OpenError::TooManyOfAddress(_)))
            {
                break;
            }
        }
        let room = opened?;
        // A group is never larger than a room. If the room ends at once, the players learn it when they come.
        room.reserve(players.iter().map(|opener| opener.player).collect()).await.ok();
        Ok(room)
    }

    /// Reserves a seat for a player in the fullest public room of a mode, whatever the ratings. `None` when no room has
    /// one.
    pub async fn reserve_anywhere(&self, mode: Mode, player: PlayerId) -> Option<RoomHandle> {
        let mut rooms = self.public();
        rooms.retain(|room| room.spec().mode == mode && room.view().open_seats > 0);
        rooms.sort_by_key(|room| core::cmp::Reverse(room.view().details.summary.players));
        for room in rooms {
            if room.reserve(vec![player]).await.is_ok() {
                return Some(room);
            }
        }
        None
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
        if let Some(directory) = &self.directory {
            directory.closed(id);
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

/// A room as those see it who have its invitation.
#[must_use]
pub fn details_for_members(room: &RoomHandle) -> RoomDetails {
    let address = room.spec().address();
    let invitation = address.secret.is_some().then_some(address);
    RoomDetails { invitation, ..room.view().details.clone() }
}

/// Keeps one room of bots running while this node is the steward, so that a new lobby is never empty.
async fn keep_bot_room(rooms: Rooms, steward: Steward) {
    let (tasks, drain) = (rooms.parts.tasks.clone(), rooms.parts.drain.clone());
    let mut roles = steward.changes();
    while !tasks.is_stopping() && !drain.is_draining() {
        tokio::select! {
            () = tasks.stopping() => return,
            () = drain.draining() => return,
            held = roles.wait_for(|held| *held) => if held.is_err() { return },
        }
        let room = NewRoom { mode: Mode::Brawl, private: false, bots: BotPolicy::Mixed };
        match rooms.open_as(room, None, Lifetime::Permanent) {
            Ok(room) => {
                rooms.until_known(&room).await;
                tokio::select! {
                    () = room.ended() => {}
                    () = leave_to_another(&room, &steward) => {}
                }
            }
            Err(error) => tracing::warn!(%error, "the bot room could not be opened"),
        }
        tokio::select! {
            () = tasks.stopping() => {}
            () = tokio::time::sleep(REOPEN_PAUSE) => {}
        }
    }
}

/// Closes the bot room once another node is the steward and nobody plays in this one. While NATS is away, none is, and the
/// room goes on.
async fn leave_to_another(room: &RoomHandle, steward: &Steward) {
    loop {
        tokio::time::sleep(LEAVE_EVERY).await;
        if steward.is_with_another() && room.close_if_empty().await {
            return;
        }
    }
}

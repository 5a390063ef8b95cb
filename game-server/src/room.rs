//! One room: a place with seats where round after round is played.
//!
//! A room is a task that owns its world, its seats, its stream and its sockets; nothing else can reach them.
//! Routes send requests to the [`RoomHandle`] and deliver a socket when its handshake is done. Each tick the room
//! reads what its clients have sent, steps the world, and writes what is new: no task, no queue and no wake-up
//! lies between a client and its room.
//!
//! ```text
//! parked ──somebody comes──▶ round ──time is up──▶ summary ──▶ round …
//!    ▲                     (warm-up while alone)       │
//!    └───────────────────── nobody is there ◀──────────┘       closes after a minute
//! ```
//!
//! **Invariant:** the world changes only in the room's own tick, and a tick never waits.

mod alarm;
mod beat;
mod ending;
mod entry;
mod farewell;
mod frames;
mod inputs;
mod line;
mod live;
mod margins;
mod meter;
mod news;
mod outbox;
mod round;
mod running;
mod seats;
mod seeds;
mod standings;
mod talk;
mod turns;
mod view;
mod wire;

#[cfg(test)]
pub(crate) mod echo;

use std::sync::Arc;
use std::time::Duration;

use shared::api::Role;
use shared::feed::Cursor;
use shared::id::{PlayerId, RoomId};
use shared::sim::Mode;
use tokio::sync::{mpsc, oneshot, watch};

use crate::bots::Company;
use crate::bus::Bus;
use crate::ladder::LadderHandle;
use crate::metrics::Gauges;
use crate::player::Player;
use crate::presence::Presence;
use crate::recordings::Recordings;
use crate::tasks::Tasks;
use line::Connection;
use outbox::{Outbox, Outlet};

pub use beat::Metronome;
pub use live::{follow_file, follow_stream};
pub use seeds::Seeds;
pub use view::RoomView;
pub use wire::Wire;

/// Requests that may wait for the room's next moment. A caller whose request finds no place waits.
const REQUESTS_MAX: usize = 64;
/// People who may watch one room.
pub const SPECTATORS_MAX: usize = 64;

/// What a room is from its first moment on.
#[derive(Debug, Clone, Copy)]
pub struct RoomSpec {
    /// Its name, and the code of an invitation.
    pub id: RoomId,
    /// The rules.
    pub mode: Mode,
    /// Not listed.
    pub private: bool,
    /// Which bots take the free seats.
    pub company: Company,
    /// Runs also when nobody is there.
    pub always: bool,
}

/// What a room is given to work with.
#[derive(Clone)]
pub struct RoomServices {
    /// The settings that a room reads.
    pub settings: RoomSettings,
    /// Owns the room's task.
    pub tasks: Tasks,
    /// Where the room publishes its changes.
    pub bus: Arc<dyn Bus>,
    /// Who is in which room.
    pub presence: Arc<Presence>,
    /// What is counted.
    pub gauges: Arc<Gauges>,
    /// The ladder.
    pub ladder: LadderHandle,
    /// Where rounds are recorded.
    pub recordings: Recordings,
    /// When their ticks are due.
    pub metronome: Metronome,
    /// Where their worlds begin.
    pub seeds: Seeds,
}

/// The settings that a room reads.
#[derive(Debug, Clone, Copy)]
pub struct RoomSettings {
    /// The length of a round, in ticks.
    pub round_ticks: u32,
    /// How long a result is shown before the next round.
    pub summary: Duration,
    /// How often a client is pinged.
    pub ping: Duration,
    /// Bytes of a snapshot for one player of a crowd. What has no room comes later.
    pub crowd_snapshot_bytes_max: usize,
}

/// Why somebody could not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnterError {
    /// Every seat is taken by a person or kept for one.
    #[error("every seat of the room is taken")]
    Full,
    /// As many watch as may.
    #[error("{SPECTATORS_MAX} people watch this room already")]
    TooManySpectators,
    /// The room is no more.
    #[error("the room has ended")]
    Ended,
}

/// The address of a room. When the room has ended, its requests fail.
#[derive(Clone)]
pub struct RoomHandle {
    spec: RoomSpec,
    requests: mpsc::Sender<Request>,
    view: watch::Receiver<Arc<RoomView>>,
    outlet: Outlet,
}

enum Request {
    Enter {
        player: Player,
        role: Role,
        rating: i32,
        reply: oneshot::Sender<Result<Connection, EnterError>>,
    },
    Promise {
        players: Vec<PlayerId>,
        reply: oneshot::Sender<Result<(), EnterError>>,
    },
}

/// A player who was let in, and whose handshake goes on. Dropped before its socket is delivered, the seat waits
/// for the player to come back.
pub struct Entered(Connection);

impl Entered {
    /// The handshake is done: from now on the room reads and writes the socket.
    pub fn deliver(self, wire: Wire) {
        self.0.deliver(wire);
    }
}

/// Opens a room. Its task runs until the room ends or the server stops.
#[must_use]
pub fn open(spec: RoomSpec, with: &RoomServices) -> RoomHandle {
    let (requests, inbox) = mpsc::channel(REQUESTS_MAX);
    let outbox = Outbox::new();
    let outlet = outbox.outlet();
    let (room, view) = running::Room::new(spec, with.clone(), outbox, inbox);
    with.tasks.spawn(room.run());
    RoomHandle { spec, requests, view, outlet }
}

impl RoomHandle {
    /// What the room is.
    #[must_use]
    pub fn spec(&self) -> &RoomSpec {
        &self.spec
    }

    /// The room as it was a moment ago.
    #[must_use]
    pub fn view(&self) -> Arc<RoomView> {
        self.view.borrow().clone()
    }

    /// Lets a player in, to play or to watch. Who has a seat gets it back, and an older connection of theirs is
    /// closed.
    ///
    /// # Errors
    /// See [`EnterError`].
    pub async fn enter(
        &self,
        player: Player,
        role: Role,
        rating: i32,
    ) -> Result<Entered, EnterError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Enter { player, role, rating, reply };
        self.requests.send(request).await.or(Err(EnterError::Ended))?;
        answer.await.or(Err(EnterError::Ended))?.map(Entered)
    }

    /// Keeps seats for these players for half a minute.
    ///
    /// # Errors
    /// [`EnterError::Full`] when there are not as many, [`EnterError::Ended`].
    pub async fn promise(&self, players: Vec<PlayerId>) -> Result<(), EnterError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Promise { players, reply };
        self.requests.send(request).await.or(Err(EnterError::Ended))?;
        answer.await.or(Err(EnterError::Ended))?
    }

    /// The running round's stream after a place, and the place behind it; without a good place, the round as
    /// its file begins, from the newest keyframe. Nothing while no round can be entered.
    #[must_use]
    pub fn since(&self, after: Option<Cursor>) -> Option<(Vec<u8>, Cursor)> {
        self.outlet.since(after)
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

//! What a room says to its sockets at the end of a tick: the outbox to everybody, and to each player of a crowd what is
//! near.

use bytes::Bytes;
use shared::sim::{Command, Event, Slot, World};
use shared::snapshot::crowd::{CrowdEncoder, Viewer};
use shared::tick::SNAPSHOT_EVERY_TICKS;

/// What is new for everybody, and for some players of a crowd.
#[derive(Clone, Copy)]
pub(super) struct News<'a> {
    /// Where the outbox ends.
    pub(super) end: u64,
    /// What lies between there and a place at which nearly everybody is: taken once, for all of them.
    pub(super) fresh: (Option<u64>, &'a [Bytes]),
    /// The tick of the room's own count.
    pub(super) beat: u32,
    /// Nothing outside a crowd's round.
    pub(super) snapshot: Option<Snapshot<'a>>,
}

impl News<'_> {
    /// Nothing but what is in the outbox up to here.
    pub(super) const fn until(end: u64, beat: u32) -> Self {
        Self { end, fresh: (None, &[]), beat, snapshot: None }
    }
}

/// A crowd, ready to be told to each of the players whose turn it is.
#[derive(Clone, Copy)]
pub(super) struct Snapshot<'a> {
    telling: &'a Telling,
    world: &'a World,
    /// Of one player's frame.
    bytes_max: usize,
}

/// Players of a crowd are told in turns, each of them every second tick: a thousand writes at once would make every
/// second tick long.
const TURNS: usize = SNAPSHOT_EVERY_TICKS as usize;

/// A crowd's round on its way to its players.
#[derive(Debug, Default)]
pub(super) struct Telling {
    turns: [Turn; TURNS],
}

#[derive(Debug, Default)]
struct Turn {
    encoder: CrowdEncoder,
    /// Since the last snapshot of this turn.
    ticks: Vec<Vec<Command>>,
    events: Vec<Event>,
    /// It is this one's turn.
    is_now: bool,
}

impl Telling {
    /// Takes one tick, which led to `world`.
    pub(super) fn note(&mut self, commands: &[Command], events: &[Event], world: &World) {
        let now = world.elapsed() as usize % TURNS;
        for (number, turn) in self.turns.iter_mut().enumerate() {
            turn.ticks.push(commands.to_vec());
            turn.events.extend_from_slice(events);
            // Everybody sees how it ends.
            turn.is_now = number == now || world.is_over();
            if turn.is_now {
                turn.encoder.snapshot(&turn.ticks, &turn.events, world);
                turn.ticks.clear();
                turn.events.clear();
            }
        }
    }

    /// What this tick tells. `world` is where it led to.
    pub(super) fn snapshot<'a>(&'a self, world: &'a World, bytes_max: usize) -> Snapshot<'a> {
        Snapshot { telling: self, world, bytes_max }
    }
}

/// What one player of a crowd has been told of it.
pub(super) struct Sight {
    you: Slot,
    viewer: Viewer,
}

impl Sight {
    pub(super) fn new(you: Slot) -> Self {
        Self { you, viewer: Viewer::new() }
    }

    /// The player's part of a snapshot, as a record. Nothing when it is others' turn.
    pub(super) fn look(&mut self, snapshot: Snapshot<'_>) -> Option<Vec<u8>> {
        let Snapshot { telling, world, bytes_max } = snapshot;
        let turn = &telling.turns[usize::from(self.you.0) % TURNS];
        turn.is_now.then(|| self.viewer.look(&turn.encoder, world, self.you, bytes_max))
    }

    /// Begins anew: a new world, or a client that has lost the thread.
    pub(super) fn restart(&mut self) {
        self.viewer = Viewer::new();
    }
}

//! What a room says to its sockets at the end of a tick: the outbox to everybody, and to each player of a crowd what is
//! near.

use bytes::Bytes;
use shared::sim::{Command, Event, Slot, World};
use shared::snapshot::crowd::{ClientView, CrowdEncoder};
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

/// Who is told something at the end of a tick, as far as that is known at its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Everybody,
    Nobody,
    /// The players of a crowd whose turn it is, and the spectators with the first of them.
    Turn(usize),
}

impl Audience {
    /// Of the tick that ends when so many have passed in the round.
    pub(super) const fn of(elapsed: u32, is_crowd: bool) -> Self {
        let turn = elapsed as usize % TURNS;
        match (is_crowd, turn) {
            (true, turn) => Self::Turn(turn),
            (false, 0) => Self::Everybody,
            (false, _) => Self::Nobody,
        }
    }

    /// Whether this seat is in it; a spectator has none.
    pub(super) fn has(self, seat: Option<Slot>) -> bool {
        match self {
            Self::Everybody => true,
            Self::Nobody => false,
            Self::Turn(turn) => seat.map_or(0, turn_of) == turn,
        }
    }
}

fn turn_of(slot: Slot) -> usize {
    usize::from(slot.0) % TURNS
}

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
    viewer: ClientView,
}

impl Sight {
    pub(super) fn new(you: Slot) -> Self {
        Self { you, viewer: ClientView::new() }
    }

    /// The player's part of a snapshot, as a record. Nothing when it is others' turn.
    pub(super) fn look(&mut self, snapshot: Snapshot<'_>) -> Option<Vec<u8>> {
        let Snapshot { telling, world, bytes_max } = snapshot;
        let turn = &telling.turns[turn_of(self.you)];
        turn.is_now.then(|| self.viewer.encode(&turn.encoder, world, self.you, bytes_max))
    }

    /// Begins anew: a new world, or a client that has lost the thread.
    pub(super) fn restart(&mut self) {
        self.viewer = ClientView::new();
    }
}

#[cfg(test)]
mod tests {
    use shared::sim::Slot;
    use shared::tick::SNAPSHOT_EVERY_TICKS;

    use super::Audience;

    #[test]
    fn everybody_is_told_once_in_so_many_ticks() {
        for (who, is_crowd) in [(Some(Slot(4)), true), (Some(Slot(7)), true), (None, true)]
            .into_iter()
            .chain([(Some(Slot(4)), false), (Some(Slot(7)), false), (None, false)])
        {
            let times = (100..100 + 6 * SNAPSHOT_EVERY_TICKS)
                .filter(|elapsed| Audience::of(*elapsed, is_crowd).has(who))
                .count();
            assert_eq!(times, 6, "{who:?}, in a crowd: {is_crowd}");
        }
    }
}

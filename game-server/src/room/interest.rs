//! Interest management in a crowd: each player gets a snapshot of the discs nearby, not the whole stream.
//!
//! The players are split into groups that take turns, and each group gets a snapshot every second tick: with a
//! thousand writes at once, every second tick would be long. [`CrowdEncoder`] encodes each disc once for all
//! players of a group; an [`InterestSet`] remembers what one player has been sent.

use shared::sim::{Command, Event, Slot, World};
use shared::snapshot::crowd::{ClientView, CrowdEncoder};
use shared::tick::SNAPSHOT_EVERY_TICKS;

/// Each group's turn comes once in the time between two snapshots.
const GROUPS: usize = SNAPSHOT_EVERY_TICKS as usize;

/// The connections that get a snapshot at the end of a tick, as far as this is known at its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    All,
    None,
    /// In a crowd: the players of this group, and the spectators together with the first.
    Group(usize),
}

impl Audience {
    /// The audience of the tick after which `elapsed` ticks of the round have passed.
    pub(super) const fn of(elapsed: u32, is_crowd: bool) -> Self {
        let group = elapsed as usize % GROUPS;
        match (is_crowd, group) {
            (true, group) => Self::Group(group),
            (false, 0) => Self::All,
            (false, _) => Self::None,
        }
    }

    /// Whether the player in this seat is in it; a spectator has no seat.
    pub(super) fn includes(self, seat: Option<Slot>) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Group(group) => seat.map_or(0, group_of) == group,
        }
    }
}

fn group_of(slot: Slot) -> usize {
    usize::from(slot.0) % GROUPS
}

/// Encodes a crowd's round for its players.
#[derive(Debug, Default)]
pub(super) struct CrowdStream {
    groups: [Group; GROUPS],
}

#[derive(Debug, Default)]
struct Group {
    encoder: CrowdEncoder,
    /// The commands of each tick since this group's last snapshot.
    ticks: Vec<Vec<Command>>,
    /// The events since then.
    events: Vec<Event>,
    /// This tick ends with a snapshot for this group.
    is_due: bool,
}

impl CrowdStream {
    /// Adds one tick, which led to `world`.
    pub(super) fn add_tick(&mut self, commands: &[Command], events: &[Event], world: &World) {
        let due = world.elapsed() as usize % GROUPS;
        for (number, group) in self.groups.iter_mut().enumerate() {
            group.ticks.push(commands.to_vec());
            group.events.extend_from_slice(events);
            // The last tick of a round is for all groups.
            group.is_due = number == due || world.is_over();
            if group.is_due {
                group.encoder.snapshot(&group.ticks, &group.events, world);
                group.ticks.clear();
                group.events.clear();
            }
        }
    }

    /// The snapshot of this tick. `world` is the one that it led to, and `bytes_max` bounds each player's frame.
    pub(super) fn snapshot<'a>(&'a self, world: &'a World, bytes_max: usize) -> CrowdSnapshot<'a> {
        CrowdSnapshot { stream: self, world, bytes_max }
    }
}

/// One tick of a crowd, ready to be sent to the players of the groups that are due.
#[derive(Clone, Copy)]
pub(super) struct CrowdSnapshot<'a> {
    stream: &'a CrowdStream,
    world: &'a World,
    bytes_max: usize,
}

/// The part of a crowd that one player is interested in, as far as it has been sent.
pub(super) struct InterestSet {
    slot: Slot,
    view: ClientView,
}

impl InterestSet {
    pub(super) fn new(slot: Slot) -> Self {
        Self { slot, view: ClientView::new() }
    }

    /// The player's part of a snapshot, as a record. `None` when another group is due.
    pub(super) fn encode(&mut self, snapshot: CrowdSnapshot<'_>) -> Option<Vec<u8>> {
        let CrowdSnapshot { stream, world, bytes_max } = snapshot;
        let group = &stream.groups[group_of(self.slot)];
        group.is_due.then(|| self.view.encode(&group.encoder, world, self.slot, bytes_max))
    }

    /// Begins again with everything, for a new world or a desynced client.
    pub(super) fn restart(&mut self) {
        self.view = ClientView::new();
    }
}

#[cfg(test)]
mod tests {
    use shared::sim::Slot;
    use shared::tick::SNAPSHOT_EVERY_TICKS;

    use super::Audience;

    #[test]
    fn each_connection_gets_one_snapshot_in_every_period() {
        for (seat, is_crowd) in [(Some(Slot(4)), true), (Some(Slot(7)), true), (None, true)]
            .into_iter()
            .chain([(Some(Slot(4)), false), (Some(Slot(7)), false), (None, false)])
        {
            let times = (100..100 + 6 * SNAPSHOT_EVERY_TICKS)
                .filter(|elapsed| Audience::of(*elapsed, is_crowd).includes(seat))
                .count();
            assert_eq!(times, 6, "{seat:?}, in a crowd: {is_crowd}");
        }
    }
}

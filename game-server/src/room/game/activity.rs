//! How much each player has done in a round: one who leaves the controls alone is not rated, and nor is who plays against
//! nobody else. Otherwise a rating could be made with a second window that stands still.

use std::collections::BTreeMap;

use shared::sim::{Command, Slot};
use shared::tick::TICK_RATE_HZ;

/// A player is rated who changes the input in one second of this many of the round. Whoever leaves earlier has hardly
/// begun; and who plays with the keyboard alone holds a key for a second or two.
const ACTIVE_IN_SECONDS: u32 = 8;

/// The seconds of a round in which the input of each seat has changed.
#[derive(Debug, Default)]
pub(super) struct Activity(BTreeMap<Slot, Active>);

#[derive(Debug, Default)]
struct Active {
    seconds: u32,
    /// The last one, counted from 1.
    last: u32,
}

impl Activity {
    /// Takes note of the commands of a tick, `elapsed` ticks after the round began.
    pub(super) fn note(&mut self, commands: &[Command], elapsed: u32) {
        let second = elapsed / TICK_RATE_HZ + 1;
        for command in commands {
            match command {
                // Somebody else sits there now.
                Command::Join { slot, .. } | Command::Leave { slot } => drop(self.0.remove(slot)),
                Command::Input { slot, .. } => {
                    let active = self.0.entry(*slot).or_default();
                    active.seconds += u32::from(active.last != second);
                    active.last = second;
                }
            }
        }
    }

    /// Whether the player in a seat has played in a round of this length.
    pub(super) fn has_played(&self, slot: Slot, round_ticks: u32) -> bool {
        let least = (round_ticks / TICK_RATE_HZ / ACTIVE_IN_SECONDS).max(1);
        self.0.get(&slot).is_some_and(|active| active.seconds >= least)
    }
}

#[cfg(test)]
mod tests {
    use shared::sim::{Command, Input, Slot};
    use shared::tick::TICK_RATE_HZ;

    use super::Activity;

    const SLOT: Slot = Slot(3);
    /// A round of 32 seconds, of which four have to be active.
    const ROUND_TICKS: u32 = 32 * TICK_RATE_HZ;

    fn after_inputs_at(ticks: impl IntoIterator<Item = u32>) -> Activity {
        let mut activity = Activity::default();
        let input = [Command::Input { slot: SLOT, input: Input::default() }];
        ticks.into_iter().for_each(|tick| activity.note(&input, tick));
        activity
    }

    #[test]
    fn who_moves_in_one_second_of_eight_has_played() {
        let seconds = |count: u32| (0..count).map(|second| second * TICK_RATE_HZ);
        assert!(!after_inputs_at(seconds(3)).has_played(SLOT, ROUND_TICKS));
        assert!(after_inputs_at(seconds(4)).has_played(SLOT, ROUND_TICKS));
        assert!(!after_inputs_at(seconds(4)).has_played(Slot(2), ROUND_TICKS));
        // In a round of a second or two, once is enough.
        assert!(after_inputs_at([0]).has_played(SLOT, TICK_RATE_HZ));
        assert!(!Activity::default().has_played(SLOT, TICK_RATE_HZ));
    }

    #[test]
    fn a_burst_counts_once() {
        assert!(!after_inputs_at(0..TICK_RATE_HZ).has_played(SLOT, ROUND_TICKS));
    }

    #[test]
    fn the_next_in_a_seat_begins_anew() {
        let mut activity = after_inputs_at((0..8).map(|second| second * TICK_RATE_HZ));
        activity.note(&[Command::Join { slot: SLOT, team: 0 }], 900);
        assert!(!activity.has_played(SLOT, ROUND_TICKS));
    }
}

//! The seeds of worlds: random, or derived from one number for measurements and tests.
//!
//! Each room takes its seeds from the server's when it opens, and each of its rounds takes one from the room's. So
//! only the order in which rooms open matters, and not which of them is faster.

use std::sync::{Arc, Mutex};

use shared::sim::rng::Rng;

use crate::sync::lock;

/// Gives each room its seeds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Seeds(Option<Arc<Mutex<Rng>>>);

/// The seeds of one room.
#[derive(Debug)]
pub(in crate::room) struct RoomSeeds(Option<Rng>);

impl Seeds {
    /// All seeds are derived from this one. With `None` they are random.
    #[must_use]
    pub fn new(seed: Option<u64>) -> Self {
        Self(seed.map(|seed| Arc::new(Mutex::new(Rng(seed)))))
    }

    /// The seeds of the next room that opens.
    pub(in crate::room) fn next_room(&self) -> RoomSeeds {
        RoomSeeds(self.0.as_ref().map(|rooms| Rng(lock(rooms).next_u64())))
    }
}

impl RoomSeeds {
    /// The seed of the next round, warm-ups included.
    pub(super) fn next_round(&mut self) -> u64 {
        self.0.as_mut().map_or_else(rand::random, Rng::next_u64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Seeds;

    #[test]
    fn a_room_s_seeds_do_not_depend_on_other_rooms() {
        let [apart, mixed] = [Seeds::new(Some(7)), Seeds::new(Some(7))];
        let [mut first, mut second] = [apart.next_room(), apart.next_room()];
        let first = [first.next_round(), first.next_round()];
        let second = [second.next_round(), second.next_round()];

        let [mut one, mut other] = [mixed.next_room(), mixed.next_room()];
        let turns = [other.next_round(), one.next_round(), other.next_round(), one.next_round()];

        assert_eq!(turns, [second[0], first[0], second[1], first[1]]);
        let another = Seeds::new(Some(8)).next_room().next_round();
        let all = BTreeSet::from([first[0], first[1], second[0], second[1], another]);
        assert_eq!(all.len(), 5, "no two are the same");
    }

    #[test]
    fn without_a_seed_worlds_are_random() {
        let seeds = [(); 2].map(|()| Seeds::new(None).next_room().next_round());
        assert_ne!(seeds[0], seeds[1]);
    }
}

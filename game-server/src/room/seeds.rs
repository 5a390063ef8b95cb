//! Where the randomness of rooms comes from: the system, or one number for measurements and tests.
//!
//! Each room takes its seeds from the server's when it opens, and each of its rounds takes one from the room's. So
//! only the order in which rooms open matters, and not which of them is faster.

use std::sync::{Arc, Mutex};

use shared::sim::rng::Rng;

use crate::sync::lock;

/// Gives each room its seeds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Seeds(Option<Arc<Mutex<Rng>>>);

/// The randomness of one room: all that happens in its game follows from this and from what the room is told.
#[derive(Debug)]
pub(in crate::room) struct RoomSeeds {
    /// Seeds the worlds.
    pub(in crate::room) worlds: Rng,
    /// Chooses the bots.
    pub(in crate::room) bots: Rng,
    /// Keeps apart the recordings that begin in the same millisecond. Never derived from a given number: two servers
    /// may be given the same.
    pub(in crate::room) replays: Rng,
}

impl Seeds {
    /// All worlds are derived from this seed. With `None` they are random.
    #[must_use]
    pub fn new(seed: Option<u64>) -> Self {
        Self(seed.map(|seed| Arc::new(Mutex::new(Rng(seed)))))
    }

    /// The seeds of the next room that opens.
    pub(in crate::room) fn next_room(&self) -> RoomSeeds {
        let given = self.0.as_ref().map(|rooms| lock(rooms).next_u64());
        RoomSeeds {
            worlds: Rng(given.unwrap_or_else(rand::random)),
            bots: Rng(rand::random()),
            replays: Rng(rand::random()),
        }
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
        let first = [first.worlds.next_u64(), first.worlds.next_u64()];
        let second = [second.worlds.next_u64(), second.worlds.next_u64()];

        let [mut one, mut other] = [mixed.next_room(), mixed.next_room()];
        let turns = [
            other.worlds.next_u64(),
            one.worlds.next_u64(),
            other.worlds.next_u64(),
            one.worlds.next_u64(),
        ];

        assert_eq!(turns, [second[0], first[0], second[1], first[1]]);
        let another = Seeds::new(Some(8)).next_room().worlds.next_u64();
        let all = BTreeSet::from([first[0], first[1], second[0], second[1], another]);
        assert_eq!(all.len(), 5, "no two are the same");
    }

    #[test]
    fn without_a_seed_worlds_are_random() {
        let seeds = [(); 2].map(|()| Seeds::new(None).next_room().worlds.next_u64());
        assert_ne!(seeds[0], seeds[1]);
    }
}

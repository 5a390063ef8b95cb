//! The seeds of worlds: chance, or what follows from one number, for measurements and tests.
//!
//! Each room takes its own from the server's as it opens, and each of its rounds takes one from the room's. So which room
//! is the quicker decides nothing: only in what order they opened counts.

use std::sync::{Arc, Mutex};

use shared::sim::rng::Rng;

use crate::sync::lock;

/// Gives each room its seeds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Seeds(Option<Arc<Mutex<Rng>>>);

/// Those of one room.
#[derive(Debug)]
pub(super) struct RoomSeeds(Option<Rng>);

impl Seeds {
    /// Everything follows from `seed`. Without one, it is left to chance.
    #[must_use]
    pub fn new(seed: Option<u64>) -> Self {
        Self(seed.map(|seed| Arc::new(Mutex::new(Rng(seed)))))
    }

    /// Those of the next room that opens.
    pub(super) fn of_a_room(&self) -> RoomSeeds {
        RoomSeeds(self.0.as_ref().map(|rooms| Rng(lock(rooms).next_u64())))
    }
}

impl RoomSeeds {
    /// That of the next round. A warm-up counts as one.
    pub(super) fn of_a_round(&mut self) -> u64 {
        self.0.as_mut().map_or_else(rand::random, Rng::next_u64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Instant;

    use shared::id::RoomId;
    use shared::sim::Mode;
    use tokio::sync::mpsc;

    use super::Seeds;
    use crate::bots::Company;
    use crate::room::RoomSpec;
    use crate::room::outbox::Outbox;
    use crate::room::running::{Room, Stage};
    use crate::testing::Bench;

    #[test]
    fn a_room_s_seeds_are_the_same_whatever_other_rooms_do_meanwhile() {
        let [apart, mixed] = [Seeds::new(Some(7)), Seeds::new(Some(7))];
        let [mut first, mut second] = [apart.of_a_room(), apart.of_a_room()];
        let first = [first.of_a_round(), first.of_a_round()];
        let second = [second.of_a_round(), second.of_a_round()];

        let [mut one, mut other] = [mixed.of_a_room(), mixed.of_a_room()];
        let turns = [other.of_a_round(), one.of_a_round(), other.of_a_round(), one.of_a_round()];

        assert_eq!(turns, [second[0], first[0], second[1], first[1]]);
        let another = Seeds::new(Some(8)).of_a_room().of_a_round();
        let all = BTreeSet::from([first[0], first[1], second[0], second[1], another]);
        assert_eq!(all.len(), 5, "no two are the same");
    }

    #[test]
    fn without_a_seed_it_is_chance() {
        let seeds = [(); 2].map(|()| Seeds::new(None).of_a_room().of_a_round());
        assert_ne!(seeds[0], seeds[1]);
    }

    /// The chance of the worlds of a room's first two rounds, on a server with this setting.
    async fn worlds(seed: Option<u64>) -> [u64; 2] {
        let bench = Bench::start_with(|config| config.seed = seed).await;
        let with = bench.room_services().await;
        let spec = RoomSpec {
            id: RoomId::from_bits(7),
            mode: Mode::Brawl,
            private: true,
            company: Company::Mixed,
            always: true,
        };
        let (mut room, _) = Room::new(spec, with, Outbox::new(), mpsc::channel(1).1);
        let worlds = [(); 2].map(|()| {
            room.begin_round(Instant::now());
            let Stage::Round(round) = &room.stage else { panic!("a room of bots plays") };
            round.world().rng.0
        });
        drop(room);
        bench.stop().await;
        worlds
    }

    #[tokio::test]
    async fn two_servers_with_one_seed_play_the_same_worlds() {
        let (one, other) = (worlds(Some(7)).await, worlds(Some(7)).await);

        assert_eq!(one, other);
        assert_ne!(one[0], one[1]);
        assert_ne!(one, worlds(Some(8)).await);
        assert_ne!(worlds(None).await, worlds(None).await);
    }
}

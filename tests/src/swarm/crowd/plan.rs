//! How large a crowd is measured, and for how long.

use std::time::Duration;

/// At most this many clients decode what they are sent, check it, and fight. The others press keys by chance and count
/// bytes. If all of them decoded on the one core of the load generator, the measurement would be of them.
const FIGHTERS_MAX: usize = 128;

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Number of players.
    pub count: usize,
    /// How long to measure before the platform is at its smallest.
    pub window: Duration,
    /// Decides which keys are pressed, and the worlds.
    pub seed: u64,
}

impl Plan {
    /// Whether the player of this number decodes and fights.
    pub(super) fn is_fighter(self, number: usize) -> bool {
        number.is_multiple_of(self.one_in())
    }

    /// How many of the players fight.
    pub(super) fn fighters(self) -> usize {
        self.count.div_ceil(self.one_in())
    }

    /// One player in this many fights.
    fn one_in(self) -> usize {
        self.count.div_ceil(FIGHTERS_MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{FIGHTERS_MAX, Plan};

    fn plan(count: usize) -> Plan {
        Plan { count, window: Duration::from_secs(10), seed: 1 }
    }

    #[test]
    fn few_players_fight_in_any_crowd() {
        assert_eq!(
            [1, 100, 128, 129, 512, 1_000].map(|count| plan(count).fighters()),
            [1, 100, 128, 65, 128, 125]
        );
        assert!((1..3_000).all(|count| plan(count).fighters() <= FIGHTERS_MAX));
        assert_eq!((0..512).filter(|number| plan(512).is_fighter(*number)).count(), 128);
    }
}

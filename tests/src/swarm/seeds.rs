//! Random numbers and seeds derived from the seed of a measurement.

use shared::sim::rng::Rng;

/// More than the number of rounds of any measurement.
const FAR: u64 = 1 << 32;

/// The random numbers of one of many players. No two players share them, with this seed or the next one.
pub(super) fn player_rng(number: usize, seed: u64) -> Rng {
    Rng(seed.wrapping_mul(1_000_003).wrapping_add(number as u64))
}

/// The seeds of `count` rounds. Two measurements have no seed in common.
pub(super) fn round_seeds(count: u64, seed: u64) -> impl Iterator<Item = u64> {
    let first = seed.wrapping_mul(count);
    (0..count).map(move |round| first.wrapping_add(round))
}

/// The seed of training rounds, which must not be the measured rounds.
pub(super) const fn training_seed(seed: u64) -> u64 {
    seed.wrapping_add(FAR)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{player_rng, round_seeds, training_seed};

    #[test]
    fn nothing_is_played_twice() {
        let measured = (0..9).flat_map(|seed| round_seeds(4, seed));
        let learnt_from = (0..9).flat_map(|seed| round_seeds(2, training_seed(seed)));
        let rounds: BTreeSet<_> = measured.chain(learnt_from).collect();
        assert_eq!(rounds.len(), 9 * 6);

        let players =
            (0..9).flat_map(|seed| (0..4_000).map(move |number| player_rng(number, seed)));
        assert_eq!(players.map(|rng| rng.0).collect::<BTreeSet<_>>().len(), 9 * 4_000);
        assert_eq!(round_seeds(2, u64::MAX).collect::<Vec<_>>(), [u64::MAX - 1, u64::MAX]);
    }
}

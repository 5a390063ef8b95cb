//! What follows from the seed of a measurement.

use shared::sim::rng::Rng;

/// Farther apart than anybody counts.
const FAR: u64 = 1 << 32;

/// The chance of one of many players. Nobody has that of another, with this seed or the next one.
pub(super) fn chance_of(number: usize, seed: u64) -> Rng {
    Rng(seed.wrapping_mul(1_000_003).wrapping_add(number as u64))
}

/// The seeds of so many rounds. Two measurements have none in common.
pub(super) fn of_rounds(count: u64, seed: u64) -> impl Iterator<Item = u64> {
    let first = seed.wrapping_mul(count);
    (0..count).map(move |round| first.wrapping_add(round))
}

/// The seed of what is learnt from, which must not be what is measured.
pub(super) const fn of_training(seed: u64) -> u64 {
    seed.wrapping_add(FAR)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{chance_of, of_rounds, of_training};

    #[test]
    fn nothing_is_played_twice() {
        let measured = (0..9).flat_map(|seed| of_rounds(4, seed));
        let learnt_from = (0..9).flat_map(|seed| of_rounds(2, of_training(seed)));
        let rounds: BTreeSet<_> = measured.chain(learnt_from).collect();
        assert_eq!(rounds.len(), 9 * 6);

        let players = (0..9).flat_map(|seed| (0..4_000).map(move |number| chance_of(number, seed)));
        assert_eq!(players.map(|chance| chance.0).collect::<BTreeSet<_>>().len(), 9 * 4_000);
        assert_eq!(of_rounds(2, u64::MAX).collect::<Vec<_>>(), [u64::MAX - 1, u64::MAX]);
    }
}

//! A set of small numbers: slots, or indices into the discs of a world.

use crate::sim::Slot;
use crate::sim::mode::CROWD_SEATS;

const WORD: usize = u64::BITS as usize;

/// Numbers below [`CROWD_SEATS`], one bit each. The discs near each player are collected in one thirty times a second:
/// that is cheaper than to sort them, and a lookup is one load.
#[derive(Debug, Clone, Default)]
pub(super) struct BitSet([u64; CROWD_SEATS / WORD]);

impl BitSet {
    /// Adds a number. One past the end is ignored.
    pub(super) fn add(&mut self, number: usize) {
        self.add_if(number, true);
    }

    /// Adds a number if `is_in`, without a branch, which would be unpredictable.
    pub(super) fn add_if(&mut self, number: usize, is_in: bool) {
        if let Some(word) = self.0.get_mut(number / WORD) {
            *word |= u64::from(is_in) << (number % WORD);
        }
    }

    pub(super) fn has(&self, number: usize) -> bool {
        self.0.get(number / WORD).is_some_and(|word| word >> (number % WORD) & 1 == 1)
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Calls `visit` for each number, the lowest first.
    pub(super) fn for_each(&self, mut visit: impl FnMut(usize)) {
        for (index, word) in self.0.iter().enumerate() {
            let mut left = *word;
            while left != 0 {
                visit(index * WORD + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
    }
}

impl FromIterator<Slot> for BitSet {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        let mut set = Self::default();
        slots.into_iter().for_each(|slot| set.add(usize::from(slot.0)));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::BitSet;
    use crate::sim::Slot;
    use crate::sim::mode::CROWD_SEATS;

    #[test]
    fn numbers_come_in_their_order() {
        let mut numbers = BitSet::default();
        for number in [199, 3, 64, 0, 63, 128, CROWD_SEATS - 1, 3] {
            numbers.add(number);
        }

        let mut all = Vec::new();
        numbers.for_each(|number| all.push(number));

        assert_eq!(all, [0, 3, 63, 64, 128, 199, CROWD_SEATS - 1]);
        assert_eq!(numbers.len(), all.len());
    }

    #[test]
    fn it_has_what_is_in_it() {
        let slots: BitSet = [Slot(7), Slot(1_000)].into_iter().collect();

        assert_eq!(
            [7, 1_000, 8, 0, CROWD_SEATS].map(|number| slots.has(number)),
            [true, true, false, false, false]
        );
    }
}

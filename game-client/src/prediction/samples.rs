//! Numbers of a round that percentiles are asked of.

use std::collections::VecDeque;

/// Numbers kept. When full, the oldest is forgotten.
const SAMPLES_MAX: usize = 16_384;

/// The last numbers of one kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples(VecDeque<u32>);

impl Samples {
    /// Another one.
    pub(super) fn add(&mut self, sample: u32) {
        if self.0.len() == SAMPLES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(sample);
    }

    /// What a part of them does not exceed. Zero when there are none.
    #[must_use]
    pub(super) fn percentile(&self, percent: usize) -> u32 {
        self.percentile_of_last(SAMPLES_MAX, percent)
    }

    /// What a part of the newest does not exceed. Zero when there are none.
    #[must_use]
    pub(super) fn percentile_of_last(&self, count: usize, percent: usize) -> u32 {
        let mut sorted: Vec<u32> = self.last(count).collect();
        sorted.sort_unstable();
        let place = sorted.len().saturating_sub(1) * percent / 100;
        sorted.get(place).copied().unwrap_or(0)
    }

    /// The newest, the newest of them first.
    pub(super) fn last(&self, count: usize) -> impl ExactSizeIterator<Item = u32> {
        self.0.iter().rev().take(count).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{SAMPLES_MAX, Samples};

    #[test]
    fn the_oldest_are_forgotten() {
        let mut samples = Samples::default();
        assert_eq!(samples.percentile(50), 0);

        (0..200).for_each(|n| samples.add(1_000 + n));
        (0..u32::try_from(SAMPLES_MAX).expect("small")).for_each(|n| samples.add(n % 100));

        assert_eq!((samples.percentile(50), samples.percentile(100)), (49, 99));
        // They end with 0 … 83.
        assert_eq!(samples.percentile_of_last(10, 0), 74);
    }
}

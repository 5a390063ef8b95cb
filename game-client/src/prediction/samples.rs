//! Samples of a round, and their percentiles.

use std::collections::VecDeque;

/// Samples kept. When full, the oldest is dropped.
const SAMPLES_MAX: usize = 16_384;

/// The newest samples of one quantity.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples(VecDeque<u32>);

impl Samples {
    /// Adds a sample.
    pub(super) fn add(&mut self, sample: u32) {
        if self.0.len() == SAMPLES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(sample);
    }

    /// A percentile of all samples. Zero without samples.
    #[must_use]
    pub(super) fn percentile(&self, percent: usize) -> u32 {
        self.percentile_of_last(SAMPLES_MAX, percent)
    }

    /// A percentile of the newest `count` samples. Zero without samples.
    #[must_use]
    pub(super) fn percentile_of_last(&self, count: usize, percent: usize) -> u32 {
        let mut sorted: Vec<u32> = self.last(count).collect();
        sorted.sort_unstable();
        let index = sorted.len().saturating_sub(1) * percent / 100;
        sorted.get(index).copied().unwrap_or(0)
    }

    /// The newest `count` samples, the newest first.
    pub(super) fn last(&self, count: usize) -> impl ExactSizeIterator<Item = u32> {
        self.0.iter().rev().take(count).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{SAMPLES_MAX, Samples};

    #[test]
    fn the_oldest_are_dropped() {
        let mut samples = Samples::default();
        assert_eq!(samples.percentile(50), 0);

        (0..200).for_each(|n| samples.add(1_000 + n));
        (0..u32::try_from(SAMPLES_MAX).expect("small")).for_each(|n| samples.add(n % 100));

        assert_eq!((samples.percentile(50), samples.percentile(100)), (49, 99));
        // They end with 0 … 83.
        assert_eq!(samples.percentile_of_last(10, 0), 74);
    }
}

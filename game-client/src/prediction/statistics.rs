//! How well the prediction does: counted, shown in the net graph, and told to the tests.

use std::collections::VecDeque;

use serde::Serialize;
use shared::sim::disc::RADIUS;
use shared::sim::fixed::Vec2;

/// Sizes kept for the percentiles: every snapshot of a long round. When full, the oldest is forgotten.
const SIZES_MAX: usize = 16_384;

/// Counts over a round.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    /// Snapshots that were compared with a prediction.
    pub compared: u32,
    /// Of these, not right bit for bit (mostly: somebody else turned).
    pub inexact: u32,
    /// Of these, the own disc was elsewhere than predicted.
    pub corrections: u32,
    /// Inputs that came too late at the server.
    pub late_inputs: u32,
    /// Inputs that the server got.
    pub inputs: u32,
    /// Jumps of the clock.
    pub jumps: u32,
    /// How far the own disc was off at each snapshot, in thousandths of its radius.
    sizes: VecDeque<u32>,
}

/// Counts as a test reads them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PredictionReport {
    /// Snapshots that were compared with a prediction.
    pub snapshots: u32,
    /// Snapshots that moved the own disc.
    pub corrections: u32,
    /// Half of the snapshots moved it by no more, in radii.
    pub correction_p50_radii: f64,
    /// All but 1 % moved it by no more, in radii.
    pub correction_p99_radii: f64,
    /// Snapshots that were not predicted bit for bit, everybody included.
    pub inexact: u32,
    /// Inputs that came too late, in percent.
    pub late_inputs_percent: f64,
    /// Jumps of the clock.
    pub clock_jumps: u32,
}

impl Statistics {
    /// A snapshot moved the own disc's present by `way`; nothing when it was as predicted.
    pub fn record(&mut self, exact: bool, way: Option<Vec2>) {
        self.compared += 1;
        self.inexact += u32::from(!exact);
        let size = way.map_or(0, |way| way.length().unsigned_abs() * 1_000 / RADIUS.unsigned_abs());
        self.corrections += u32::from(way.is_some());
        if self.sizes.len() == SIZES_MAX {
            self.sizes.pop_front();
        }
        self.sizes.push_back(size);
    }

    /// The size that a part of the snapshots does not exceed, in radii of a disc.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sizes: Vec<u32> = self.sizes.iter().copied().collect();
        sizes.sort_unstable();
        let place = sizes.len().saturating_sub(1) * percent / 100;
        sizes.get(place).map_or(0.0, |size| f64::from(*size) / 1_000.0)
    }

    /// Everything as a test reads it.
    #[must_use]
    pub fn report(&self) -> PredictionReport {
        let late = f64::from(self.late_inputs) * 100.0 / f64::from(self.inputs.max(1));
        PredictionReport {
            snapshots: self.compared,
            corrections: self.corrections,
            correction_p50_radii: self.percentile(50),
            correction_p99_radii: self.percentile(99),
            inexact: self.inexact,
            late_inputs_percent: (late * 100.0).round() / 100.0,
            clock_jumps: self.jumps,
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::sim::fixed::{Vec2, units};

    use super::Statistics;

    #[test]
    fn sizes_are_told_in_radii() {
        let mut statistics = Statistics::default();

        (0..98).for_each(|_| statistics.record(true, None));
        (0..2).for_each(|_| statistics.record(false, Some(Vec2::new(units(12), 0))));

        let report = statistics.report();
        assert_eq!((report.snapshots, report.corrections, report.inexact), (100, 2, 2));
        assert!((report.correction_p50_radii, report.correction_p99_radii) == (0.0, 0.5));
    }
}

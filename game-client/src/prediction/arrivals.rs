//! The arrival of snapshots: their age, the stalls that a player notices, and the recovery from outages.

use std::collections::VecDeque;

use shared::protocol::report::{STALL_MS, STALLS_PER_MINUTE_MAX};
use shared::tick::TICK_RATE_HZ;

use super::samples::Samples;

/// A larger correction of the own disc can be seen, in thousandths of its radius.
pub(super) const VISIBLE_MILLIRADII: u32 = 100;
/// A longer gap between two snapshots is a stall.
const STALL_TICKS: f64 = STALL_MS as f64 * TICK_RATE_HZ as f64 / 1_000.0;
/// A minute.
const MINUTE_TICKS: f64 = 60.0 * TICK_RATE_HZ as f64;
/// A round younger than a second counts as a second long: otherwise one stall would be hundreds a minute.
const RECEIVING_TICKS_MIN: f64 = TICK_RATE_HZ as f64;
/// A longer gap between two snapshots is an outage: 300 ms.
const OUTAGE_TICKS: f64 = 18.0;
/// An outage is over after this many snapshots in a row that arrive in time and correct nothing visible.
const CALM_SNAPSHOTS: u32 = 10;
/// Outages of a round that are kept. When full, the one with the shortest silence is dropped.
const OUTAGES_MAX: usize = 64;

/// The arrivals of one round. Times are in ticks of the client's time.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrivals {
    /// The age of the newest snapshot at each tick, above the smallest one-way delay seen, in milliseconds.
    pub(super) ages_ms: Samples,
    /// The time until which ages were sampled.
    aged_until: Option<f64>,
    /// The stalls of the round.
    pub(super) stalls: u32,
    /// When the stalls of the last minute ended. At most [`STALLS_PER_MINUTE_MAX`] fit into a minute.
    stalled_at: VecDeque<f64>,
    first: Option<f64>,
    last: Option<f64>,
    ongoing: Option<OngoingOutage>,
    /// The outages that are over.
    outages: Vec<Outage>,
}

/// A silence, and the recovery from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outage {
    /// The longest gap between two of its snapshots, in ticks.
    pub(super) silence: f64,
    /// The time from the last snapshot before it until it was over, in ticks. `None` while it goes on.
    pub(super) until_calm: Option<f64>,
}

/// An outage that is not over.
#[derive(Debug, Clone, Copy)]
struct OngoingOutage {
    /// When the last snapshot before it arrived.
    since: f64,
    /// The longest gap between two of its snapshots.
    silence: f64,
    calm_since: f64,
    calm: u32,
}

impl Arrivals {
    /// Samples the age of the newest snapshot, in ticks, for every tick that has passed until `now`. The client may have
    /// stood still meanwhile.
    pub(super) fn age(&mut self, now: f64, ticks: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "milliseconds; what does not fit is cut"
        )]
        let ms = (ticks * 1_000.0 / 60.0).round() as u32;
        let until = self.aged_until.get_or_insert(now);
        // After a longer standstill, the last minute is enough.
        *until = until.max(now - MINUTE_TICKS);
        while now - *until >= 1.0 {
            *until += 1.0;
            self.ages_ms.add(ms);
        }
    }

    /// A snapshot arrived.
    pub(super) fn receive(&mut self, at: f64) {
        self.first.get_or_insert(at);
        let Some(last) = self.last.replace(at) else { return };
        let gap = at - last;
        if gap > STALL_TICKS {
            self.stalls += 1;
            self.stalled_at.push_back(at);
        }
        while self.stalled_at.pop_front_if(|then| at - *then > MINUTE_TICKS).is_some() {}
        if gap > OUTAGE_TICKS && self.ongoing.is_none() {
            self.ongoing =
                Some(OngoingOutage { since: last, silence: gap, calm_since: at, calm: 0 });
        }
        let Some(outage) = &mut self.ongoing else { return };
        if gap > STALL_TICKS {
            outage.silence = outage.silence.max(gap);
            (outage.calm_since, outage.calm) = (at, 0);
        }
    }

    /// The newest snapshot was compared and corrected the own disc by `size` thousandths of its radius. Of snapshots that
    /// arrive at once only the last is compared, so a backlog does not count as calm.
    pub(super) fn record_correction(&mut self, size: u32) {
        let (Some(outage), Some(at)) = (&mut self.ongoing, self.last) else { return };
        if size > VISIBLE_MILLIRADII {
            (outage.calm_since, outage.calm) = (at, 0);
            return;
        }
        outage.calm += 1;
        if outage.calm >= CALM_SNAPSHOTS {
            let until_calm = Some(outage.calm_since - outage.since);
            self.outages.push(Outage { silence: outage.silence, until_calm });
            self.outages.sort_by(|a, b| b.silence.total_cmp(&a.silence));
            self.outages.truncate(OUTAGES_MAX);
            self.ongoing = None;
        }
    }

    /// The time from the first snapshot to the newest, in minutes.
    #[must_use]
    pub(super) fn minutes(&self) -> f64 {
        let receiving_for = self.first.zip(self.last).map_or(0.0, |(first, last)| last - first);
        receiving_for.max(RECEIVING_TICKS_MIN) / MINUTE_TICKS
    }

    /// Stalls in the last minute. In a younger round: stalls per minute.
    #[must_use]
    pub(super) fn stalls_per_minute(&self) -> u16 {
        let minutes = self.minutes().min(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "some hundreds; what does not fit is cut"
        )]
        let stalls = (self.stalled_at.len() as f64 / minutes).round() as u16;
        stalls.min(STALLS_PER_MINUTE_MAX)
    }

    /// The outages that are over, the longest silence first, and then the one that is not.
    pub(super) fn outages(&self) -> impl Iterator<Item = Outage> {
        let ongoing =
            self.ongoing.map(|outage| Outage { silence: outage.silence, until_calm: None });
        self.outages.iter().copied().chain(ongoing)
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrivals, CALM_SNAPSHOTS, OUTAGES_MAX};

    fn receive(arrivals: &mut Arrivals, from: f64, count: u32, correction: u32) -> f64 {
        (0..count).fold(from, |at, _| {
            arrivals.receive(at);
            arrivals.record_correction(correction);
            at + 2.0
        })
    }

    #[test]
    fn ages_are_sampled_for_every_tick_that_has_passed() {
        let mut arrivals = Arrivals::default();

        for (now, age) in [(10.0, 1.0), (10.5, 1.5), (11.1, 0.6), (13.2, 3.0), (13.9, 6.0)] {
            arrivals.age(now, age);
        }
        arrivals.age(14.0, 1.2);

        let ages: Vec<_> = arrivals.ages_ms.last(usize::MAX).collect();
        assert_eq!(ages, [20, 50, 50, 10]);
    }

    /// The silence and the duration of each.
    fn outages(arrivals: &Arrivals) -> Vec<(f64, Option<f64>)> {
        arrivals.outages().map(|outage| (outage.silence, outage.until_calm)).collect()
    }

    #[test]
    fn an_outage_ends_when_snapshots_arrive_in_time_and_correct_nothing_visible() {
        let mut arrivals = Arrivals::default();
        let silence = receive(&mut arrivals, 0.0, 30, 0);
        assert_eq!(outages(&arrivals), []);

        let back = receive(&mut arrivals, silence + 30.0, 5, 900);
        assert_eq!(outages(&arrivals), [(32.0, None)]);
        receive(&mut arrivals, back, CALM_SNAPSHOTS, 3);

        // From the last snapshot (58) to the last one that moved the disc (98).
        assert_eq!((outages(&arrivals), arrivals.stalls), (vec![(32.0, Some(40.0))], 1));
    }

    #[test]
    fn a_backlog_that_arrives_at_once_is_not_calm() {
        let mut arrivals = Arrivals::default();
        let silence = receive(&mut arrivals, 0.0, 30, 0);

        (0..15).for_each(|_| arrivals.receive(silence + 30.0));
        arrivals.record_correction(900);

        assert_eq!(outages(&arrivals), [(32.0, None)]);
        receive(&mut arrivals, silence + 32.0, CALM_SNAPSHOTS, 0);
        assert_eq!(outages(&arrivals), [(32.0, Some(32.0))]);
    }

    #[test]
    fn outages_are_listed_longest_silence_first() {
        let mut arrivals = Arrivals::default();
        let silence = receive(&mut arrivals, 0.0, 30, 0);

        let tossed = receive(&mut arrivals, silence + 20.0, 40, 900);
        let calm = receive(&mut arrivals, tossed, CALM_SNAPSHOTS, 0);
        receive(&mut arrivals, calm + 30.0, CALM_SNAPSHOTS, 0);

        assert_eq!(outages(&arrivals), [(32.0, Some(32.0)), (22.0, Some(100.0))]);
    }

    #[test]
    fn the_shortest_silences_are_dropped_when_there_are_too_many() {
        let mut arrivals = Arrivals::default();
        let mut at = receive(&mut arrivals, 0.0, 2, 0);

        for more in (0..70).map(f64::from) {
            at = receive(&mut arrivals, at + 20.0 + more, CALM_SNAPSHOTS, 0);
        }

        let silences: Vec<_> = arrivals.outages().map(|outage| outage.silence).collect();
        assert_eq!((silences.len(), silences[0], silences[63]), (OUTAGES_MAX, 91.0, 28.0));
    }

    #[test]
    fn stalls_of_the_last_minute_are_counted() {
        let mut arrivals = Arrivals::default();
        assert_eq!(arrivals.stalls_per_minute(), 0);

        let mut at = receive(&mut arrivals, 0.0, 2, 0);
        for _ in 0..3 {
            at = receive(&mut arrivals, at + 10.0, 297, 0);
        }
        assert_eq!(
            (arrivals.stalls_per_minute(), arrivals.stalls),
            (6, 3),
            "three in half a minute"
        );
        receive(&mut arrivals, at, 1_500, 0);

        assert_eq!(
            (arrivals.stalls_per_minute(), arrivals.stalls),
            (1, 3),
            "the others are older than a minute"
        );
        assert!((arrivals.minutes() - 4_814.0 / 3_600.0).abs() < 0.01, "{}", arrivals.minutes());
    }

    #[test]
    fn stalls_per_minute_stay_within_their_bound() {
        let mut arrivals = Arrivals::default();

        (0..2_000).for_each(|n| arrivals.receive(f64::from(n) * 6.001));

        assert_eq!(arrivals.stalls_per_minute(), 600);
    }
}

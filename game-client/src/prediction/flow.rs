//! How evenly snapshots come: their age, the stalls that one feels, and how long it takes until all is well again.

use std::collections::VecDeque;

use shared::protocol::report::{STALL_MS, STALLS_PER_MINUTE_MAX};
use shared::tick::TICK_RATE_HZ;

use super::samples::Samples;
use super::statistics::SEEN;

/// A gap that a player feels.
const STALL_TICKS: f64 = STALL_MS as f64 * TICK_RATE_HZ as f64 / 1_000.0;
/// A minute.
const MINUTE_TICKS: f64 = 60.0 * TICK_RATE_HZ as f64;
/// A round that is younger than a second counts as one: a single stall would make hundreds of it.
const HEARD_TICKS_MIN: f64 = TICK_RATE_HZ as f64;
/// A gap after which it takes a while until all is well: 300 ms.
const OUTAGE_TICKS: f64 = 18.0;
/// So many snapshots in a row that come in time and correct nothing one could see: all is well.
const CALM_SNAPSHOTS: u32 = 10;
/// Outages of a round that are remembered. When there are more, those with the shortest silence are forgotten.
const OUTAGES_MAX: usize = 64;

/// The flow of one round. Times are in ticks of the own time.
#[derive(Debug, Clone, Default)]
pub(super) struct Flow {
    /// How old what the newest snapshot told was at each tick, beyond the quickest way here, in milliseconds.
    pub(super) ages_ms: Samples,
    /// Until when that is known.
    aged_until: Option<f64>,
    /// Gaps that a player felt.
    pub(super) stalls: u32,
    /// When those of the last minute ended. No more than [`STALLS_PER_MINUTE_MAX`] fit into it.
    stalled_at: VecDeque<f64>,
    first: Option<f64>,
    last: Option<f64>,
    outage: Option<Lasting>,
    /// Those that are over.
    outages: Vec<Outage>,
}

/// The line was silent, and then not all was well for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outage {
    /// The longest gap between two snapshots in it, in ticks.
    pub(super) silence: f64,
    /// From the last snapshot before it until all was well again, in ticks. Nothing: all is not well yet.
    pub(super) until_well: Option<f64>,
}

/// An outage that is not over.
#[derive(Debug, Clone, Copy)]
struct Lasting {
    /// When the last snapshot before it came.
    since: f64,
    /// The longest gap in it.
    silence: f64,
    calm_since: f64,
    calm: u32,
}

impl Flow {
    /// It is `now`, and what the newest snapshot tells is so old. Counts for every tick that has passed, also when the own
    /// world stood still: silence is what ages.
    pub(super) fn age(&mut self, now: f64, ticks: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "milliseconds; what does not fit is cut"
        )]
        let ms = (ticks * 1_000.0 / 60.0).round() as u32;
        let until = self.aged_until.get_or_insert(now);
        // Of a program that stood still, a minute is enough.
        *until = until.max(now - MINUTE_TICKS);
        while now - *until >= 1.0 {
            *until += 1.0;
            self.ages_ms.add(ms);
        }
    }

    /// A snapshot came.
    pub(super) fn heard(&mut self, at: f64) {
        self.first.get_or_insert(at);
        let Some(last) = self.last.replace(at) else { return };
        let gap = at - last;
        if gap > STALL_TICKS {
            self.stalls += 1;
            self.stalled_at.push_back(at);
        }
        while self.stalled_at.pop_front_if(|then| at - *then > MINUTE_TICKS).is_some() {}
        if gap > OUTAGE_TICKS && self.outage.is_none() {
            self.outage = Some(Lasting { since: last, silence: gap, calm_since: at, calm: 0 });
        }
        let Some(outage) = &mut self.outage else { return };
        if gap > STALL_TICKS {
            outage.silence = outage.silence.max(gap);
            (outage.calm_since, outage.calm) = (at, 0);
        }
    }

    /// The newest snapshot was compared, and moved the own disc by so many thousandths of its radius. Of those that came
    /// at once only the last is, so that a backlog does not count as calm.
    pub(super) fn corrected(&mut self, size: u32) {
        let (Some(outage), Some(at)) = (&mut self.outage, self.last) else { return };
        if size > SEEN {
            (outage.calm_since, outage.calm) = (at, 0);
            return;
        }
        outage.calm += 1;
        if outage.calm >= CALM_SNAPSHOTS {
            let until_well = Some(outage.calm_since - outage.since);
            self.outages.push(Outage { silence: outage.silence, until_well });
            self.outages.sort_by(|a, b| b.silence.total_cmp(&a.silence));
            self.outages.truncate(OUTAGES_MAX);
            self.outage = None;
        }
    }

    /// From the first snapshot to the newest one, in minutes.
    #[must_use]
    pub(super) fn minutes(&self) -> f64 {
        let heard_for = self.first.zip(self.last).map_or(0.0, |(first, last)| last - first);
        heard_for.max(HEARD_TICKS_MIN) / MINUTE_TICKS
    }

    /// Stalls in the last minute; in a round that is younger, as many as there would be in one.
    #[must_use]
    pub(super) fn stalls_lately(&self) -> u16 {
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

    /// Those that are over, and then the one that is not.
    pub(super) fn outages(&self) -> impl Iterator<Item = Outage> {
        let lasting =
            self.outage.map(|lasting| Outage { silence: lasting.silence, until_well: None });
        self.outages.iter().copied().chain(lasting)
    }
}

#[cfg(test)]
mod tests {
    use super::{CALM_SNAPSHOTS, Flow, OUTAGES_MAX};

    fn hear(flow: &mut Flow, from: f64, count: u32, correction: u32) -> f64 {
        (0..count).fold(from, |at, _| {
            flow.heard(at);
            flow.corrected(correction);
            at + 2.0
        })
    }

    #[test]
    fn ages_count_for_every_tick_that_has_passed() {
        let mut flow = Flow::default();

        for (now, age) in [(10.0, 1.0), (10.5, 1.5), (11.1, 0.6), (13.2, 3.0), (13.9, 6.0)] {
            flow.age(now, age);
        }
        flow.age(14.0, 1.2);

        let ages: Vec<_> = flow.ages_ms.last(usize::MAX).collect();
        assert_eq!(ages, [20, 50, 50, 10]);
    }

    /// Silence and time until all was well of each.
    fn outages(flow: &Flow) -> Vec<(f64, Option<f64>)> {
        flow.outages().map(|outage| (outage.silence, outage.until_well)).collect()
    }

    #[test]
    fn an_outage_ends_when_snapshots_come_in_time_and_nothing_jumps_any_more() {
        let mut flow = Flow::default();
        let silence = hear(&mut flow, 0.0, 30, 0);
        assert_eq!(outages(&flow), []);

        let back = hear(&mut flow, silence + 30.0, 5, 900);
        assert_eq!(outages(&flow), [(32.0, None)]);
        hear(&mut flow, back, CALM_SNAPSHOTS, 3);

        // From the last snapshot (58) to the last one that moved the disc (98).
        assert_eq!((outages(&flow), flow.stalls), (vec![(32.0, Some(40.0))], 1));
    }

    #[test]
    fn a_backlog_that_comes_at_once_is_no_calm() {
        let mut flow = Flow::default();
        let silence = hear(&mut flow, 0.0, 30, 0);

        (0..15).for_each(|_| flow.heard(silence + 30.0));
        flow.corrected(900);

        assert_eq!(outages(&flow), [(32.0, None)]);
        hear(&mut flow, silence + 32.0, CALM_SNAPSHOTS, 0);
        assert_eq!(outages(&flow), [(32.0, Some(32.0))]);
    }

    #[test]
    fn each_outage_is_told_the_longest_silence_first() {
        let mut flow = Flow::default();
        let silence = hear(&mut flow, 0.0, 30, 0);

        let tossed = hear(&mut flow, silence + 20.0, 40, 900);
        let calm = hear(&mut flow, tossed, CALM_SNAPSHOTS, 0);
        hear(&mut flow, calm + 30.0, CALM_SNAPSHOTS, 0);

        assert_eq!(outages(&flow), [(32.0, Some(32.0)), (22.0, Some(100.0))]);
    }

    #[test]
    fn the_shortest_silences_are_forgotten_when_there_are_too_many() {
        let mut flow = Flow::default();
        let mut at = hear(&mut flow, 0.0, 2, 0);

        for more in (0..70).map(f64::from) {
            at = hear(&mut flow, at + 20.0 + more, CALM_SNAPSHOTS, 0);
        }

        let silences: Vec<_> = flow.outages().map(|outage| outage.silence).collect();
        assert_eq!((silences.len(), silences[0], silences[63]), (OUTAGES_MAX, 91.0, 28.0));
    }

    #[test]
    fn stalls_of_the_last_minute_are_told() {
        let mut flow = Flow::default();
        assert_eq!(flow.stalls_lately(), 0);

        let mut at = hear(&mut flow, 0.0, 2, 0);
        for _ in 0..3 {
            at = hear(&mut flow, at + 10.0, 297, 0);
        }
        assert_eq!((flow.stalls_lately(), flow.stalls), (6, 3), "three in half a minute");
        hear(&mut flow, at, 1_500, 0);

        assert_eq!((flow.stalls_lately(), flow.stalls), (1, 3), "the others are forgotten");
        assert!((flow.minutes() - 4_814.0 / 3_600.0).abs() < 0.01, "{}", flow.minutes());
    }

    #[test]
    fn no_more_stalls_are_told_than_can_be() {
        let mut flow = Flow::default();

        (0..2_000).for_each(|n| flow.heard(f64::from(n) * 6.001));

        assert_eq!(flow.stalls_lately(), 600);
    }
}

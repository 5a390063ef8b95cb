//! How early inputs arrive: a histogram in steps of one tick.
//!
//! The lead of an input is the number of ticks from its arrival to the tick that uses it, negative when it is
//! late. The protocol and the metrics call it the margin.

/// The histogram begins at this lead, in ticks …
pub(in crate::room) const LEAD_MIN: i16 = -12;
/// … and has this many steps of a tick. Leads beyond count in the first or the last step.
pub(in crate::room) const STEPS: usize = 32;

/// Counts inputs by their lead. A step stops counting at 65,535, more than arrive in a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::room) struct LeadHistogram([u16; STEPS]);

impl LeadHistogram {
    /// Counts one input.
    pub(in crate::room) fn add(&mut self, lead: i32) {
        let step = lead.saturating_sub(LEAD_MIN.into()).clamp(0, STEPS as i32 - 1);
        let count = &mut self.0[step.unsigned_abs() as usize];
        *count = count.saturating_add(1);
    }

    /// Adds the counts of another histogram.
    fn add_all(&mut self, others: &Self) {
        for (count, more) in self.0.iter_mut().zip(others.0) {
            *count = count.saturating_add(more);
        }
    }

    /// The lead that all but 1 % had at least. In the first or the last step it may be beyond.
    pub(in crate::room) fn p99(&self) -> Option<i16> {
        p99(self.0.map(u32::from))
    }
}

/// The leads of a whole connection, and of its current minute.
#[derive(Debug, Default)]
pub(in crate::room) struct LeadHistory {
    this_minute: LeadHistogram,
    before: [u32; STEPS],
}

impl LeadHistory {
    pub(in crate::room) fn add(&mut self, leads: &LeadHistogram) {
        self.this_minute.add_all(leads);
    }

    pub(in crate::room) fn end_minute(&mut self) {
        for (all, more) in self.before.iter_mut().zip(core::mem::take(&mut self.this_minute).0) {
            *all = all.saturating_add(more.into());
        }
    }

    /// The lead that all but 1 % had at least in the current minute.
    pub(in crate::room) fn p99_this_minute(&self) -> Option<i16> {
        self.this_minute.p99()
    }

    /// The lead that all but 1 % had at least since the beginning.
    pub(in crate::room) fn p99(&self) -> Option<i16> {
        let mut all = self.before;
        all.iter_mut().zip(self.this_minute.0).for_each(|(all, more)| *all += u32::from(more));
        p99(all)
    }
}

fn p99(counts: [u32; STEPS]) -> Option<i16> {
    let mut left = counts.iter().sum::<u32>() / 100;
    let step = counts.iter().position(|count| {
        let is_here = *count > left;
        left = left.saturating_sub(*count);
        is_here
    })?;
    Some(LEAD_MIN + i16::try_from(step).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{LEAD_MIN, LeadHistogram, LeadHistory, STEPS};

    fn counted(leads: impl IntoIterator<Item = i32>) -> LeadHistogram {
        let mut counts = LeadHistogram::default();
        leads.into_iter().for_each(|lead| counts.add(lead));
        counts
    }

    #[test]
    fn the_99th_percentile_is_the_lead_that_all_but_1_percent_had() {
        let mut history = LeadHistory::default();
        assert_eq!(history.p99(), None);

        history.add(&counted((0..197).map(|_| 4).chain([-3, -400])));
        assert_eq!((history.p99_this_minute(), history.p99()), (Some(-3), Some(-3)));
        history.end_minute();
        history.add(&counted((0..200).map(|_| 400)));

        let earliest = LEAD_MIN + STEPS as i16 - 1;
        assert_eq!((history.p99_this_minute(), history.p99()), (Some(earliest), Some(4)));
        assert_eq!(counted([i32::MIN]).p99(), Some(LEAD_MIN));
    }
}

//! How early inputs come: counted in steps of a tick.

/// Margins are counted from so many ticks late …
pub(super) const LATEST: i16 = -12;
/// … in so many steps of a tick; those beyond count with the last.
pub(super) const STEPS: usize = 32;

/// How many inputs came how early. More than fit do not come in a minute; they would not be counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Margins([u16; STEPS]);

impl Margins {
    pub(super) fn add(&mut self, margin: i32) {
        let step = margin.saturating_sub(LATEST.into()).clamp(0, STEPS as i32 - 1);
        let count = &mut self.0[step.unsigned_abs() as usize];
        *count = count.saturating_add(1);
    }

    pub(super) fn add_all(&mut self, others: &Self) {
        for (count, more) in self.0.iter_mut().zip(others.0) {
            *count = count.saturating_add(more);
        }
    }

    /// The margin that all but 1 % had. Where it is the first or the last step, it may be more than that.
    pub(super) fn p99(&self) -> Option<i16> {
        p99(self.0.map(u32::from))
    }
}

/// [`Margins`] of a whole connection, and of its running minute.
#[derive(Debug, Default)]
pub(super) struct History {
    lately: Margins,
    before: [u32; STEPS],
}

impl History {
    pub(super) fn add(&mut self, margins: &Margins) {
        self.lately.add_all(margins);
    }

    pub(super) fn end_minute(&mut self) {
        for (all, lately) in self.before.iter_mut().zip(core::mem::take(&mut self.lately).0) {
            *all = all.saturating_add(lately.into());
        }
    }

    /// The margin that all but 1 % had in the running minute.
    pub(super) fn p99_lately(&self) -> Option<i16> {
        self.lately.p99()
    }

    /// The margin that all but 1 % had.
    pub(super) fn p99(&self) -> Option<i16> {
        let mut all = self.before;
        all.iter_mut().zip(self.lately.0).for_each(|(all, lately)| *all += u32::from(lately));
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
    Some(LATEST + i16::try_from(step).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{History, LATEST, Margins, STEPS};

    fn counted(margins: impl IntoIterator<Item = i32>) -> Margins {
        let mut counts = Margins::default();
        margins.into_iter().for_each(|margin| counts.add(margin));
        counts
    }

    #[test]
    fn a_percentile_is_the_margin_that_all_but_one_in_a_hundred_had() {
        let mut history = History::default();
        assert_eq!(history.p99(), None);

        history.add(&counted((0..197).map(|_| 4).chain([-3, -400])));
        assert_eq!((history.p99_lately(), history.p99()), (Some(-3), Some(-3)));
        history.end_minute();
        history.add(&counted((0..200).map(|_| 400)));

        let earliest = LATEST + STEPS as i16 - 1;
        assert_eq!((history.p99_lately(), history.p99()), (Some(earliest), Some(4)));
        assert_eq!(counted([i32::MIN]).p99(), Some(LATEST));
    }
}

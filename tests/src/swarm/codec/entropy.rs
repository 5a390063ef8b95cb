//! The entropy of the match stream under its model, in bits: the lower bound for any code of that model.
//!
//! The model: for each disc and tick, whether its input changed; if so, whether it turned, drove elsewhere, pressed
//! something else; and how far, where to, what. Each of these is a source of its own without memory; the bound is the
//! sum of their entropies (Shannon, 1948). A model with memory could go below it. That of a crowd's stream is counted
//! in the same way: see [`symbols`](super::symbols).

use std::collections::BTreeMap;

use shared::sim::{Command, Input};

use super::rounds::Snapshot;

/// Counts of each symbol of each source.
#[derive(Default)]
pub(super) struct Entropy {
    seen: BTreeMap<(&'static str, i64), u32>,
    /// Bits that are counted as written, without a model.
    pub(super) raw_bits: u64,
    pub(super) snapshots: u32,
}

impl Entropy {
    pub(super) fn of<'a>(snapshots: impl Iterator<Item = &'a Snapshot>) -> Self {
        let mut entropy = Self::default();
        let mut held: BTreeMap<u16, Input> = BTreeMap::new();
        for snapshot in snapshots {
            entropy.snapshots += 1;
            for commands in &snapshot.ticks {
                entropy.tick(commands, &mut held);
            }
        }
        entropy
    }

    fn tick(&mut self, commands: &[Command], held: &mut BTreeMap<u16, Input>) {
        for command in commands {
            match command {
                Command::Join { slot, .. } => drop(held.insert(slot.0, Input::default())),
                Command::Leave { slot } => drop(held.remove(&slot.0)),
                Command::Input { .. } => {}
            }
        }
        for (slot, old) in held {
            let new = commands.iter().find_map(|command| match command {
                Command::Input { slot: by, input } if by.0 == *slot => Some(*input),
                _ => None,
            });
            let new = new.unwrap_or(*old);
            self.see("changed", new != *old);
            if new != *old {
                self.see("turned", new.aim != old.aim);
                self.see("drove", new.thrust != old.thrust);
                self.see("pressed", new.buttons != old.buttons);
                if new.aim != old.aim {
                    self.see("turn", new.aim.since(old.aim));
                }
                if new.thrust != old.thrust {
                    self.see("thrust", new.thrust.code());
                }
                if new.buttons != old.buttons {
                    self.see("buttons", new.buttons.code());
                }
            }
            *old = new;
        }
    }

    pub(super) fn see(&mut self, source: &'static str, symbol: impl Into<i64>) {
        *self.seen.entry((source, symbol.into())).or_default() += 1;
    }

    /// The mean.
    pub(super) fn bytes_a_snapshot(&self) -> f64 {
        let mut all: BTreeMap<&str, f64> = BTreeMap::new();
        for ((source, _), count) in &self.seen {
            *all.entry(*source).or_default() += f64::from(*count);
        }
        let bits = self.seen.iter().map(|((source, _), count)| {
            let count = f64::from(*count);
            count * (all[source] / count).log2()
        });
        (bits.sum::<f64>() + self.raw_bits as f64) / 8.0 / f64::from(self.snapshots.max(1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use shared::tick::seconds;

    use super::super::{crowd, symbols};
    use super::Entropy;

    #[test]
    fn a_coin_costs_a_bit_and_a_raw_bit_one_more() {
        let mut entropy = Entropy { raw_bits: 8, snapshots: 1, ..Entropy::default() };

        (0..8).for_each(|throw| entropy.see("coin", throw % 2));
        (0..8).for_each(|_| entropy.see("certain", 1));

        assert_eq!(entropy.bytes_a_snapshot(), 2.0);
    }

    /// A table that only memorised one crowd would be of little use for another.
    #[test]
    fn the_tables_of_one_crowd_fit_another() {
        let [own, other] =
            [1, 2].map(|seed| symbols::count(&crowd::encode_crowd(seed, 192, seconds(9)).runs));

        let (bound, priced) = (own.bytes_a_snapshot(), bytes_by(&own, &other));

        assert!((bound..1.05 * bound).contains(&priced), "{bound} B, by the other {priced} B");
    }

    /// The cost of a snapshot by the tables of another run. Symbols that are new there follow an escape.
    fn bytes_by(run: &Entropy, tables: &Entropy) -> f64 {
        const PLAIN_BITS: f64 = 16.0;
        let mut all: BTreeMap<&str, f64> = BTreeMap::new();
        for ((source, _), count) in &tables.seen {
            *all.entry(source).or_insert(1.0) += f64::from(*count);
        }
        let bits = run.seen.iter().map(|((source, symbol), times)| {
            let all = all.get(source).copied().unwrap_or(1.0);
            let one = match tables.seen.get(&(*source, *symbol)) {
                Some(count) => (all / f64::from(*count)).log2(),
                None => all.log2() + PLAIN_BITS,
            };
            f64::from(*times) * one
        });
        (bits.sum::<f64>() + run.raw_bits as f64) / 8.0 / f64::from(run.snapshots)
    }
}

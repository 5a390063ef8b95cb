//! What the model of the match stream leaves to be said, in bits: no code for it is shorter.
//!
//! The model: for each disc and tick, whether its input changed; if so, whether it turned, drove elsewhere, pressed
//! something else; and how far, where to, what. Each of these is a source of its own without memory; the bound is the
//! sum of their entropies (Shannon, 1948). A model with memory could go below it.

use std::collections::BTreeMap;

use shared::sim::{Command, Input};

use super::Snapshot;

/// How often each symbol of each source was seen.
#[derive(Default)]
pub(super) struct Entropy {
    seen: BTreeMap<(&'static str, i32), u32>,
    snapshots: u32,
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
            let mut see = |source, symbol| *self.seen.entry((source, symbol)).or_default() += 1;
            see("changed", i32::from(new != *old));
            if new != *old {
                see("turned", i32::from(new.aim != old.aim));
                see("drove", i32::from(new.thrust != old.thrust));
                see("pressed", i32::from(new.buttons != old.buttons));
                if new.aim != old.aim {
                    see("turn", new.aim.since(old.aim).into());
                }
                if new.thrust != old.thrust {
                    see("thrust", new.thrust.code().into());
                }
                if new.buttons != old.buttons {
                    see("buttons", new.buttons.code().into());
                }
            }
            *old = new;
        }
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
        bits.sum::<f64>() / 8.0 / f64::from(self.snapshots.max(1))
    }
}

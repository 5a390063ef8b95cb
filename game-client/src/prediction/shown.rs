//! What was on the screen, held against the truth when it arrives.
//!
//! Everybody else is shown where the prediction has them. How far that was from where they really were is known a round
//! trip later; it is what a player aims at, so it is worth a figure.

use std::collections::VecDeque;

use bevy::math::Vec2;
use shared::sim::disc::RADIUS;
use shared::sim::{Slot, World};
use shared::snapshot::Roster;
use shared::tick::Tick;

use super::samples::Samples;
use super::smoothing::Offsets;
use crate::space::{length_from_world, scene_from_world};

/// Ticks remembered: more than any link that can be played on takes. When full, the oldest is forgotten.
const TICKS_MAX: usize = 120;

/// The last ticks as they were shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    ticks: VecDeque<(Tick, Vec<(Slot, Vec2)>)>,
    /// How far others were shown from where they were, in thousandths of a radius.
    pub(super) errors: Samples,
    /// The same of other people only. Bots think the same here as at the server, and are foreseen better.
    pub(super) people_errors: Samples,
}

impl Shown {
    /// This world is on the screen, moved by these offsets.
    pub(super) fn show(&mut self, world: &World, offsets: &Offsets) {
        if self.ticks.len() == TICKS_MAX {
            self.ticks.pop_front();
        }
        let standing = world.discs.iter().filter(|disc| disc.is_standing());
        let places = standing.map(|disc| {
            let [right, down] = offsets.of(disc.slot);
            (disc.slot, scene_from_world(disc.position) + Vec2::new(right, -down))
        });
        self.ticks.push_back((world.tick, places.collect()));
    }

    /// The server's word: where everybody really was.
    pub(super) fn compare(&mut self, own: Slot, word: &World, roster: &Roster) {
        while self.ticks.front().is_some_and(|(tick, _)| word.tick.is_after(*tick)) {
            self.ticks.pop_front();
        }
        let Some((_, places)) = self.ticks.front().filter(|(tick, _)| *tick == word.tick) else {
            return;
        };
        for (slot, shown) in places.iter().filter(|(slot, _)| *slot != own) {
            let Some(disc) = word.disc(*slot).filter(|disc| disc.is_standing()) else { continue };
            let off = shown.distance(scene_from_world(disc.position)) / length_from_world(RADIUS);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "thousandths of a radius on a platform of a few dozen"
            )]
            let off = (off * 1_000.0) as u32;
            self.errors.add(off);
            if roster.entry(*slot).is_some_and(|entry| entry.bot.is_none()) {
                self.people_errors.add(off);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName};
    use shared::sim::BotStrength::{self, Keen};
    use shared::sim::fixed::{Vec2, units};
    use shared::sim::{Command, Mode, Slot, World};
    use shared::snapshot::{Roster, RosterEntry};

    use super::Shown;
    use crate::prediction::Offsets;

    fn entry(slot: u16, bot: Option<BotStrength>) -> RosterEntry {
        RosterEntry {
            slot: Slot(slot),
            player: PlayerId::from_bits(slot.into()),
            name: PlayerName::parse("Ada").expect("a name"),
            bot,
            team: 0,
            reconnecting: false,
        }
    }

    #[test]
    fn others_are_compared_with_where_they_were_on_that_tick() {
        let mut world = World::new(Mode::Brawl, 5, 3_600);
        world.step(&[0, 1, 2].map(|slot| Command::Join { slot: Slot(slot), team: 0 }));
        world.step(&[]);
        let mut shown = Shown::default();
        shown.show(&world, &Offsets::default());

        // All were elsewhere: the other person by half a radius, the bot by a quarter.
        let mut truth = world.clone();
        truth.discs[0].position = Vec2::ZERO;
        truth.discs[1].position += Vec2::new(units(12), 0);
        truth.discs[2].position += Vec2::new(units(6), 0);
        let roster = Roster { entries: vec![entry(0, None), entry(1, None), entry(2, Some(Keen))] };
        shown.compare(Slot(0), &truth, &roster);

        assert_eq!(shown.errors.last(9).collect::<Vec<_>>(), [250, 500]);
        assert_eq!(shown.people_errors.last(9).collect::<Vec<_>>(), [500]);
        let mut later = world;
        later.step(&[]);
        shown.compare(Slot(0), &later, &roster);
        assert_eq!(shown.errors.last(9).len(), 2, "nothing was shown of that tick");
    }
}

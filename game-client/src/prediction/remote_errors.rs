//! How far other discs were presented from where they were.
//!
//! Other discs are presented at their predicted positions, and players aim at those. The error of a position is known a round
//! trip later, when the snapshot of its tick arrives.

use std::collections::VecDeque;

use shared::sim::disc::RADIUS;
use shared::sim::fixed::{SUBUNITS, Vec2};
use shared::sim::{Slot, World};
use shared::snapshot::Roster;
use shared::tick::Tick;

use super::samples::Samples;
use super::smoothing::SmoothingOffsets;

/// Ticks kept, more than the round trip of any link that can be played on. When full, the oldest is dropped.
const TICKS_MAX: usize = 120;

/// A position in units, y down.
type Position = [f32; 2];

/// The positions of the last ticks as they were presented, and their errors.
#[derive(Debug, Clone, Default)]
pub(super) struct RemoteErrors {
    ticks: VecDeque<(Tick, Vec<(Slot, Position)>)>,
    /// The errors of all other discs, in thousandths of a radius.
    pub(super) errors: Samples,
    /// The errors of other players only. Bots are predicted better: the client knows how they think.
    pub(super) people_errors: Samples,
}

impl RemoteErrors {
    /// A world is presented, with these offsets.
    pub(super) fn present(&mut self, world: &World, offsets: &SmoothingOffsets) {
        if self.ticks.len() == TICKS_MAX {
            self.ticks.pop_front();
        }
        let standing = world.discs.iter().filter(|disc| disc.is_standing());
        let positions = standing.map(|disc| {
            let ([x, y], [right, down]) = (units(disc.position), offsets.of(disc.slot));
            (disc.slot, [x + right, y + down])
        });
        self.ticks.push_back((world.tick, positions.collect()));
    }

    /// Compares the discs other than `own` with a snapshot.
    pub(super) fn compare(&mut self, own: Slot, snapshot: &World, roster: &Roster) {
        while self.ticks.front().is_some_and(|(tick, _)| snapshot.tick.is_after(*tick)) {
            self.ticks.pop_front();
        }
        let Some((_, positions)) = self.ticks.front().filter(|(tick, _)| *tick == snapshot.tick)
        else {
            return;
        };
        for (slot, presented) in positions.iter().filter(|(slot, _)| *slot != own) {
            let Some(disc) = snapshot.disc(*slot).filter(|disc| disc.is_standing()) else {
                continue;
            };
            let error = distance(*presented, units(disc.position)) / from_subunits(RADIUS);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "thousandths of a radius on a platform of a few dozen"
            )]
            let error = (error * 1_000.0) as u32;
            self.errors.add(error);
            if roster.entry(*slot).is_some_and(|entry| entry.bot.is_none()) {
                self.people_errors.add(error);
            }
        }
    }
}

fn units(position: Vec2) -> Position {
    [from_subunits(position.x), from_subunits(position.y)]
}

#[expect(clippy::cast_precision_loss, reason = "coordinates have at most 17 bits")]
fn from_subunits(count: i32) -> f32 {
    count as f32 / SUBUNITS as f32
}

fn distance(a: Position, b: Position) -> f32 {
    let (x, y) = (a[0] - b[0], a[1] - b[1]);
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName};
    use shared::sim::BotStrength::{self, Keen};
    use shared::sim::fixed::{Vec2, units};
    use shared::sim::{Command, Mode, Slot, World};
    use shared::snapshot::{Roster, RosterEntry};

    use super::{RemoteErrors, SmoothingOffsets};

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
    fn others_are_compared_with_the_snapshot_of_the_same_tick() {
        let mut world = World::new(Mode::Brawl, 5, 3_600);
        world.step(&[0, 1, 2].map(|slot| Command::Join { slot: Slot(slot), team: 0 }));
        world.step(&[]);
        let mut remote = RemoteErrors::default();
        remote.present(&world, &SmoothingOffsets::default());

        // All were elsewhere: the other player by half a radius, the bot by a quarter.
        let mut truth = world.clone();
        truth.discs[0].position = Vec2::ZERO;
        truth.discs[1].position += Vec2::new(units(12), 0);
        truth.discs[2].position += Vec2::new(units(6), 0);
        let roster = Roster { entries: vec![entry(0, None), entry(1, None), entry(2, Some(Keen))] };
        remote.compare(Slot(0), &truth, &roster);

        assert_eq!(remote.errors.last(9).collect::<Vec<_>>(), [250, 500]);
        assert_eq!(remote.people_errors.last(9).collect::<Vec<_>>(), [500]);
        let mut later = world;
        later.step(&[]);
        remote.compare(Slot(0), &later, &roster);
        assert_eq!(remote.errors.last(9).len(), 2, "that tick was not presented");
    }
}

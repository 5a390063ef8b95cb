//! Rounds that bots play, snapshot by snapshot.

use shared::sim::{BotStrength, Command, Disc, Mode, Slot, Stance, Vec2, World, bot};
use shared::tick::SNAPSHOT_EVERY_TICKS;

/// A round of sixteen bots.
pub(super) struct Round {
    pub(super) seed: u64,
    pub(super) start: World,
    pub(super) snapshots: Vec<Snapshot>,
}

/// One snapshot of a round.
pub(super) struct Snapshot {
    /// The commands of its ticks.
    pub(super) ticks: Vec<Vec<Command>>,
    /// The world after these ticks.
    pub(super) world: World,
}

pub(super) fn snapshots(rounds: &[Round]) -> impl Iterator<Item = &Snapshot> {
    rounds.iter().flat_map(|round| &round.snapshots)
}

/// Discs on the platform that move.
pub(super) fn movers(world: &World) -> usize {
    let moves = |disc: &&Disc| disc.stance == Stance::Standing && disc.velocity != Vec2::ZERO;
    world.discs.iter().filter(moves).count()
}

/// Plays a round of this length.
pub(super) fn play(seed: u64, ticks: u32) -> Round {
    let start = World::new(Mode::Brawl, seed, ticks);
    let mut world = start.clone();
    let mut joins: Vec<_> =
        (0..16).map(|slot| Command::Join { slot: Slot(slot), team: 0 }).collect();
    let mut snapshots = Vec::new();
    while !world.is_over() {
        let mut ticks = Vec::new();
        for _ in 0..SNAPSHOT_EVERY_TICKS {
            let mut commands = core::mem::take(&mut joins);
            commands.extend(inputs(&world));
            world.step(&commands);
            ticks.push(commands);
        }
        snapshots.push(Snapshot { ticks, world: world.clone() });
    }
    Round { seed, start, snapshots }
}

/// The inputs of bots that differ from their last ones.
fn inputs(world: &World) -> Vec<Command> {
    let thought = |slot| bot::think(world, slot, BotStrength::Keen);
    let discs = world.discs.iter().map(|disc| (disc, thought(disc.slot)));
    let turned = discs.filter(|(disc, input)| disc.input != *input);
    turned.map(|(disc, input)| Command::Input { slot: disc.slot, input }).collect()
}

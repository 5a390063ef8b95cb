//! What `swarm bench` measures, one file each.

pub(crate) mod codec;
pub(crate) mod players;
pub(crate) mod tick;

use shared::sim::{Command, Mode, Slot, World};

/// A long brawl with sixteen seats taken.
pub(crate) fn full_brawl(seed: u64) -> World {
    let mut world = World::new(Mode::Brawl, seed, shared::sim::mode::ROUND_TICKS);
    let joins: Vec<_> = (0..16).map(|slot| Command::Join { slot: Slot(slot), team: 0 }).collect();
    world.step(&joins);
    world
}

/// The commands of those who hold something else than before.
pub(crate) fn changed(
    world: &World,
    mut input: impl FnMut(Slot) -> shared::sim::Input,
) -> Vec<Command> {
    let chosen = world.discs.iter().map(|disc| (disc, input(disc.slot)));
    chosen
        .filter(|(disc, input)| disc.input != *input)
        .map(|(disc, input)| Command::Input { slot: disc.slot, input })
        .collect()
}

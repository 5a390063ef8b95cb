//! The cost of a step of a world.

use std::hint::black_box;
use std::time::Instant;

use shared::sim::mode::ROUND_TICKS;
use shared::sim::{BotStrength, Command, Mode, Slot, World, bot};

use super::Report;
use super::seeds;

/// Rounds that are played.
const ROUNDS: u64 = 6;

/// Plays rounds of sixteen bots and reports the mean for a step, the bots' thinking left out and alone.
pub fn measure(seed: u64, report: &mut Report) {
    report.note_seed("tick", seed, "the rounds");
    let (mut steps, mut stepping, mut thinking) = (0_u32, 0.0, 0.0);
    for seed in seeds::round_seeds(ROUNDS, seed) {
        let mut world = World::new(Mode::Brawl, seed, ROUND_TICKS);
        let slots = (0..16).map(Slot);
        let joins: Vec<_> = slots.clone().map(|slot| Command::Join { slot, team: 0 }).collect();
        world.step(&joins);
        while !world.is_over() {
            let began = Instant::now();
            let commands: Vec<_> = slots
                .clone()
                .map(|slot| Command::Input {
                    slot,
                    input: bot::think(&world, slot, BotStrength::Keen),
                })
                .collect();
            let thought = Instant::now();
            black_box(world.step(&commands));
            thinking += (thought - began).as_secs_f64();
            stepping += thought.elapsed().as_secs_f64();
            steps += 1;
        }
    }
    let nanoseconds = |seconds: f64| seconds * 1e9 / f64::from(steps);
    report.add("tick.ns", nanoseconds(stepping), "ns", "a step of a world with 16 discs");
    report.add("tick.bots_ns", nanoseconds(thinking), "ns", "16 bots thinking");
}

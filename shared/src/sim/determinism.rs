//! Seeded matches, played by bots and random inputs: the proof that each machine computes the same game.
//!
//! The tests play a thousand of them natively, the browser plays them again, and the checksums must agree.

use super::bot::{BotStrength, think};
use super::command::{Buttons, Command, Input, Slot, Thrust};
use super::fixed::Angle;
use super::mode::Mode;
use super::rng::Rng;
use super::world::World;
use crate::tick::seconds;

/// Length of a seeded match, in ticks: long enough for the platform to shrink, short enough to play a thousand.
pub const MATCH_TICKS: u32 = seconds(20);

/// A match that generates its own commands.
#[derive(Debug, Clone)]
pub struct SeededMatch {
    /// The world. The caller steps it.
    pub world: World,
    /// Random numbers of the commands, apart from those of the world.
    rng: Rng,
}

impl SeededMatch {
    /// The match of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng(seed ^ 0x5eed);
        let mode = Mode::ALL[rng.below(4) as usize];
        Self { world: World::new(mode, seed, MATCH_TICKS), rng }
    }

    /// The commands of the coming tick: now and then a seat is taken or left, bots play most seats, and each fourth seat
    /// has random inputs.
    pub fn commands(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        let seats = self.world.mode.seats();
        for number in 0..u16::try_from(seats).unwrap_or(u16::MAX) {
            let slot = Slot(number);
            let Some(disc) = self.world.disc(slot) else {
                if self.rng.below(30) == 0 {
                    commands.push(Command::Join { slot, team: u8::from(number % 2 == 1) });
                }
                continue;
            };
            if self.rng.below(2_000) == 0 {
                commands.push(Command::Leave { slot });
                continue;
            }
            let held = disc.input;
            let input = if number % 4 == 3 {
                self.random_input(held)
            } else {
                think(&self.world, slot, BotStrength::ALL[usize::from(number) % 3])
            };
            if input != held {
                commands.push(Command::Input { slot, input });
            }
        }
        commands
    }

    fn random_input(&mut self, held: Input) -> Input {
        if self.rng.below(6) != 0 {
            return held;
        }
        let turn = i16::try_from(self.rng.between(-60, 60)).unwrap_or(0);
        let number = |below: u32| below.to_le_bytes()[0];
        Input {
            thrust: Thrust::from_code(number(self.rng.below(17))).unwrap_or(Thrust::NONE),
            aim: Angle::from_steps(held.aim.steps()).turned(turn),
            buttons: Buttons::from_code(number(self.rng.below(8))),
        }
    }
}

/// Plays the match of a seed and combines the checksums of its world, one each second, into one number.
#[must_use]
pub fn match_checksum(seed: u64) -> u32 {
    let mut game = SeededMatch::new(seed);
    let mut sum = 0_u32;
    while !game.world.is_over() {
        let commands = game.commands();
        game.world.step(&commands);
        if game.world.tick.is_multiple_of(60) {
            sum = sum.rotate_left(5) ^ game.world.checksum();
        }
    }
    sum.rotate_left(5) ^ game.world.checksum()
}

/// Adds the checksum of one more match to a digest, which begins at 0.
#[must_use]
pub fn fold(digest: u64, checksum: u32) -> u64 {
    (digest ^ u64::from(checksum)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(7)
}

//! What a restless player presses: the aim never stands still, keys change a few times a second.

use shared::sim::rng::Rng;
use shared::sim::{Angle, Buttons, Input, Thrust};

/// The mouse moves by up to so many steps a tick, either way.
const AIM_STEPS: i32 = 12;
/// The direction keys change once in so many ticks, on average: three times a second.
const THRUST_CHANGES_EVERY: u32 = 20;
/// A button is pressed once in so many ticks, on average.
const BUTTON_EVERY: u32 = 24;

/// Hands on a mouse and a keyboard.
#[derive(Debug)]
pub(crate) struct Hands {
    chance: Rng,
    held: Input,
}

impl Hands {
    pub(crate) fn new(seed: u64) -> Self {
        Self { chance: Rng(seed), held: Input::default() }
    }

    /// What is held in the coming tick.
    pub(crate) fn next(&mut self) -> Input {
        let turn = i16::try_from(self.chance.between(-AIM_STEPS, AIM_STEPS)).unwrap_or(0);
        self.held.aim = Angle::from_steps(self.held.aim.steps()).turned(turn);
        if self.chance.below(THRUST_CHANGES_EVERY) == 0 {
            let code = self.chance.below(u32::from(Thrust::DIRECTIONS) + 1).to_le_bytes()[0];
            self.held.thrust = Thrust::from_code(code).unwrap_or(Thrust::NONE);
        }
        self.held.buttons = match self.chance.below(BUTTON_EVERY) {
            0 => [Buttons::PULSE, Buttons::SHOVE, Buttons::DASH][self.chance.below(3) as usize],
            _ => Buttons::NONE,
        };
        self.held
    }
}

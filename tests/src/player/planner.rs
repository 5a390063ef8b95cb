//! The inputs of a scripted player. The bots' brain decides, on a world predicted to the tick of the input.

use std::collections::VecDeque;

use shared::protocol::{ClientMessage, INPUTS_PER_MESSAGE_MAX, Inputs};
use shared::sim::{Angle, BotStrength, Command, Input, Slot, World, bot};
use shared::tick::{TICK_RATE_HZ, Tick};

use super::view::View;

/// Ticks between the newest world and the tick of an input. Covers the way to the server with a margin.
const LEAD_TICKS: u32 = 6;
/// Most inputs that are kept until their tick is played.
const PLANNED_MAX: usize = 64;

/// What a scripted player does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Sends inputs as a client does, with no key pressed.
    Idle,
    /// Stands still and turns its aim: takes part in the round, and loses it.
    Aim,
    /// Plays as a strong bot does.
    Fight,
    /// Sends no input.
    Silent,
}

/// The inputs of one player.
pub(super) struct InputPlanner {
    behaviour: Behaviour,
    /// Inputs that were sent and whose tick has not been played, oldest first.
    planned: VecDeque<(Tick, Input)>,
}

impl InputPlanner {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        Self { behaviour, planned: VecDeque::new() }
    }

    /// The message to send after the world moved.
    pub(super) fn inputs(&mut self, view: &View) -> Option<ClientMessage> {
        let (Some(world), Some(slot)) = (&view.world, view.seat) else { return None };
        if self.behaviour == Behaviour::Silent || world.is_over() {
            return None;
        }
        self.forget_played(world);
        let mut ahead = world.clone();
        // A round that is over does not step.
        while ahead.tick != world.tick.plus(LEAD_TICKS) && !ahead.is_over() {
            let input = self.planned_for(ahead.tick);
            step(&mut ahead, slot, input);
        }
        let mut first = None;
        let mut inputs = Inputs::new();
        // Usually two: as many ticks as the world has moved since the last message.
        let until = world.tick.plus(LEAD_TICKS + 2);
        while ahead.tick != until && !ahead.is_over() && inputs.len() < INPUTS_PER_MESSAGE_MAX {
            let known = self.planned_for(ahead.tick);
            let input = known.unwrap_or_else(|| self.choose(&ahead, slot));
            if known.is_none() {
                first.get_or_insert(ahead.tick);
                inputs.push(input);
                self.planned.push_back((ahead.tick, input));
            }
            step(&mut ahead, slot, Some(input));
        }
        first.map(|first| ClientMessage::Inputs { first, inputs })
    }

    fn choose(&self, world: &World, slot: Slot) -> Input {
        match self.behaviour {
            Behaviour::Fight => bot::think(world, slot, BotStrength::Fierce),
            Behaviour::Aim => Input { aim: aim_at(world.tick), ..Input::default() },
            Behaviour::Idle | Behaviour::Silent => Input::default(),
        }
    }

    fn planned_for(&self, tick: Tick) -> Option<Input> {
        self.planned.iter().find(|(planned, _)| *planned == tick).map(|(_, input)| *input)
    }

    fn forget_played(&mut self, world: &World) {
        // A new round begins at another tick. Inputs planned for the last round are dropped.
        let is_near = |tick: Tick| (0..=PLANNED_MAX as i32).contains(&tick.since(world.tick));
        self.planned.retain(|(tick, _)| is_near(*tick));
    }
}

/// Another aim in each quarter of a second.
fn aim_at(tick: Tick) -> Angle {
    let quarters = tick.0 / (TICK_RATE_HZ / 4) % u32::from(Angle::TURN);
    Angle::from_steps(u16::try_from(quarters).unwrap_or_default())
}

fn step(world: &mut World, slot: Slot, input: Option<Input>) {
    let command = input.map(|input| Command::Input { slot, input });
    world.step(command.as_slice());
}

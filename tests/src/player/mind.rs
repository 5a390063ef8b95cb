//! What a scripted player presses: the bots' brain, looking as far ahead as its inputs are addressed.

use std::collections::VecDeque;

use shared::protocol::{ClientMessage, INPUTS_PER_MESSAGE_MAX, Inputs};
use shared::sim::{BotStrength, Command, Input, Slot, World, bot};
use shared::tick::Tick;

use super::view::View;

/// Ticks between the newest world and the tick of an input: the way to the server, with some to spare.
const LEAD_TICKS: u32 = 6;
/// Inputs that are remembered until they are played.
const PLANNED_MAX: usize = 64;

/// What a player does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// Sends its inputs as a client does, and they are idle.
    Rest,
    /// Plays as well as it can.
    Fight,
    /// Sends nothing.
    Silence,
}

/// A player's plan.
pub(super) struct Mind {
    conduct: Conduct,
    /// Sent and not played yet, the oldest first.
    planned: VecDeque<(Tick, Input)>,
}

impl Mind {
    pub(super) fn new(conduct: Conduct) -> Self {
        Self { conduct, planned: VecDeque::new() }
    }

    /// What to send after the world moved.
    pub(super) fn inputs(&mut self, view: &View) -> Option<ClientMessage> {
        let (Some(world), Some(slot)) = (&view.world, view.seat) else { return None };
        if self.conduct == Conduct::Silence || world.is_over() {
            return None;
        }
        self.forget_played(world);
        let mut ahead = world.clone();
        // A world that is over stands still.
        while ahead.tick != world.tick.plus(LEAD_TICKS) && !ahead.is_over() {
            let input = self.planned_for(ahead.tick);
            step(&mut ahead, slot, input);
        }
        let mut first = None;
        let mut inputs = Inputs::new();
        // As many as the world moved on since the last time: two, mostly.
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
        match self.conduct {
            Conduct::Fight => bot::think(world, slot, BotStrength::Fierce),
            Conduct::Rest | Conduct::Silence => Input::default(),
        }
    }

    fn planned_for(&self, tick: Tick) -> Option<Input> {
        self.planned.iter().find(|(planned, _)| *planned == tick).map(|(_, input)| *input)
    }

    fn forget_played(&mut self, world: &World) {
        // A new round begins at another tick: what was planned for the last one is worth nothing.
        let is_near = |tick: Tick| (0..=PLANNED_MAX as i32).contains(&tick.since(world.tick));
        self.planned.retain(|(tick, _)| is_near(*tick));
    }
}

fn step(world: &mut World, slot: Slot, input: Option<Input>) {
    let command = input.map(|input| Command::Input { slot, input });
    world.step(command.as_slice());
}

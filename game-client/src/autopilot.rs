//! A bot holds the keys: for demonstrations, pictures and tests. It acts through the same inputs as a person.

use bevy::prelude::{App, Plugin, Resource};
use shared::sim::{BotStrength, Input, Slot, World, bot};

/// Who holds the keys.
#[derive(Debug, Clone, Copy, Resource)]
pub struct Autopilot(Option<BotStrength>);

impl Autopilot {
    /// Whether a bot holds them.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// What the bot holds in the coming tick of a world.
    #[must_use]
    pub fn think(&self, world: &World, seat: Slot) -> Input {
        self.0.map_or_else(Input::default, |strength| bot::think(world, seat, strength))
    }
}

/// Whether a bot plays.
#[derive(Debug)]
pub struct AutopilotPlugin {
    /// It does.
    pub is_on: bool,
}

impl Plugin for AutopilotPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(Autopilot(self.is_on.then_some(BotStrength::Keen)));
    }
}

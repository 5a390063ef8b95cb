//! A bot holds the keys: for demonstrations, pictures and tests. It acts through the same inputs as a person.

use bevy::prelude::{
    App, IntoScheduleConfigs as _, Local, MessageWriter, Plugin, Real, Res, Resource, State, Time,
    Update,
};
use shared::sim::{BotStrength, Input, Mode, Slot, World, bot};

use crate::lobby::{Account, Lobby, Screen, Wish};
use crate::scene::Phase;

/// In the menu it looks for the next match after so many seconds.
const PATIENCE_SECONDS: f32 = 1.5;

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
    /// It does, and so well.
    pub strength: Option<BotStrength>,
    /// It goes from one match to the next, also when a server was away meanwhile.
    pub goes_on: bool,
}

impl Plugin for AutopilotPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(Autopilot(self.strength));
        if self.goes_on {
            app.add_systems(Update, play_on.before(Phase::Listen));
        }
    }
}

/// Somebody in the menu would press Quick play.
fn play_on(
    screen: Res<State<Screen>>,
    lobby: Res<Lobby>,
    time: Res<Time<Real>>,
    mut waited: Local<f32>,
    mut wishes: MessageWriter<Wish>,
) {
    if *screen.get() != Screen::Menu || lobby.account == Account::Asking {
        *waited = 0.0;
        return;
    }
    *waited += time.delta_secs();
    if *waited > PATIENCE_SECONDS {
        *waited = 0.0;
        wishes.write(Wish::QuickPlay(Mode::Brawl));
    }
}

//! The autopilot: a bot at the controls, for demonstrations, pictures and tests. It sends the same inputs as a person.

use bevy::prelude::{
    App, IntoScheduleConfigs as _, Local, MessageWriter, Plugin, Real, Res, State, Time, Update,
};
use shared::sim::{BotStrength, Mode};

use crate::frame::Phase;
use crate::input::Driver;
use crate::lobby::{Intent, Lobby, Screen};

/// The autopilot presses Quick play after this many seconds in the menu.
const MENU_SECONDS: f32 = 1.5;

/// Puts a bot or a person at the controls.
#[derive(Debug)]
pub struct AutopilotPlugin {
    /// The strength of the bot. `None`: a person plays.
    pub strength: Option<BotStrength>,
    /// Whether it searches for the next match whenever it is in the menu.
    pub plays_on: bool,
}

impl Plugin for AutopilotPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(self.strength.map_or(Driver::Human, Driver::Bot));
        if self.plays_on {
            app.add_systems(Update, play_on.before(Phase::Receive));
        }
    }
}

fn play_on(
    screen: Res<State<Screen>>,
    lobby: Res<Lobby>,
    time: Res<Time<Real>>,
    mut waited: Local<f32>,
    mut intents: MessageWriter<Intent>,
) {
    if *screen.get() != Screen::Menu || lobby.is_signing_in() {
        *waited = 0.0;
        return;
    }
    *waited += time.delta_secs();
    if *waited > MENU_SECONDS {
        *waited = 0.0;
        intents.write(Intent::QuickPlay(Mode::Brawl));
    }
}

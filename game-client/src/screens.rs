//! The screens: what fills the window, and which panels lie over it.

mod disconnected;
mod menu;
mod pause;
mod playing;
mod queue;
mod replay;
mod replays;
mod settings;
mod summary;
mod tabs;

use bevy::prelude::{
    App, IntoScheduleConfigs as _, Plugin, Resource, Update, in_state, resource_exists,
};
use bevy_egui::EguiPrimaryContextPass;

use crate::input::Action;
use crate::lobby::Screen;
use crate::room::Room;
use crate::scene::Phase;
use crate::ui::Panels;

/// What the menu shows beside its buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Resource)]
pub enum Tab {
    /// Nothing: the game behind.
    #[default]
    None,
    /// Rooms for friends.
    Private,
    /// Against bots.
    Practice,
    /// Rooms to look into.
    Watch,
    /// Recorded rounds.
    Replays,
    /// Choices.
    Settings,
}

/// What lies over a running round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Resource)]
pub enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// The pause menu.
    Pause,
    /// The settings.
    Settings,
}

/// The key that is being bound: an action and which of its two keys.
#[derive(Debug, Clone, Copy, Default, Resource)]
pub struct Rebinding(Option<(Action, usize)>);

/// Everything that screens draw.
#[derive(Debug)]
pub struct ScreensPlugin;

impl Plugin for ScreensPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Tab>()
            .init_resource::<Overlay>()
            .init_resource::<Rebinding>()
            .init_resource::<tabs::Choices>()
            .add_systems(Update, playing::steer.in_set(Phase::Listen))
            .add_systems(Update, settings::bind.before(Phase::Listen))
            .add_systems(
                EguiPrimaryContextPass,
                (
                    menu::show.run_if(in_state(Screen::Menu)),
                    queue::show.run_if(in_state(Screen::Queue)),
                    playing::show.run_if(in_state(Screen::Playing)).run_if(resource_exists::<Room>),
                    replay::show.run_if(in_state(Screen::Replay)),
                )
                    .in_set(Panels),
            );
    }
}

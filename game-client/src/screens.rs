//! The screens: what fills the window, and the panels over it.

mod disconnected;
mod invitation;
mod keyboard;
mod menu;
mod panels;
mod pause;
mod playing;
mod queue;
mod rebinding;
mod replay;
mod replays;
mod settings;
mod summary;
mod tabs;

use bevy::prelude::{
    App, IntoScheduleConfigs as _, Plugin, PreUpdate, Update, in_state, not, resource_exists,
};
use bevy_egui::{EguiPreUpdateSet, EguiPrimaryContextPass};

use crate::frame::Phase;
use crate::lobby::Screen;
use crate::room::Room;
use crate::ui::Panels;

pub use panels::{Overlay, Tab};
pub use rebinding::Rebinding;

/// Draws the screens and their panels.
#[derive(Debug)]
pub struct ScreensPlugin;

impl Plugin for ScreensPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Tab>()
            .init_resource::<Overlay>()
            .init_resource::<Rebinding>()
            .init_resource::<tabs::Choices>()
            .add_systems(Update, playing::control.in_set(Phase::Receive))
            .add_systems(
                PreUpdate,
                keyboard::give
                    .after(EguiPreUpdateSet::ProcessInput)
                    .before(EguiPreUpdateSet::BeginPass),
            )
            .add_systems(
                EguiPrimaryContextPass,
                (
                    menu::show.run_if(in_state(Screen::Menu)),
                    queue::show.run_if(in_state(Screen::Queue)),
                    playing::show.run_if(in_state(Screen::Playing)).run_if(resource_exists::<Room>),
                    replay::show.run_if(in_state(Screen::Replay)),
                )
                    .in_set(Panels),
            )
            .add_systems(
                EguiPrimaryContextPass,
                rebinding::show
                    .in_set(Panels)
                    .after(menu::show)
                    .after(playing::show)
                    .run_if(not(in_state(Screen::Queue))),
            );
    }
}

//! Panels and text over the match, with egui. A panel is a function of data: no rule, no request and no clock inside.

pub mod chat;
pub mod cooldowns;
pub mod crowd;
pub mod hud;
pub mod icons;
pub mod kill_feed;
pub mod net_graph;
pub mod scoreboard;
pub mod seat;
pub mod theme;
pub mod widgets;

use bevy::prelude::{
    App, Commands, IntoScheduleConfigs as _, Plugin, Res, ResMut, Resource, SystemSet, Update,
    resource_exists,
};
use bevy_egui::{EguiContexts, EguiPlugin, EguiPrimaryContextPass};

use crate::settings::Settings;

/// What the panels have of the keyboard and the mouse.
#[derive(Debug, Clone, Copy, Default, Resource)]
pub struct UiTakes {
    /// A text field has the keys.
    pub keys: bool,
    /// The mouse is over a panel.
    pub mouse: bool,
}

/// Systems that draw panels. They run once the fonts are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SystemSet)]
pub struct Panels;

/// The fonts and colours are set.
#[derive(Debug, Resource)]
struct Dressed;

/// Fonts, style and scale; the panels themselves belong to the screens.
#[derive(Debug)]
pub struct UiPlugin;

impl Plugin for UiPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins(EguiPlugin::default())
            .init_resource::<UiTakes>()
            .add_plugins((
                kill_feed::KillFeedPlugin,
                chat::ChatPanelPlugin,
                net_graph::NetGraphPlugin,
            ))
            .configure_sets(EguiPrimaryContextPass, Panels.run_if(resource_exists::<Dressed>))
            .add_systems(Update, (dress, notice));
    }
}

/// Sets fonts and colours once, and the scale when it changes.
fn dress(
    mut contexts: EguiContexts<'_, '_>,
    settings: Res<Settings>,
    dressed: Option<Res<Dressed>>,
    mut commands: Commands,
) {
    // Before the first frame is drawn there is none.
    let Ok(context) = contexts.ctx_mut() else { return };
    if dressed.is_none() {
        theme::apply(context);
        commands.insert_resource(Dressed);
    }
    let scale = settings.ui_scale.clamp(0.75, 1.75);
    if (context.zoom_factor() - scale).abs() > 0.001 {
        context.set_zoom_factor(scale);
    }
}

fn notice(mut contexts: EguiContexts<'_, '_>, mut takes: ResMut<UiTakes>) {
    let Ok(context) = contexts.ctx_mut() else { return };
    *takes = UiTakes {
        keys: context.egui_wants_keyboard_input(),
        mouse: context.egui_wants_pointer_input() || context.is_pointer_over_egui(),
    };
}

//! Panels and text over the match, with egui. A panel is a function of data: no rule, no request and no clock inside.

pub mod chat;
pub mod cooldowns;
pub mod hud;
pub mod icons;
pub mod kill_feed;
pub mod net_graph;
pub mod scoreboard;
pub mod theme;
pub mod widgets;

use bevy::prelude::{App, Local, Plugin, Res, ResMut, Resource, Update};
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

/// Fonts, style and scale; the panels themselves belong to the screens.
#[derive(Debug)]
pub struct UiPlugin;

impl Plugin for UiPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins(EguiPlugin::default())
            .init_resource::<UiTakes>()
            .add_plugins((kill_feed::KillFeedPlugin, chat::ChatPanelPlugin, net_graph::NetGraphPlugin))
            .add_systems(EguiPrimaryContextPass, dress)
            .add_systems(Update, notice);
    }
}

/// Sets fonts and colours once, and the scale when it changes.
fn dress(
    mut contexts: EguiContexts<'_, '_>,
    settings: Res<Settings>,
    mut dressed: Local<bool>,
) -> bevy::prelude::Result {
    let context = contexts.ctx_mut()?;
    if !*dressed {
        theme::apply(context);
        *dressed = true;
    }
    let scale = settings.ui_scale.clamp(0.75, 1.75);
    if (context.zoom_factor() - scale).abs() > 0.001 {
        context.set_zoom_factor(scale);
    }
    Ok(())
}

fn notice(mut contexts: EguiContexts<'_, '_>, mut takes: ResMut<UiTakes>) -> bevy::prelude::Result {
    let context = contexts.ctx_mut()?;
    *takes = UiTakes {
        keys: context.egui_wants_keyboard_input(),
        mouse: context.egui_wants_pointer_input() || context.is_pointer_over_egui(),
    };
    Ok(())
}

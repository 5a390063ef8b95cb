//! Panels and text over the match, with egui. A panel is a function of data: it contains no rule, no request and no clock.

pub mod bidi;
pub mod chat;
pub mod cooldowns;
pub mod crowd;
mod fonts;
pub mod hud;
pub mod icons;
pub mod kill_feed;
pub mod narrow;
pub mod net_graph;
pub mod player_dot;
pub mod scale_guard;
pub mod scoreboard;
pub mod sheet;
pub mod text;
pub mod theme;
pub mod widgets;

use bevy::asset::AssetEventSystems;
use bevy::prelude::{
    App, Commands, IntoScheduleConfigs as _, Plugin, PostUpdate, Real, Res, ResMut, Resource,
    SystemSet, Time, Update, resource_exists,
};
use bevy_egui::{EguiContexts, EguiPlugin, EguiPostUpdateSet, EguiPrimaryContextPass};

use crate::settings::Settings;

/// The input devices that panels use in this frame.
#[derive(Debug, Clone, Copy, Default, Resource)]
pub struct UiCapture {
    /// Whether a text field has the keyboard.
    pub keyboard: bool,
    /// Whether the mouse is over a panel.
    pub mouse: bool,
}

/// The systems that draw panels. They run once the fonts are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SystemSet)]
pub struct Panels;

/// Sets fonts, style and scale. The panels themselves belong to the screens.
#[derive(Debug)]
pub struct UiPlugin;

impl Plugin for UiPlugin {
    fn build(&self, app: &mut App) {
        add_egui(app);
        app.init_resource::<UiCapture>()
            .init_resource::<scale_guard::ScaleGuard>()
            .add_plugins((
                fonts::FontsPlugin,
                kill_feed::KillFeedPlugin,
                chat::ChatPanelPlugin,
                net_graph::NetGraphPlugin,
            ))
            .configure_sets(
                EguiPrimaryContextPass,
                Panels.run_if(resource_exists::<theme::ThemeApplied>),
            )
            .add_systems(Update, (guard_scale, apply_theme, update_capture).chain());
    }
}

/// Letters that are shown for the first time are painted into a texture. Bevy must learn of that in the same frame; otherwise
/// they would be missing for one.
fn add_egui(app: &mut App) {
    app.add_plugins(EguiPlugin::default())
        .configure_sets(PostUpdate, EguiPostUpdateSet::PostProcessOutput.before(AssetEventSystems));
}

/// Sets fonts and colours once, and the scale when it changes.
fn apply_theme(
    mut contexts: EguiContexts<'_, '_>,
    settings: Res<Settings>,
    applied: Option<Res<theme::ThemeApplied>>,
    mut commands: Commands,
) {
    // There is no context before the first frame.
    let Ok(context) = contexts.ctx_mut() else { return };
    if applied.is_none() {
        theme::apply(context);
        commands.insert_resource(theme::ThemeApplied);
    }
    let scale = settings.ui_scale.clamp(0.75, 1.75);
    if (context.zoom_factor() - scale).abs() > 0.001 {
        context.set_zoom_factor(scale);
    }
}

/// A scale that hides its own switch is taken back.
fn guard_scale(
    mut guard: ResMut<scale_guard::ScaleGuard>,
    mut settings: ResMut<Settings>,
    time: Res<Time<Real>>,
) {
    if guard.is_on_trial()
        && let Some(before) = guard.advance(time.delta_secs())
    {
        settings.ui_scale = before;
    }
}

fn update_capture(mut contexts: EguiContexts<'_, '_>, mut capture: ResMut<UiCapture>) {
    let Ok(context) = contexts.ctx_mut() else { return };
    *capture = UiCapture {
        keyboard: context.egui_wants_keyboard_input(),
        mouse: context.egui_wants_pointer_input() || context.is_pointer_over_egui(),
    };
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bevy::asset::{AssetApp as _, AssetEvent, AssetPlugin};
    use bevy::image::Image;
    use bevy::input::InputPlugin;
    use bevy::prelude::{App, Last, MessageReader, MinimalPlugins, ResMut, Resource};
    use bevy::shader::Shader;
    use bevy::window::WindowPlugin;
    use bevy_egui::EguiRenderOutput;
    use bevy_egui::egui::epaint::{ImageData, ImageDelta};
    use bevy_egui::egui::{ColorImage, TextureId, TextureOptions};

    use super::add_egui;

    #[derive(Debug, Default, Resource)]
    struct Modified(usize);

    fn count(mut events: MessageReader<'_, '_, AssetEvent<Image>>, mut modified: ResMut<Modified>) {
        modified.0 +=
            events.read().filter(|event| matches!(event, AssetEvent::Modified { .. })).count();
    }

    #[test]
    fn a_letter_is_painted_in_the_first_frame_that_shows_it() {
        let mut app = App::new();
        app.add_plugins((
            MinimalPlugins,
            AssetPlugin::default(),
            InputPlugin,
            WindowPlugin::default(),
        ));
        app.init_asset::<Image>().init_asset::<Shader>().init_resource::<Modified>();
        add_egui(&mut app);
        app.add_systems(Last, count);
        let image =
            |size| ImageData::Color(Arc::new(ColorImage::filled([size; 2], Default::default())));
        let output = app.world_mut().spawn(EguiRenderOutput::default()).id();
        let mut show = |delta| {
            let mut output = app.world_mut().get_mut::<EguiRenderOutput>(output).unwrap();
            output.textures_delta.set.entry(TextureId::default()).or_default().push(delta);
            app.update();
            app.world().resource::<Modified>().0
        };

        show(ImageDelta::full(image(8), TextureOptions::LINEAR));
        let modified = show(ImageDelta::partial([2, 2], image(4), TextureOptions::LINEAR));

        assert_eq!(modified, 1);
    }
}

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

use bevy::asset::AssetEventSystems;
use bevy::prelude::{
    App, Commands, IntoScheduleConfigs as _, Plugin, PostUpdate, Res, ResMut, Resource, SystemSet,
    Update, resource_exists,
};
use bevy_egui::{EguiContexts, EguiPlugin, EguiPostUpdateSet, EguiPrimaryContextPass};

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
        add_egui(app);
        app.init_resource::<UiTakes>()
            .add_plugins((
                kill_feed::KillFeedPlugin,
                chat::ChatPanelPlugin,
                net_graph::NetGraphPlugin,
            ))
            .configure_sets(EguiPrimaryContextPass, Panels.run_if(resource_exists::<Dressed>))
            .add_systems(Update, (dress, notice));
    }
}

/// Letters that were never shown before are painted into a texture. Bevy hears of it in the same frame: else they would be
/// missing for one.
fn add_egui(app: &mut App) {
    app.add_plugins(EguiPlugin::default())
        .configure_sets(PostUpdate, EguiPostUpdateSet::PostProcessOutput.before(AssetEventSystems));
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
    struct Told(usize);

    fn count(mut events: MessageReader<'_, '_, AssetEvent<Image>>, mut told: ResMut<Told>) {
        told.0 +=
            events.read().filter(|event| matches!(event, AssetEvent::Modified { .. })).count();
    }

    #[test]
    fn a_letter_is_painted_in_the_frame_that_shows_it_first() {
        let mut app = App::new();
        app.add_plugins((
            MinimalPlugins,
            AssetPlugin::default(),
            InputPlugin,
            WindowPlugin::default(),
        ));
        app.init_asset::<Image>().init_asset::<Shader>().init_resource::<Told>();
        add_egui(&mut app);
        app.add_systems(Last, count);
        let image =
            |size| ImageData::Color(Arc::new(ColorImage::filled([size; 2], Default::default())));
        let output = app.world_mut().spawn(EguiRenderOutput::default()).id();
        let mut show = |delta| {
            let mut output = app.world_mut().get_mut::<EguiRenderOutput>(output).unwrap();
            output.textures_delta.set.entry(TextureId::default()).or_default().push(delta);
            app.update();
            app.world().resource::<Told>().0
        };

        show(ImageDelta::full(image(8), TextureOptions::LINEAR));
        let told = show(ImageDelta::partial([2, 2], image(4), TextureOptions::LINEAR));

        assert_eq!(told, 1);
    }
}

//! The settings panel, in the menu and in the pause menu.

use bevy::input::ButtonInput;
use bevy::input::keyboard::KeyCode;
use bevy::input::mouse::MouseButton;
use bevy::prelude::{Local, Res, ResMut};
use bevy_egui::egui::{Align, Key, Layout, ScrollArea, Slider, Ui, vec2};

use super::panels::Rebinding;
use crate::input::binding::Binding;
use crate::input::bindings::{Action, Bindings};
use crate::settings::{PaletteChoice, Quality, Settings, WindowMode};
use crate::ui::{scoreboard, theme, widgets};

pub(super) fn panel(
    ui: &mut Ui,
    height: f32,
    settings: &mut Settings,
    bindings: &mut Bindings,
    rebinding: &mut Rebinding,
) {
    scoreboard::title(ui, "Settings", "");
    let height = (height - 60.0).max(160.0);
    let area = ScrollArea::vertical().max_height(height).min_scrolled_height(height);
    area.show(ui, |ui| {
        ui.set_width(ui.available_width() - 12.0);
        sound(ui, settings);
        picture(ui, settings);
        keys(ui, bindings, rebinding);
        server(ui, settings);
    });
}

fn section(ui: &mut Ui, title: &str) {
    ui.add_space(10.0);
    ui.label(theme::heading(title, 14.0).color(theme::WARM));
}

fn sound(ui: &mut Ui, settings: &mut Settings) {
    section(ui, "Sound");
    let volumes = &mut settings.volumes;
    for (title, volume) in [
        ("Everything", &mut volumes.master),
        ("Game", &mut volumes.game),
        ("Interface", &mut volumes.interface),
        ("Ambience", &mut volumes.ambience),
    ] {
        widgets::labelled(ui, title, |ui| {
            let percent = format!("{:.0} %", *volume * 100.0);
            let cell = vec2(44.0, 20.0);
            ui.allocate_ui_with_layout(cell, Layout::right_to_left(Align::Center), |ui| {
                ui.set_min_size(cell);
                ui.label(theme::muted(percent));
            });
            ui.add(Slider::new(volume, 0.0..=1.0).show_value(false));
        });
    }
}

fn picture(ui: &mut Ui, settings: &mut Settings) {
    section(ui, "Picture");
    ui.label(theme::small("Window"));
    let modes = [(WindowMode::Windowed, "Window"), (WindowMode::Fullscreen, "Full screen")];
    if let Some(mode) = widgets::segments(ui, &modes, settings.window_mode) {
        settings.window_mode = mode;
    }
    ui.label(theme::small("Detail"));
    let qualities =
        [(Quality::Auto, "Automatic"), (Quality::Fast, "Fast"), (Quality::Full, "Full")];
    if let Some(quality) = widgets::segments(ui, &qualities, settings.quality) {
        settings.quality = quality;
    }
    ui.label(theme::small("Colours of the players"));
    let palettes =
        [(PaletteChoice::Standard, "Standard"), (PaletteChoice::ColourBlind, "Colour-blind")];
    if let Some(palette) = widgets::segments(ui, &palettes, settings.palette) {
        settings.palette = palette;
    }
    ui.label(theme::small("Size of text and panels"));
    let scales = [(0.9, "Small"), (1.0, "Normal"), (1.25, "Large"), (1.5, "Huge")];
    if let Some(scale) = widgets::segments(ui, &scales, settings.ui_scale) {
        settings.ui_scale = scale;
    }
    widgets::labelled(ui, "Shake on hits", |ui| {
        widgets::switch(ui, &mut settings.shake);
    });
    widgets::labelled(ui, "Ping and snapshot age", |ui| {
        widgets::switch(ui, &mut settings.show_link);
    });
}

fn keys(ui: &mut Ui, bindings: &mut Bindings, rebinding: &mut Rebinding) {
    section(ui, "Keys");
    for action in Action::ALL {
        widgets::labelled(ui, action.title(), |ui| {
            for place in [1, 0] {
                let waiting = rebinding.0 == Some((action, place));
                let text = match bindings.of(action)[place] {
                    _ if waiting => "Press a key",
                    Some(binding) => binding.name(),
                    None => "–",
                };
                if widgets::secondary_sized(ui, text, vec2(112.0, 28.0)).clicked() {
                    rebinding.0 = if waiting { None } else { Some((action, place)) };
                }
            }
        });
    }
    ui.add_space(4.0);
    if ui.button(theme::muted("Reset the keys")).clicked() {
        *bindings = Bindings::default();
    }
    ui.label(theme::small(
        "A gamepad works too: sticks drive and aim, triggers pulse and shove, A dashes.",
    ));
}

fn server(ui: &mut Ui, settings: &mut Settings) {
    section(ui, "Server");
    let before = settings.server.clone();
    widgets::field(ui, &mut settings.server, crate::args::DEFAULT_SERVER, 200);
    if settings.server != before {
        settings.server = settings.server.trim().to_owned();
    }
    ui.label(theme::small("Scheme, host and port. It applies to the next thing you start."));
    if !settings.ignored.is_empty() {
        ui.add_space(4.0);
        let text = format!("Show the {} ignored again", settings.ignored.len());
        if ui.button(theme::muted(text)).clicked() {
            settings.ignored.clear();
        }
    }
    ui.add_space(8.0);
}

/// Waits for the key that an action is bound to. Escape cancels.
pub(super) fn bind(
    keys: Res<ButtonInput<KeyCode>>,
    mouse: Res<ButtonInput<MouseButton>>,
    mut rebinding: ResMut<Rebinding>,
    mut bindings: ResMut<Bindings>,
    mut was_waiting: Local<bool>,
) {
    let Some((action, place)) = rebinding.0 else {
        *was_waiting = false;
        return;
    };
    // The click that began the binding is not the key.
    if !core::mem::replace(&mut *was_waiting, true) {
        return;
    }
    if keys.just_pressed(KeyCode::Escape) {
        rebinding.0 = None;
    } else if let Some(binding) = Binding::newly_pressed(&keys, &mouse) {
        bindings.bind(action, place, binding);
        rebinding.0 = None;
    }
}

/// Whether Escape closes the settings.
pub(super) fn is_left(ui: &Ui, rebinding: &Rebinding) -> bool {
    rebinding.0.is_none() && ui.input(|input| input.key_pressed(Key::Escape))
}

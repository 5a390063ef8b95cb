//! The settings panel, in the menu and in the pause menu.

use bevy::ecs::system::SystemParam;
use bevy::prelude::{Res, ResMut};
use bevy_egui::egui::{Align, Key, Layout, Slider, Ui, vec2};

use super::rebinding::Rebinding;
use crate::address;
use crate::input::bindings::{Action, Bindings};
use crate::input::key_names::KeyNames;
use crate::settings::{FrameCap, PaletteChoice, Quality, Settings, WindowMode};
use crate::ui::scale_guard::ScaleGuard;
use crate::ui::{scoreboard, theme, widgets};

/// What the panel shows and changes.
#[derive(SystemParam)]
pub(super) struct SettingsParams<'w> {
    pub(super) settings: ResMut<'w, Settings>,
    pub(super) bindings: ResMut<'w, Bindings>,
    pub(super) names: Res<'w, KeyNames>,
    rebinding: ResMut<'w, Rebinding>,
    guard: ResMut<'w, ScaleGuard>,
}

impl SettingsParams<'_> {
    /// Whether Escape closes the settings. While a key is bound, it ends that.
    pub(super) fn is_left(&self, ui: &Ui) -> bool {
        !self.rebinding.is_waiting() && ui.input(|input| input.key_pressed(Key::Escape))
    }
}

/// Draws the settings. They are as tall as they are: the panel around them scrolls.
pub(super) fn panel(ui: &mut Ui, params: &mut SettingsParams<'_>) {
    scoreboard::title(ui, "Settings", "");
    sound(ui, &mut params.settings);
    picture(ui, &mut params.settings);
    scale(ui, &mut params.settings, &mut params.guard);
    keys(ui, &mut params.bindings, &mut params.rebinding, &params.names);
    server(ui, &mut params.settings);
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
    ui.label(theme::small("Frames in a second"));
    let caps = [
        (FrameCap::Screen, "Screen"),
        (FrameCap::Thirty, "30"),
        (FrameCap::Sixty, "60"),
        (FrameCap::HundredTwenty, "120"),
    ];
    if let Some(cap) = widgets::segments(ui, &caps, settings.frame_cap) {
        settings.frame_cap = cap;
    }
    widgets::labelled(ui, "Shake on hits", |ui| {
        widgets::switch(ui, &mut settings.shake);
    });
    widgets::labelled(ui, "Ping and snapshot age", |ui| {
        widgets::switch(ui, &mut settings.show_link);
    });
}

/// The switch of the scale. A scale that puts it out of sight is taken back.
fn scale(ui: &mut Ui, settings: &mut Settings, guard: &mut ScaleGuard) {
    ui.label(theme::small("Size of text and panels"));
    let scales = [(0.9, "Small"), (1.0, "Normal"), (1.25, "Large"), (1.5, "Huge")];
    let top = ui.cursor().min;
    let chosen = widgets::segments(ui, &scales, settings.ui_scale);
    let switch = bevy_egui::egui::Rect::from_min_max(top, ui.min_rect().max);
    let sight = ui.clip_rect().intersect(ui.ctx().content_rect());
    guard.drawn(sight.contains_rect(switch.shrink(2.0)));
    if guard.is_on_trial() {
        ui.scroll_to_rect(switch, Some(Align::Center));
    }
    if let Some(scale) = chosen.filter(|scale| (scale - settings.ui_scale).abs() > 0.001) {
        guard.chosen(settings.ui_scale);
        settings.ui_scale = scale;
    }
    if guard.took_back {
        ui.label(theme::small("That size put this switch out of sight, so it was taken back."));
    }
}

fn keys(ui: &mut Ui, bindings: &mut Bindings, rebinding: &mut Rebinding, names: &KeyNames) {
    section(ui, "Keys");
    for action in Action::ALL {
        widgets::labelled(ui, action.title(), |ui| {
            let width = ((ui.available_width() - 80.0) / 2.0).clamp(64.0, 112.0);
            for place in [1, 0] {
                let key = bindings.of(action)[place];
                let text = key.map_or("–".into(), |binding| names.of(binding));
                if widgets::secondary_sized(ui, &text, vec2(width, 28.0)).clicked() {
                    rebinding.begin(action, place);
                }
            }
        });
    }
    if let Some(taken) = &rebinding.taken {
        ui.label(theme::small(taken).color(theme::CHARGE));
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
    let field = widgets::field(ui, &mut settings.server, crate::args::DEFAULT_SERVER, 300);
    if settings.server != before {
        // An address that a person enters is for every start.
        settings.home_server = None;
    }
    match address::parse(&settings.server) {
        Ok(server) if field.lost_focus() => settings.server = server,
        Ok(_) => {
            ui.label(theme::small("Such as play.example.org, for the next thing you start."));
        }
        Err(error) => {
            let text = presentation::words::sentence(&error.to_string());
            ui.label(theme::small(text).color(theme::WARM));
        }
    }
    if !settings.ignored.is_empty() {
        ui.add_space(4.0);
        let text = format!("Show the {} ignored again", settings.ignored.len());
        if ui.button(theme::muted(text)).clicked() {
            settings.ignored.clear();
        }
    }
    ui.add_space(8.0);
}

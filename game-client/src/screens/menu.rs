//! The menu: the name, quick play, and the panels beside it.

use std::time::Instant;

use bevy::app::AppExit;
use bevy::prelude::{Local, MessageWriter, Res, ResMut};
use bevy_egui::egui::{Align2, Area, Color32, Context, Id, LayerId, Order, Ui, pos2, vec2};
use bevy_egui::{EguiContexts, egui};
use shared::id::{NAME_CHARS_MAX, PlayerName};

use super::panels::Tab;
use super::replays;
use super::settings::SettingsParams;
use super::tabs::{self, Choices};
use crate::lobby::{Account, Intent, Lobby};
use crate::replay_list::{ReplayIntent, Replays};
use crate::settings::{Settings, SettingsProblems};
use crate::ui::text::elided;
use crate::ui::{bidi, sheet, theme, widgets};

/// The width of the column at the left, in points.
const COLUMN: f32 = 340.0;
/// The width of the panel beside it, and the least that is left of it in a narrow window.
const PANEL: f32 = 430.0;
const PANEL_LEAST: f32 = 300.0;
/// Between the column and the panel.
const GAP: f32 = 20.0;
/// The room that is kept free at the bottom.
const FOOTER: f32 = 48.0;
/// The distance of the column from the left edge.
const LEFT: f32 = 56.0;
/// The least distance to the other edges.
const EDGE: f32 = 12.0;

/// Where the column and the panel are, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Places {
    left: f32,
    column_width: f32,
    /// Of the panel.
    panel_left: f32,
    panel_width: f32,
    /// Whether there is no room for both: then the panel takes the place of the column.
    is_narrow: bool,
}

impl Places {
    /// In a window of this width.
    fn of(width: f32) -> Self {
        let left = LEFT.min(width * 0.04);
        let column_width = COLUMN.min(width - left - EDGE).max(120.0);
        let beside = left + column_width + GAP;
        let is_narrow = width - beside - EDGE < PANEL_LEAST;
        let panel_left = if is_narrow { left } else { beside };
        let panel_width = PANEL.min(width - panel_left - EDGE).max(120.0);
        Self { left, column_width, panel_left, panel_width, is_narrow }
    }
}

pub(super) fn show(
    mut contexts: EguiContexts<'_, '_>,
    mut params: SettingsParams<'_>,
    mut problems: ResMut<SettingsProblems>,
    lobby: Res<Lobby>,
    replays: Res<Replays>,
    mut tab: ResMut<Tab>,
    mut choices: ResMut<Choices>,
    mut writer: MessageWriter<Intent>,
    mut replay_writer: MessageWriter<ReplayIntent>,
    mut exit: MessageWriter<AppExit>,
    mut tall: Local<f32>,
) -> bevy::prelude::Result {
    let context = contexts.ctx_mut()?;
    let screen = context.content_rect();
    let places = Places::of(screen.width());
    let mut intents: Vec<Intent> = Vec::new();
    // A long column, with a notice for example, begins higher up.
    let id = Id::new("menu");
    let top = (screen.height() * 0.09).min(screen.height() - *tall - FOOTER).max(EDGE);
    let height = screen.height() - top - FOOTER;
    let top = screen.top() + top;
    if *tab == Tab::None || !places.is_narrow {
        let column = Area::new(id).fixed_pos(pos2(places.left, top)).order(Order::Middle);
        column.show(context, |ui| {
            *tall = sheet::scrolled(ui, "menu", places.column_width, height, |ui| {
                let settings = &mut params.settings;
                column_content(ui, settings, &lobby, &mut choices, &mut tab, &mut intents);
                notices(ui, &lobby, &mut problems);
                ui.add_space(8.0);
                if ui.button(theme::muted("Quit")).clicked() {
                    exit.write(AppExit::Success);
                }
            });
        });
    }
    if *tab != Tab::None {
        let panel = Area::new(Id::new("menu panel"))
            .fixed_pos(pos2(places.panel_left, top))
            .order(Order::Middle);
        let name = format!("{:?}", *tab);
        panel.show(context, |ui| {
            let room = vec2(places.panel_width, height);
            sheet::panel(ui, &name, room, PANEL - 32.0, |ui| {
                if places.is_narrow && widgets::secondary(ui, "Back to the menu").clicked() {
                    *tab = Tab::None;
                }
                if *tab == Tab::Replays {
                    let mut intents = Vec::new();
                    replays::panel(ui, &replays, &lobby, &mut intents);
                    replay_writer.write_batch(intents);
                    return;
                }
                tabs::show(ui, *tab, &mut params, &lobby, &mut choices, &mut intents);
            });
        });
    }
    footer(context, &params.settings, &lobby, &mut intents);
    writer.write_batch(intents);
    Ok(())
}

fn column_content(
    ui: &mut Ui,
    settings: &mut Settings,
    lobby: &Lobby,
    choices: &mut Choices,
    tab: &mut Tab,
    intents: &mut Vec<Intent>,
) {
    title(ui);
    ui.add_space(20.0);
    theme::panel().show(ui, |ui| {
        ui.set_width(ui.available_width());
        play(ui, settings, lobby, choices, intents);
        ui.add_space(4.0);
        rows(ui, tab);
    });
}

/// The newest error, and what is wrong with the files of the settings.
fn notices(ui: &mut Ui, lobby: &Lobby, problems: &mut SettingsProblems) {
    if let Some(error) = &lobby.error {
        ui.add_space(8.0);
        notice(ui, error);
    }
    for problem in problems.as_slice() {
        ui.add_space(8.0);
        notice(ui, problem);
    }
    if !problems.as_slice().is_empty() && ui.button(theme::muted("Understood")).clicked() {
        problems.clear();
    }
}

fn title(ui: &mut Ui) {
    ui.add_space(4.0);
    let width = ui.available_width();
    let (rect, _) = ui.allocate_exact_size(vec2(width, 48.0), egui::Sense::hover());
    let mut x = rect.left();
    for (text, colour) in [("PUSH", theme::TEXT), ("BACK", theme::WARM)] {
        let at = pos2(x, rect.center().y);
        let drawn = ui.painter().text(at, Align2::LEFT_CENTER, text, theme::bold(40.0), colour);
        x = drawn.right() + 1.0;
    }
    ui.label(theme::muted("The ice is thin, and so is everyone's patience.").size(14.0));
}

fn play(
    ui: &mut Ui,
    settings: &mut Settings,
    lobby: &Lobby,
    choices: &mut Choices,
    intents: &mut Vec<Intent>,
) {
    ui.label(theme::small("Your name"));
    // Room for letters that are typed as a letter and a mark.
    let chars_max = 2 * NAME_CHARS_MAX;
    let name = widgets::field(ui, &mut settings.name, "Two to sixteen letters", chars_max);
    let wrong = PlayerName::choose(&settings.name).err();
    if let Some(wrong) = wrong.filter(|_| !settings.name.is_empty()) {
        let text = wrong.to_string();
        ui.label(
            theme::small(format!("{}{}.", text[..1].to_uppercase(), &text[1..])).color(theme::WARM),
        );
    }
    if name.lost_focus() && wrong.is_none() {
        intents.push(Intent::SignIn);
    }
    for identity in settings.previous_identities.on(&settings.server) {
        let again = theme::small(format!("Play as {} again", bidi::visual(&identity.name)));
        if ui
            .link(again)
            .on_hover_text("Your identity before the browser opened the game")
            .clicked()
        {
            intents.push(Intent::RestoreIdentity(identity.clone()));
        }
    }
    ui.add_space(4.0);
    let modes = tabs::MODES.map(|mode| (mode, mode.title()));
    if let Some(mode) = widgets::segments(ui, &modes, choices.quick_mode) {
        choices.quick_mode = mode;
    }
    let is_free = wrong.is_none() && !lobby.is_signing_in();
    ui.add_enabled_ui(is_free, |ui| {
        let text = match (&lobby.account, wrong) {
            (Account::SigningIn(_), _) => "Connecting…",
            (_, Some(_)) => "Enter a name to play",
            (_, None) => "Quick play",
        };
        if widgets::primary(ui, text, 48.0).clicked() {
            intents.push(Intent::QuickPlay(choices.quick_mode));
        }
        if let Some((room, text)) = lobby.waiting_seat(Instant::now()) {
            let size = vec2(ui.available_width(), 36.0);
            if widgets::filled(ui, &text, size, (theme::GOOD, theme::INK)).clicked() {
                intents.push(Intent::Join(room));
            }
        }
    });
}

fn rows(ui: &mut Ui, tab: &mut Tab) {
    ui.spacing_mut().item_spacing.y = 6.0;
    let rows = [
        (Tab::Private, "Private room", "Link and code"),
        (Tab::Practice, "Practice", "Against bots"),
        (Tab::Watch, "Watch", "Rooms that play now"),
        (Tab::Replays, "Replays", "Rounds that were played"),
        (Tab::Settings, "Settings", ""),
    ];
    for (which, title, remark) in rows {
        if widgets::row(ui, title, remark, *tab == which).clicked() {
            *tab = if *tab == which { Tab::None } else { which };
        }
    }
}

/// A text that a person should read.
fn notice(ui: &mut Ui, text: &str) {
    let line = egui::Stroke::new(1.0, theme::WARM.gamma_multiply(0.6));
    theme::chip().stroke(line).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(theme::text(text).color(Color32::from_rgb(255, 178, 158)));
    });
}

/// The server, and on the right the version. In the middle of a visit: the way back.
fn footer(context: &Context, settings: &Settings, lobby: &Lobby, intents: &mut Vec<Intent>) {
    let painter = context.layer_painter(LayerId::new(Order::Middle, Id::new("menu footer")));
    let screen = context.content_rect();
    let (colour, text) = match &lobby.account {
        Account::SignedIn(session) if lobby.is_cut_off => {
            (theme::WARM, format!("No connection to {}. Trying again…", session.server))
        }
        Account::SignedIn(session) => (theme::GOOD, format!("Connected to {}", session.server)),
        Account::SigningIn(_) => (theme::CHARGE, format!("Connecting to {}", settings.server)),
        Account::SignedOut => (theme::MUTED, format!("Server {}", settings.server)),
    };
    let at = pos2(LEFT.min(screen.width() * 0.04), screen.bottom() - 22.0);
    painter.circle_filled(at + vec2(5.0, 0.0), 4.0, colour);
    let font = theme::font(12.0);
    // In a narrow window, the way back takes the place of the version.
    let with_version = settings.home_server.is_none() || screen.width() > 640.0;
    let text = elided(&painter, &text, &font, (screen.width() - at.x - 160.0).max(60.0));
    let after = painter.text(at + vec2(16.0, 0.0), Align2::LEFT_CENTER, text, font, theme::MUTED);
    if let Some(home) = &settings.home_server {
        let back = Area::new(Id::new("home")).order(Order::Middle).pivot(Align2::LEFT_CENTER);
        back.fixed_pos(pos2(after.right() + 12.0, at.y)).show(context, |ui| {
            let link = ui.link(theme::small("Back to yours")).on_hover_text(home);
            if link.clicked() {
                intents.push(Intent::GoHome);
            }
        });
    }
    if !with_version {
        return;
    }
    let version = format!("Pushback {}", env!("CARGO_PKG_VERSION"));
    let at = pos2(screen.right() - 20.0, screen.bottom() - 22.0);
    painter.text(at, Align2::RIGHT_CENTER, version, theme::font(12.0), theme::MUTED);
}

#[cfg(test)]
mod tests {
    use super::Places;

    /// From 640 × 480 at every scale up: the window in points.
    #[test]
    fn column_and_panel_fit_into_every_window() {
        for pixels in (640..=3_840).step_by(16) {
            for scale in [0.75, 0.9, 1.0, 1.25, 1.5, 1.75] {
                #[expect(clippy::cast_precision_loss, reason = "a few thousand pixels")]
                let width = pixels as f32 / scale;
                let places = Places::of(width);
                let Places { left, column_width, panel_left, panel_width, is_narrow } = places;
                assert!(left + column_width <= width, "{pixels} at {scale}: {places:?}");
                assert!(panel_left + panel_width <= width, "{pixels} at {scale}: {places:?}");
                assert!(is_narrow || left + column_width < panel_left, "{pixels} at {scale}");
                assert!(panel_width >= 300.0, "{pixels} at {scale}: {places:?}");
            }
        }
        // Smaller ones show a part, and nothing is negative.
        assert!(Places::of(100.0).panel_width > 0.0);
    }
}

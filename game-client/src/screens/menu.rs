//! The menu: the name, quick play, and the panels beside it.

use bevy::app::AppExit;
use bevy::prelude::{MessageWriter, Res, ResMut};
use bevy_egui::egui::{Align2, Area, Color32, Id, LayerId, Order, Ui, pos2, vec2};
use bevy_egui::{EguiContexts, egui};
use shared::id::{NAME_CHARS_MAX, PlayerName};

use super::panels::{Rebinding, Tab};
use super::replays;
use super::tabs::{self, Choices};
use crate::input::bindings::Bindings;
use crate::lobby::{Account, Intent, Lobby};
use crate::replay_list::{ReplayIntent, Replays};
use crate::settings::Settings;
use crate::ui::{theme, widgets};

/// The width of the column at the left, in points.
const COLUMN: f32 = 340.0;
/// The width of the panel beside it.
const PANEL: f32 = 430.0;
/// The room that is kept free at the bottom.
const FOOTER: f32 = 48.0;
/// The distance of the column from the left edge.
const LEFT: f32 = 56.0;

pub(super) fn show(
    mut contexts: EguiContexts<'_, '_>,
    mut settings: ResMut<Settings>,
    lobby: Res<Lobby>,
    replays: Res<Replays>,
    mut tab: ResMut<Tab>,
    mut choices: ResMut<Choices>,
    mut bindings: ResMut<Bindings>,
    mut rebinding: ResMut<Rebinding>,
    mut writer: MessageWriter<Intent>,
    mut replay_writer: MessageWriter<ReplayIntent>,
    mut exit: MessageWriter<AppExit>,
) -> bevy::prelude::Result {
    let context = contexts.ctx_mut()?;
    let screen = context.content_rect();
    let left = LEFT.min(screen.width() * 0.04);
    let mut intents: Vec<Intent> = Vec::new();
    // A long column, with a notice for example, begins higher up.
    let id = Id::new("menu");
    let tall = context.memory(|memory| memory.area_rect(id)).map_or(0.0, |rect| rect.height());
    let top = (screen.height() * 0.09).min(screen.height() - tall - FOOTER).max(12.0);
    let top = screen.top() + top;
    let column = Area::new(id).fixed_pos(pos2(left, top)).order(Order::Middle);
    column.show(context, |ui| {
        ui.set_width(COLUMN);
        title(ui);
        ui.add_space(20.0);
        theme::panel().show(ui, |ui| {
            ui.set_width(COLUMN - 32.0);
            play(ui, &mut settings, &lobby, &mut choices, &mut intents);
            ui.add_space(4.0);
            rows(ui, &mut tab);
        });
        if let Some(error) = &lobby.error {
            ui.add_space(8.0);
            notice(ui, error);
        }
        ui.add_space(8.0);
        if ui.button(theme::muted("Quit")).clicked() {
            exit.write(AppExit::Success);
        }
    });
    if *tab != Tab::None {
        let panel = Area::new(Id::new("menu panel"))
            .fixed_pos(pos2(left + COLUMN + 20.0, top))
            .order(Order::Middle);
        panel.show(context, |ui| {
            theme::panel().show(ui, |ui| {
                ui.set_width((PANEL - 32.0).min(screen.width() - left - COLUMN - 72.0));
                let height = screen.height() - (top - screen.top()) - 72.0;
                if *tab == Tab::Replays {
                    let mut intents = Vec::new();
                    replays::panel(ui, height, &replays, &lobby, &mut intents);
                    replay_writer.write_batch(intents);
                    return;
                }
                tabs::show(
                    ui,
                    *tab,
                    height,
                    &mut settings,
                    &lobby,
                    &mut choices,
                    &mut bindings,
                    &mut rebinding,
                    &mut intents,
                );
            });
        });
    }
    footer(context, &settings, &lobby);
    writer.write_batch(intents);
    Ok(())
}

fn title(ui: &mut Ui) {
    ui.add_space(4.0);
    let (rect, _) = ui.allocate_exact_size(vec2(COLUMN, 48.0), egui::Sense::hover());
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
        let again = theme::small(format!("Play as {} again", identity.name));
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
        if let Some(room) = &lobby.rejoin {
            let text = format!("Rejoin {} {}", room.summary.mode.title(), room.summary.id);
            let size = vec2(ui.available_width(), 36.0);
            if widgets::filled(ui, &text, size, (theme::GOOD, theme::INK)).clicked() {
                intents.push(Intent::Join(room.summary.id));
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

/// The newest error.
fn notice(ui: &mut Ui, text: &str) {
    let line = egui::Stroke::new(1.0, theme::WARM.gamma_multiply(0.6));
    theme::chip().stroke(line).show(ui, |ui| {
        ui.set_width(COLUMN - 24.0);
        ui.label(theme::text(text).color(Color32::from_rgb(255, 178, 158)));
    });
}

fn footer(context: &egui::Context, settings: &Settings, lobby: &Lobby) {
    let painter = context.layer_painter(LayerId::new(Order::Middle, Id::new("menu footer")));
    let screen = context.content_rect();
    let (colour, text) = match &lobby.account {
        Account::SignedIn(session) => (theme::GOOD, format!("Connected to {}", session.server)),
        Account::SigningIn(_) => (theme::CHARGE, format!("Connecting to {}", settings.server)),
        Account::SignedOut => (theme::MUTED, format!("Server {}", settings.server)),
    };
    let at = pos2(LEFT.min(screen.width() * 0.04), screen.bottom() - 22.0);
    painter.circle_filled(at + vec2(5.0, 0.0), 4.0, colour);
    painter.text(at + vec2(16.0, 0.0), Align2::LEFT_CENTER, text, theme::font(12.0), theme::MUTED);
    let version = format!("Pushback {}", env!("CARGO_PKG_VERSION"));
    let at = pos2(screen.right() - 20.0, screen.bottom() - 22.0);
    painter.text(at, Align2::RIGHT_CENTER, version, theme::font(12.0), theme::MUTED);
}

//! The panel of recorded rounds: which there are, and a button to watch each.

use std::time::{SystemTime, UNIX_EPOCH};

use bevy_egui::egui::{Align, Layout, ScrollArea, Ui, vec2};
use presentation::words;
use shared::api::ReplaySummary;
use shared::sim::Mode;

use crate::lobby::Lobby;
use crate::replay_list::{ReplayWish, Replays};
use crate::ui::{hud, theme, widgets};

pub(super) fn panel(
    ui: &mut Ui,
    height: f32,
    replays: &Replays,
    lobby: &Lobby,
    asked: &mut Vec<ReplayWish>,
) {
    asked.push(ReplayWish::See);
    head(ui, replays, asked);
    filter(ui, replays, lobby, asked);
    ui.add_space(4.0);
    if let Some(trouble) = &replays.trouble {
        ui.label(theme::muted(&trouble.text));
        if widgets::secondary(ui, "Try again").clicked() {
            let is_first = replays.found.is_none();
            asked.push(if is_first { ReplayWish::Refresh } else { ReplayWish::Older });
        }
    }
    match &replays.found {
        None if replays.trouble.is_some() => {}
        None => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(theme::muted("Asking the server…"));
            });
        }
        Some(found) if found.is_empty() => {
            let text = "No round of this kind was recorded yet. Each one is, as soon as it ends.";
            ui.label(theme::muted(text));
        }
        Some(found) => {
            let height = (height - 150.0).max(120.0);
            let area = ScrollArea::vertical().max_height(height).min_scrolled_height(height);
            area.show(ui, |ui| {
                let now_ms = now_ms();
                for replay in found {
                    one(ui, replay, now_ms, asked);
                }
                if replays.next.is_some() && !replays.is_asking {
                    ui.add_space(4.0);
                    if widgets::secondary(ui, "Older rounds").clicked() {
                        asked.push(ReplayWish::Older);
                    }
                }
            });
        }
    }
}

fn head(ui: &mut Ui, replays: &Replays, asked: &mut Vec<ReplayWish>) {
    ui.horizontal(|ui| {
        ui.label(theme::heading("Recorded rounds", 20.0));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_enabled_ui(!replays.is_asking, |ui| {
                if widgets::secondary_sized(ui, "Refresh", vec2(76.0, 32.0)).clicked() {
                    asked.push(ReplayWish::Refresh);
                }
            });
        });
    });
}

fn filter(ui: &mut Ui, replays: &Replays, lobby: &Lobby, asked: &mut Vec<ReplayWish>) {
    let mut modes = vec![(None, "All")];
    modes.extend(Mode::ALL.map(|mode| (Some(mode), mode.title())));
    if let Some(mode) = widgets::segments(ui, &modes, replays.mode) {
        asked.push(ReplayWish::OfMode(mode));
    }
    // Who is nobody yet has played nothing.
    if lobby.session().is_some() {
        widgets::labelled(ui, "Only rounds that I played", |ui| {
            let mut own = replays.own;
            if widgets::switch(ui, &mut own).changed() {
                asked.push(ReplayWish::Own(own));
            }
        });
    }
}

fn one(ui: &mut Ui, replay: &ReplaySummary, now_ms: u64, asked: &mut Vec<ReplayWish>) {
    theme::chip().fill(theme::FIELD).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let title = title(replay);
                let font = theme::bold(14.0);
                let title = hud::elided(ui.painter(), &title, &font, ui.available_width() - 96.0);
                ui.label(theme::heading(title, 14.0));
                // Clocks differ: a round from the future has just been played.
                let when = words::ago(now_ms.saturating_sub(replay.started_at_ms) / 1_000);
                let long = words::clock_of_ticks(replay.ticks.into());
                ui.label(theme::small(format!("{when} · {long} · {}", words::bytes(replay.bytes))));
                ui.label(theme::small(company(replay)));
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if widgets::secondary_sized(ui, "Play", vec2(72.0, 32.0)).clicked() {
                    asked.push(ReplayWish::Play(Box::new(replay.clone())));
                }
            });
        });
    });
}

fn title(replay: &ReplaySummary) -> String {
    let mode = replay.mode.title();
    match replay.players.first() {
        Some(best) => format!("{mode} · {} won with {}", best.name, words::signed(best.points)),
        None => mode.to_owned(),
    }
}

fn company(replay: &ReplaySummary) -> String {
    let all = replay.players.len();
    let people = replay.players.iter().filter(|player| !player.bot).count();
    let cut = if replay.complete { "" } else { " · cut short" };
    match people {
        0 => format!("{all} bots{cut}"),
        _ => format!("{people} of {all} are people{cut}"),
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

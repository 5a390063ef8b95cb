//! The panel of recorded rounds: the list, and a button to watch each round.

use std::time::Instant;

use bevy_egui::egui::{Align, Layout, Ui, vec2};
use presentation::words;
use shared::api::ReplaySummary;
use shared::sim::Mode;

use super::tabs::not_understood;
use crate::lobby::Lobby;
use crate::replay_list::{ReplayIntent, Replays};
use crate::ui::text::elided;
use crate::ui::{theme, widgets};

pub(super) fn panel(
    ui: &mut Ui,
    replays: &Replays,
    lobby: &Lobby,
    intents: &mut Vec<ReplayIntent>,
) {
    intents.push(ReplayIntent::Show);
    head(ui, replays, intents);
    filter(ui, replays, lobby, intents);
    ui.add_space(4.0);
    if let Some(error) = &replays.error {
        ui.label(theme::muted(&error.text));
        if widgets::secondary(ui, "Try again").clicked() {
            let is_first = replays.found.is_none();
            intents.push(if is_first { ReplayIntent::Refresh } else { ReplayIntent::Older });
        }
    }
    match &replays.found {
        None if replays.error.is_some() => {}
        None => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(theme::muted("Waiting for the server…"));
            });
        }
        Some(found) if found.is_empty() => {
            let text =
                "No round of this kind was recorded yet. Each round appears here when it ends.";
            ui.label(theme::muted(text));
        }
        Some(found) => {
            let now_ms = replays.server_now_ms(Instant::now());
            for replay in found {
                one(ui, replay, now_ms, intents);
            }
            not_understood(ui, replays.not_understood, "recording", "recordings");
            if replays.next.is_some() && !replays.is_loading {
                ui.add_space(4.0);
                if widgets::secondary(ui, "Older rounds").clicked() {
                    intents.push(ReplayIntent::Older);
                }
            }
        }
    }
}

fn head(ui: &mut Ui, replays: &Replays, intents: &mut Vec<ReplayIntent>) {
    ui.horizontal(|ui| {
        ui.label(theme::heading("Recorded rounds", 20.0));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_enabled_ui(!replays.is_loading, |ui| {
                if widgets::secondary_sized(ui, "Refresh", vec2(76.0, 32.0)).clicked() {
                    intents.push(ReplayIntent::Refresh);
                }
            });
        });
    });
}

fn filter(ui: &mut Ui, replays: &Replays, lobby: &Lobby, intents: &mut Vec<ReplayIntent>) {
    let mut modes = vec![(None, "All")];
    modes.extend(Mode::ALL.map(|mode| (Some(mode), mode.title())));
    if let Some(mode) = widgets::segments(ui, &modes, replays.mode) {
        intents.push(ReplayIntent::FilterMode(mode));
    }
    // Without a session there is no player to filter by.
    if lobby.session().is_some() {
        widgets::labelled(ui, "Only rounds that I played", |ui| {
            let mut own = replays.own;
            if widgets::switch(ui, &mut own).changed() {
                intents.push(ReplayIntent::FilterOwn(own));
            }
        });
    }
}

fn one(ui: &mut Ui, replay: &ReplaySummary, now_ms: Option<u64>, intents: &mut Vec<ReplayIntent>) {
    theme::chip().fill(theme::FIELD).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let title = title(replay);
                let font = theme::bold(14.0);
                let title = elided(ui.painter(), &title, &font, ui.available_width() - 96.0);
                ui.label(theme::heading(title, 14.0));
                // A server that does not tell its time has no ages.
                let age = now_ms.map(|now_ms| now_ms.saturating_sub(replay.started_at_ms) / 1_000);
                let when = age.map_or_else(|| "recorded".to_owned(), words::ago);
                let long = words::clock_of_ticks(replay.ticks.into());
                ui.label(theme::small(format!("{when} · {long} · {}", words::bytes(replay.bytes))));
                ui.label(theme::small(players_line(replay)));
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if widgets::secondary_sized(ui, "Play", vec2(72.0, 32.0)).clicked() {
                    intents.push(ReplayIntent::Play(Box::new(replay.clone())));
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

fn players_line(replay: &ReplaySummary) -> String {
    let all = replay.players.len();
    let people = replay.players.iter().filter(|player| !player.bot).count();
    let cut = if replay.complete { "" } else { " · cut short" };
    match people {
        0 => format!("{all} bots{cut}"),
        _ => format!("{people} of {all} players are people{cut}"),
    }
}

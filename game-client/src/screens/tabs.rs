//! The panels beside the menu: private rooms, practice, watching.

use std::time::Instant;

use bevy::prelude::Resource;
use bevy_egui::egui::{Align, Layout, Ui, vec2};
use presentation::words;
use shared::api::{RoomPhase, RoomSummary};
use shared::sim::{BotStrength, Mode};

use super::panels::Tab;
use super::settings::{self, SettingsParams};
use crate::input::bindings::{Action, Bindings};
use crate::input::key_names::KeyNames;
use crate::invite::Invitation;
use crate::lobby::{Intent, Lobby};
use crate::settings::Settings;
use crate::ui::{bidi, scoreboard, theme, widgets};

/// The modes with other players.
pub(super) const MODES: [Mode; 4] = [Mode::Brawl, Mode::Teams, Mode::Duel, Mode::Crowd];

/// The choices in the panels.
#[derive(Debug, Resource)]
pub(super) struct Choices {
    pub(super) quick_mode: Mode,
    private_mode: Mode,
    private_bots: Option<BotStrength>,
    strength: BotStrength,
    invitation: String,
    error: Option<String>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            quick_mode: Mode::Brawl,
            private_mode: Mode::Brawl,
            private_bots: Some(BotStrength::Keen),
            strength: BotStrength::Keen,
            invitation: String::new(),
            error: None,
        }
    }
}

pub(super) fn show(
    ui: &mut Ui,
    tab: Tab,
    params: &mut SettingsParams<'_>,
    lobby: &Lobby,
    choices: &mut Choices,
    intents: &mut Vec<Intent>,
) {
    match tab {
        Tab::None | Tab::Replays => {}
        Tab::Private => private(ui, &mut params.settings, lobby, choices, intents),
        Tab::Practice => {
            practice(ui, lobby, choices, intents);
            controls(ui, &params.bindings, &params.names);
        }
        Tab::Watch => watch(ui, lobby, intents),
        Tab::Settings => settings::panel(ui, params),
    }
}

fn private(
    ui: &mut Ui,
    settings: &mut Settings,
    lobby: &Lobby,
    choices: &mut Choices,
    intents: &mut Vec<Intent>,
) {
    scoreboard::title(ui, "Join friends", "");
    let field = widgets::field(ui, &mut choices.invitation, "Code or link", 200);
    let enter =
        field.lost_focus() && ui.input(|input| input.key_pressed(bevy_egui::egui::Key::Enter));
    let clicked = widgets::secondary(ui, "Join").clicked();
    if enter || clicked {
        match choices.invitation.parse::<Invitation>() {
            Ok(invitation) => {
                choices.error = None;
                if let Some(server) = invitation.server {
                    settings.visit(&server);
                }
                let join = Intent::Join(invitation.room);
                intents.push(match invitation.device_link {
                    Some(code) => Intent::LinkDevice { code, then: Box::new(join) },
                    None => join,
                });
            }
            Err(error) => choices.error = Some(error.to_string()),
        }
    }
    if let Some(error) = &choices.error {
        ui.label(theme::small(words::sentence(error)).color(theme::WARM));
    }
    ui.add_space(12.0);
    ui.separator();
    ui.add_space(4.0);
    scoreboard::title(ui, "Open a room", "It stays open between rounds");
    let modes = MODES.map(|mode| (mode, mode.title()));
    ui.label(theme::small("Rules"));
    if let Some(mode) = widgets::segments(ui, &modes, choices.private_mode) {
        choices.private_mode = mode;
    }
    if choices.private_mode.is_crowd() {
        let text = format!("Up to {} on one wide platform.", Mode::Crowd.seats());
        ui.label(theme::small(text));
    }
    ui.label(theme::small("Bots on free seats"));
    let bots = [
        (None, "None"),
        (Some(BotStrength::Gentle), "Gentle"),
        (Some(BotStrength::Keen), "Keen"),
        (Some(BotStrength::Fierce), "Fierce"),
    ];
    if let Some(strength) = widgets::segments(ui, &bots, choices.private_bots) {
        choices.private_bots = strength;
    }
    ui.add_space(4.0);
    ui.add_enabled_ui(!lobby.is_opening_room(), |ui| {
        if widgets::primary(ui, "Open the room", 40.0).clicked() {
            let (mode, bots) = (choices.private_mode, choices.private_bots);
            intents.push(Intent::OpenPrivateRoom { mode, bots });
        }
    });
    ui.label(theme::small("You get a code and a link to pass on. The room is not listed."));
}

fn practice(ui: &mut Ui, lobby: &Lobby, choices: &mut Choices, intents: &mut Vec<Intent>) {
    scoreboard::title(ui, "Practice", "Nothing is rated");
    let strengths = [
        (BotStrength::Gentle, "Gentle"),
        (BotStrength::Keen, "Keen"),
        (BotStrength::Fierce, "Fierce"),
    ];
    if let Some(strength) = widgets::segments(ui, &strengths, choices.strength) {
        choices.strength = strength;
    }
    let about = match choices.strength {
        BotStrength::Gentle => "Slow to react and poor at aiming. Find out what everything does.",
        BotStrength::Keen => "Fair opponents. They chase you and step out of the way.",
        BotStrength::Fierce => "Quick, accurate, and they know where the edge is.",
    };
    ui.label(theme::muted(about));
    ui.add_space(4.0);
    ui.add_enabled_ui(!lobby.is_opening_room(), |ui| {
        if widgets::primary(ui, "Start", 40.0).clicked() {
            intents.push(Intent::Practice(choices.strength));
        }
    });
}

/// What the keys do, with the names that they have on the player's keyboard.
fn controls(ui: &mut Ui, bindings: &Bindings, names: &KeyNames) {
    ui.add_space(8.0);
    ui.separator();
    let label = |action| names.label(bindings, action);
    let all = |actions: &[Action], between: &str| {
        actions.iter().map(|action| label(*action)).collect::<Vec<_>>().join(between)
    };
    let thrust = [Action::Up, Action::Left, Action::Down, Action::Right].map(label);
    let is_short = thrust.iter().all(|key| key.chars().count() == 1);
    let thrust = thrust.join(if is_short { "" } else { " " });
    for (keys, what) in [
        (thrust, "Thrust. You keep sliding."),
        ("Mouse".to_owned(), "Aim."),
        (label(Action::Pulse).into_owned(), "Pulse: a shot that pushes."),
        (label(Action::Shove).into_owned(), "Shove: a short, strong cone."),
        (label(Action::Dash).into_owned(), "Dash along your thrust."),
        (all(&[Action::Scoreboard, Action::Chat], " · "), "Scoreboard · chat."),
    ] {
        ui.horizontal_wrapped(|ui| {
            let cell = vec2(110.0, 20.0);
            let left = Layout::left_to_right(Align::Center);
            ui.allocate_ui_with_layout(cell, left, |ui| {
                ui.set_min_size(cell);
                ui.label(theme::heading(keys, 14.0));
            });
            ui.label(theme::muted(what));
        });
    }
}

fn watch(ui: &mut Ui, lobby: &Lobby, intents: &mut Vec<Intent>) {
    intents.push(Intent::ShowRooms);
    scoreboard::title(ui, "Rooms that play now", "");
    match &lobby.rooms {
        None if lobby.session().is_none() && !lobby.is_signing_in() => match &lobby.error {
            Some(error) => unavailable(ui, error),
            None => {
                ui.label(theme::muted("Enter a name first, then the rooms appear here."));
            }
        },
        None => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(theme::muted("Waiting for the server…"));
            });
        }
        Some(Err(error)) => unavailable(ui, &error.text),
        Some(Ok(list)) => {
            if let Some(age) = lobby.rooms_age(Instant::now()) {
                let text = format!("The server does not answer: this list is {age} s old.");
                ui.label(theme::small(text).color(theme::WARM));
            }
            if list.rooms.is_empty() && lobby.rooms_not_understood == 0 {
                ui.label(theme::muted("No room is open. Quick play opens one."));
            }
            for room in &list.rooms {
                one_room(ui, room, intents);
            }
            not_understood(ui, lobby.rooms_not_understood, "room", "rooms");
        }
    }
}

/// A hint that a newer server has more than this client understands.
pub(super) fn not_understood(ui: &mut Ui, count: usize, one: &str, many: &str) {
    if count > 0 {
        let what = if count == 1 { one } else { many };
        let text = format!("{count} {what} of a newer kind: update the game to see more.");
        ui.label(theme::small(text).color(theme::CHARGE));
    }
}

/// The list of rooms is not available.
fn unavailable(ui: &mut Ui, why: &str) {
    ui.label(theme::muted(why));
    ui.label(theme::small("The client tries again by itself."));
}

fn one_room(ui: &mut Ui, room: &RoomSummary, intents: &mut Vec<Intent>) {
    theme::chip().fill(theme::FIELD).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let phase = match room.phase {
                    RoomPhase::Waiting => "waiting",
                    RoomPhase::Playing => "playing",
                    RoomPhase::Summary => "between rounds",
                };
                ui.label(theme::heading(format!("{} · {}", room.mode.title(), room.id), 14.0));
                let people = match room.players {
                    1 => "1 player".to_owned(),
                    count => format!("{count} players"),
                };
                ui.label(theme::small(format!("{people} · {} bots · {phase}", room.bots)));
                if let Some((leader, points)) = &room.leader {
                    ui.label(theme::small(format!(
                        "{} leads with {}",
                        bidi::visual(leader.as_str()),
                        words::signed(points)
                    )));
                }
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if widgets::secondary_sized(ui, "Watch", vec2(76.0, 32.0)).clicked() {
                    intents.push(Intent::Watch(room.id.into()));
                }
                let is_free = (room.players as usize) < room.mode.seats();
                ui.add_enabled_ui(is_free, |ui| {
                    if widgets::secondary_sized(ui, "Join", vec2(64.0, 32.0)).clicked() {
                        intents.push(Intent::Join(room.id.into()));
                    }
                });
            });
        });
    });
}

//! The pause menu: the invitation, the settings and the way out. The round continues meanwhile.

use std::time::Instant;

use bevy_egui::egui::{Context, Order, Ui, vec2};
use shared::api::Role;

use super::panels::Overlay;
use super::settings::{self, SettingsParams};
use super::{invitation, summary};
use crate::lobby::{Intent, Lobby};
use crate::net::LeaveMode;
use crate::room::Room;
use crate::ui::{sheet, theme, widgets};

pub(super) fn show(
    context: &Context,
    overlay: &mut Overlay,
    room: &Room,
    lobby: &Lobby,
    params: &mut SettingsParams<'_>,
    intents: &mut Vec<Intent>,
) {
    match *overlay {
        Overlay::None => {}
        Overlay::Pause => sheet::centred(context, "pause", Order::Foreground, 320.0, |ui| {
            let server = lobby.address_for_links(&params.settings.server);
            menu(ui, overlay, room, lobby, server, intents);
        }),
        Overlay::Settings => {
            sheet::centred(context, "pause settings", Order::Foreground, 430.0, |ui| {
                if widgets::secondary(ui, "Back").clicked() || params.is_left(ui) {
                    *overlay = Overlay::Pause;
                }
                settings::panel(ui, params);
            });
        }
    }
}

fn menu(
    ui: &mut Ui,
    overlay: &mut Overlay,
    room: &Room,
    lobby: &Lobby,
    server: &str,
    intents: &mut Vec<Intent>,
) {
    let mode = room.mode.map_or("Room", shared::sim::Mode::title);
    ui.label(theme::heading(format!("{mode} · {}", room.id), 20.0));
    match &room.result {
        Some(result) => {
            let left = summary::seconds_left(result);
            ui.label(theme::small(format!("The next round begins in {left:.0} s.")));
        }
        None => {
            ui.label(theme::small("The round continues meanwhile."));
        }
    }
    ui.add_space(4.0);
    if widgets::primary(ui, "Continue", 40.0).clicked() {
        *overlay = Overlay::None;
    }
    let size = vec2(ui.available_width(), 36.0);
    if let Some(result) = room.result.as_ref().filter(|_| summary::may_vote(room, lobby)) {
        summary::vote(ui, result, size, intents);
    }
    if let Some((seat, text)) = lobby.waiting_seat(Instant::now())
        && room.role == Role::Spectator
        && widgets::filled(ui, &text, size, (theme::GOOD, theme::INK)).clicked()
    {
        *overlay = Overlay::None;
        intents.push(Intent::Join(seat));
    }
    invitation::buttons(ui, room, server);
    if widgets::secondary(ui, "Settings").clicked() {
        *overlay = Overlay::Settings;
    }
    if widgets::secondary(ui, "Leave the room").clicked() {
        *overlay = Overlay::None;
        intents.push(Intent::Leave(LeaveMode::GiveUpSeat));
    }
}

//! The pause menu: the invitation, the settings and the way out. The round continues meanwhile.

use bevy_egui::egui::{Align2, Area, Context, Id, Order, Ui, vec2};

use super::panels::{Overlay, Rebinding};
use super::settings;
use crate::input::bindings::Bindings;
use crate::invite::Invitation;
use crate::lobby::Intent;
use crate::net::LeaveMode;
use crate::room::Room;
use crate::settings::Settings;
use crate::ui::{theme, widgets};

pub(super) fn show(
    context: &Context,
    overlay: &mut Overlay,
    room: &Room,
    settings: &mut Settings,
    bindings: &mut Bindings,
    rebinding: &mut Rebinding,
    intents: &mut Vec<Intent>,
) {
    if *overlay == Overlay::None {
        return;
    }
    let screen = context.content_rect();
    let area = Area::new(Id::new("pause")).anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0));
    area.order(Order::Foreground).show(context, |ui| {
        theme::panel().show(ui, |ui| match overlay {
            Overlay::None => {}
            Overlay::Pause => {
                ui.set_width(320.0);
                menu(ui, overlay, room, &settings.server, intents);
            }
            Overlay::Settings => {
                ui.set_width(430.0);
                settings::panel(ui, screen.height() - 190.0, settings, bindings, rebinding);
                if widgets::secondary(ui, "Back").clicked() || settings::is_left(ui, rebinding) {
                    *overlay = Overlay::Pause;
                }
            }
        });
    });
}

fn menu(ui: &mut Ui, overlay: &mut Overlay, room: &Room, server: &str, intents: &mut Vec<Intent>) {
    let mode = room.mode.map_or("Room", shared::sim::Mode::title);
    ui.label(theme::heading(format!("{mode} · {}", room.id), 20.0));
    ui.label(theme::small("The round continues meanwhile."));
    ui.add_space(4.0);
    if widgets::primary(ui, "Continue", 40.0).clicked() {
        *overlay = Overlay::None;
    }
    invite(ui, room, server);
    if widgets::secondary(ui, "Settings").clicked() {
        *overlay = Overlay::Settings;
    }
    if widgets::secondary(ui, "Leave the room").clicked() {
        *overlay = Overlay::None;
        intents.push(Intent::Leave(LeaveMode::GiveUpSeat));
    }
}

/// The buttons that copy the link and the code of the room.
pub(super) fn invite(ui: &mut Ui, room: &Room, server: &str) {
    ui.horizontal(|ui| {
        let half = vec2((ui.available_width() - 8.0) / 2.0, 36.0);
        if widgets::secondary_sized(ui, "Copy link", half).clicked() {
            ui.ctx().copy_text(Invitation::link(room.id, server));
        }
        if widgets::secondary_sized(ui, &format!("Copy code {}", room.id), half).clicked() {
            ui.ctx().copy_text(room.id.to_string());
        }
    });
}

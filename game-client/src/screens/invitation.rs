//! The invitation to a room: the buttons that copy its link and its code.

use bevy_egui::egui::{Ui, vec2};

use crate::address;
use crate::invite::Invitation;
use crate::room::Room;
use crate::ui::{theme, widgets};

/// The buttons that copy the link and the code of the room.
pub(super) fn buttons(ui: &mut Ui, room: &Room, server: &str) {
    ui.horizontal(|ui| {
        let half = vec2((ui.available_width() - 8.0) / 2.0, 36.0);
        if widgets::secondary_sized(ui, "Copy link", half).clicked() {
            ui.ctx().copy_text(Invitation::link(room.address, server));
        }
        if widgets::secondary_sized(ui, &format!("Copy code {}", room.id), half).clicked() {
            ui.ctx().copy_text(room.id.to_string());
        }
    });
    if address::is_this_machine(server) {
        ui.label(theme::small("The link works on this machine only: the server is here."));
    }
}

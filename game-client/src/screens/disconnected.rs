//! The panel about a link that is not open: what is wrong, and what happens next.

use bevy_egui::egui::{Align2, Area, Context, Id, Order, vec2};

use crate::lobby::Intent;
use crate::net::{LeaveMode, LinkState};
use crate::ui::{theme, widgets};

/// The server is called silent after this time without a snapshot.
const SILENT_MS: f64 = 1_000.0;

/// Draws the state of a link that is not open. `has_been_open`: this is not the first attempt to connect.
pub(super) fn show(
    context: &Context,
    state: &LinkState,
    has_been_open: bool,
    silence_ms: f64,
    intents: &mut Vec<Intent>,
) {
    let broken = if has_been_open { "Connection lost" } else { "Not connected yet" };
    let (title, text, ink) = match state {
        LinkState::Open if silence_ms < SILENT_MS || !has_been_open => return,
        LinkState::Open => (
            "The server is silent",
            "Nothing has arrived for a second. Hold on.".to_owned(),
            theme::CHARGE,
        ),
        LinkState::Connecting { attempt: 1 } if !has_been_open => {
            ("Taking a seat", "Connecting to the room…".to_owned(), theme::MUTED)
        }
        LinkState::Connecting { attempt } => {
            (broken, format!("Connecting again: attempt {attempt}…"), theme::WARM)
        }
        LinkState::Lost { error, retry_at } => {
            let wait = retry_at.saturating_duration_since(std::time::Instant::now()).as_secs_f32();
            (broken, format!("{} Next attempt in {wait:.1} s.", error.text), theme::WARM)
        }
        LinkState::Ended { error } => ("Disconnected", error.text.clone(), theme::WARM),
    };
    let top = if context.content_rect().height() < 420.0 { 12.0 } else { 110.0 };
    let area = Area::new(Id::new("link")).anchor(Align2::CENTER_TOP, vec2(0.0, top));
    area.order(Order::Foreground).show(context, |ui| {
        let line = bevy_egui::egui::Stroke::new(1.5, ink.gamma_multiply(0.8));
        theme::panel().stroke(line).show(ui, |ui| {
            ui.set_width(380.0_f32.min(context.content_rect().width() - 48.0).max(120.0));
            ui.vertical_centered(|ui| {
                ui.label(theme::heading(title, 20.0).color(ink));
                ui.label(theme::text(text));
                if *state != LinkState::Open {
                    let kept = "The server keeps your seat for half a minute.";
                    if has_been_open {
                        ui.label(theme::small(kept));
                    }
                    ui.add_space(4.0);
                    if widgets::secondary(ui, "Back to the menu").clicked() {
                        intents.push(Intent::Leave(LeaveMode::KeepSeat));
                    }
                }
            });
        });
    });
}

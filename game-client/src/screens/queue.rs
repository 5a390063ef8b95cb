//! The screen of the search for a match: its state, its duration, and a way to cancel.

use bevy::prelude::{MessageWriter, Res};
use bevy_egui::egui::{Key, Order, Sense, Ui, vec2};
use bevy_egui::{EguiContexts, egui};
use presentation::words;
use shared::api::MatchState;

use crate::lobby::{Intent, Lobby, Search};
use crate::ui::{sheet, theme, widgets};

pub(super) fn show(
    mut contexts: EguiContexts<'_, '_>,
    lobby: Res<Lobby>,
    mut intents: MessageWriter<Intent>,
) -> bevy::prelude::Result {
    let context = contexts.ctx_mut()?;
    let Some(search) = lobby.search() else { return Ok(()) };
    let mut cancel = context.input(|input| input.key_pressed(Key::Escape));
    sheet::centred(context, "queue", Order::Middle, 380.0, |ui| {
        ui.vertical_centered(|ui| {
            ui.add_space(4.0);
            ui.label(theme::heading(format!("Searching for a {}", search.mode.title()), 20.0));
            spinner(ui);
            let waited = search.since.elapsed().as_secs_f64().floor();
            ui.label(theme::heading(words::clock_rounded_up(waited), 28.0));
            ui.add_space(4.0);
            state(ui, search);
            ui.add_space(8.0);
            cancel |= widgets::secondary(ui, "Cancel").clicked();
        });
    });
    if cancel {
        intents.write(Intent::CancelSearch);
    }
    Ok(())
}

fn state(ui: &mut Ui, search: &Search) {
    if let Some(error) = &search.error {
        ui.label(theme::text(&error.text).color(theme::WARM));
        ui.label(theme::small("Your place is kept. The client tries again."));
        return;
    }
    match &search.state {
        Some(MatchState::Waiting { full: true, .. }) => {
            ui.label(theme::text("The server opens no more rooms now").color(theme::WARM));
            ui.label(theme::muted("You get the next free seat. Another mode may have one."));
        }
        Some(MatchState::Waiting { window, in_queue, bots_in_s, .. }) => {
            let others = match in_queue.saturating_sub(1) {
                0 => "No other player waits yet".to_owned(),
                1 => "One other player waits".to_owned(),
                others => format!("{others} other players wait"),
            };
            ui.label(theme::text(others));
            ui.label(theme::muted(format!("Rating within {window} of yours")));
            let bots = match bots_in_s {
                0 => "Bots fill the seats now".to_owned(),
                1 => "Bots fill the seats in a second".to_owned(),
                seconds => format!("Bots fill the seats in {seconds} seconds"),
            };
            ui.label(theme::muted(bots));
        }
        Some(MatchState::Matched { .. }) => {
            ui.label(theme::text("Match found. Taking a seat…").color(theme::GOOD));
        }
        None => {
            ui.label(theme::muted("Waiting for the server…"));
        }
    }
}

/// Two discs that circle each other.
fn spinner(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(90.0, 74.0), Sense::hover());
    #[expect(clippy::cast_possible_truncation, reason = "seconds for a turn")]
    let turn = (ui.input(|input| input.time) * 2.2) as f32;
    ui.painter().circle_stroke(rect.center(), 24.0, egui::Stroke::new(1.5, theme::LINE));
    for (offset, colour) in
        [(0.0, theme::WARM), (core::f32::consts::PI, egui::Color32::from_rgb(47, 125, 225))]
    {
        let at = rect.center() + vec2((turn + offset).cos(), (turn + offset).sin()) * 24.0;
        ui.painter().circle_filled(at, 9.0, colour);
        ui.painter().circle_stroke(at, 9.0, egui::Stroke::new(1.5, theme::TEXT));
    }
}

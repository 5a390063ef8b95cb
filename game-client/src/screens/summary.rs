//! The result of a round: the places, the change of the rating, and the vote for another round.

use std::time::Instant;

use bevy_egui::egui::{Context, Order, Ui, Vec2, vec2};
use presentation::words;
use shared::api::Role;
use shared::id::PlayerId;
use shared::protocol::{PlayerResult, Ratings};
use shared::sim::{Mode, Slot};

use super::invitation;
use crate::lobby::{Intent, Lobby};
use crate::net::LeaveMode;
use crate::room::{Room, RoundResult};
use crate::settings::{PaletteChoice, Settings};
use crate::ui::{scoreboard, sheet, theme, widgets};

pub(super) fn show(
    context: &Context,
    room: &Room,
    result: &RoundResult,
    lobby: &Lobby,
    settings: &Settings,
    intents: &mut Vec<Intent>,
) {
    sheet::centred(context, "summary", Order::Middle, 620.0, |ui| {
        let places = &result.summary.results;
        let own_place = own_place(result, lobby.session().map(|session| session.player));
        heading(ui, room, result, own_place);
        ui.add_space(4.0);
        let rows = scoreboard::finished(places, result.summary.ratings);
        let own_slot: Option<Slot> = own_place.map(|place| places[place].slot);
        table(ui, &rows, own_slot, settings.palette);
        ui.add_space(6.0);
        buttons(ui, room, result, may_vote(room, lobby), intents);
        if room.is_private {
            invitation::buttons(ui, room, lobby.address_for_links(&settings.server));
        }
    });
}

fn own_place(result: &RoundResult, own: Option<PlayerId>) -> Option<usize> {
    result.summary.results.iter().position(|place| Some(place.player) == own)
}

/// Whether the player can vote for another round now.
pub(super) fn may_vote(room: &Room, lobby: &Lobby) -> bool {
    let own = lobby.session().map(|session| session.player);
    let has_played = room.result.as_ref().is_some_and(|result| own_place(result, own).is_some());
    room.is_open() && (has_played || (is_crowd(room) && room.role == Role::Player))
}

/// Seconds until the next round.
pub(super) fn seconds_left(result: &RoundResult) -> f32 {
    result.next_at.saturating_duration_since(Instant::now()).as_secs_f32().ceil()
}

/// The button that votes for another round, or takes the vote back.
pub(super) fn vote(ui: &mut Ui, result: &RoundResult, size: Vec2, intents: &mut Vec<Intent>) {
    let left = seconds_left(result);
    let (text, wanted, colours) = match result.rematch {
        Some(true) => (format!("Ready · {left:.0} s"), false, (theme::GOOD, theme::INK)),
        Some(false) | None => (format!("Rematch · {left:.0} s"), true, (theme::WARM, theme::INK)),
    };
    if widgets::filled(ui, &text, size, colours).clicked() {
        intents.push(Intent::Rematch(wanted));
    }
}

fn table(ui: &mut Ui, rows: &[scoreboard::Row], own: Option<Slot>, colours: PaletteChoice) {
    let height = (ui.ctx().content_rect().height() - 260.0).max(90.0);
    bevy_egui::egui::ScrollArea::vertical()
        .max_height(height)
        .min_scrolled_height(height)
        .show(ui, |ui| scoreboard::table(ui, rows, own, colours));
}

fn is_crowd(room: &Room) -> bool {
    room.mode.is_some_and(Mode::is_crowd)
}

/// The own score, for a player who is not among the best of a crowd.
fn own_score(room: &Room) -> Option<String> {
    let own = room.game.confirmed_world()?.disc(room.game.seat()?)?;
    let points = if own.points == 1 { "point" } else { "points" };
    let falls = if own.falls == 1 { "fall" } else { "falls" };
    Some(format!("You: {} {points}, {} {falls}", own.points, own.falls))
}

fn heading(ui: &mut Ui, room: &Room, result: &RoundResult, own_place: Option<usize>) {
    let places = &result.summary.results;
    let title = match (own_place, places.first()) {
        (Some(0), _) => "You won the round".to_owned(),
        (Some(place), _) => format!("You came {}", words::ordinal(place + 1)),
        (None, Some(first)) => format!("{} won the round", first.name),
        (None, None) => "The round is over".to_owned(),
    };
    let score = || own_score(room).filter(|_| is_crowd(room) && own_place.is_none());
    let own = own_place.map(|place| &places[place]);
    let remark = remark(result.summary.ratings, room.is_private, own).or_else(score);
    let remark = remark.unwrap_or_default();
    scoreboard::title(ui, &title, &words::signed(remark));
}

/// What the round did to the own rating, in a few words.
fn remark(ratings: Ratings, is_private: bool, own: Option<&PlayerResult>) -> Option<String> {
    match ratings {
        Ratings::Settled => own.map(|own| {
            let rating = words::rating(own.rating, own.provisional);
            format!("Rating {rating} ({:+})", own.rating_change)
        }),
        Ratings::Pending => own.map(|_| "Your new rating follows".to_owned()),
        Ratings::Unrated => is_private.then(|| "Private rooms are unrated".to_owned()),
    }
}

fn buttons(ui: &mut Ui, room: &Room, result: &RoundResult, votes: bool, intents: &mut Vec<Intent>) {
    ui.horizontal(|ui| {
        let half = vec2((ui.available_width() - 8.0) / 2.0, 40.0);
        if votes {
            vote(ui, result, half, intents);
        } else {
            ui.allocate_ui(half, |ui| {
                ui.set_min_size(half);
                let left = seconds_left(result);
                let text = if room.is_open() {
                    format!("The next round begins in {left:.0} s")
                } else {
                    "The connection is away".to_owned()
                };
                ui.label(theme::muted(text));
            });
        }
        if widgets::secondary_sized(ui, "Leave the room", half).clicked() {
            intents.push(Intent::Leave(LeaveMode::GiveUpSeat));
        }
    });
}

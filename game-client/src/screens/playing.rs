//! The screen of a room: the panels over the picture.

use bevy::ecs::system::SystemParam;
use bevy::input::ButtonInput;
use bevy::input::keyboard::KeyCode;
use bevy::input::mouse::MouseButton;
use bevy::math::Vec2;
use bevy::prelude::{Local, MessageWriter, Real, Res, ResMut, Single, Time, Window, With};
use bevy::window::PrimaryWindow;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Align2, Area, Context, Id, Order, vec2};
use shared::api::Role;
use shared::protocol::chat::ChatChannel;
use shared::sim::{Mode, Slot};

use super::panels::Overlay;
use super::rebinding::Rebinding;
use super::settings::SettingsParams;
use super::{disconnected, pause, summary};
use crate::chat::Chat;
use crate::frame::RenderState;
use crate::input::Controls;
use crate::input::bindings::{Action, Bindings};
use crate::lobby::{Intent, Lobby, Screen};
use crate::net::{ChatRequest, Net};
use crate::prediction::ticks_from_seconds;
use crate::room::Room;
use crate::scene::{Labels, OwnFall, View};
use crate::settings::Settings;
use crate::ui::chat::{Draft, Outcome};
use crate::ui::kill_feed::KillFeed;
use crate::ui::net_graph::NetGraph;
use crate::ui::{UiCapture, chat, cooldowns, crowd, hud, kill_feed, net_graph, scoreboard, theme};
use crate::world_to_scene::SceneWorld;

/// The rows of the scoreboard. More do not fit.
const ROWS_MAX: usize = 16;
/// The height of everything but the rows of the scoreboard, and of a row, in points.
const AROUND_ROWS: f32 = 130.0;
const ROW: f32 = 30.0;
/// A spectator follows the disc that is clicked within this distance of its centre, in logical pixels…
const PICK_PIXELS: f32 = 22.0;
/// …and at least in units.
const PICK_UNITS: f32 = 36.0;

/// Aims with the mouse, opens and closes the panels over the round, and decides whether the round gets the keys.
pub(super) fn control(
    screen: Res<bevy::prelude::State<Screen>>,
    mut room: Option<ResMut<Room>>,
    render: Res<RenderState>,
    view: Res<View>,
    capture: Res<UiCapture>,
    bindings: Res<Bindings>,
    keys: Res<ButtonInput<KeyCode>>,
    mouse: Res<ButtonInput<MouseButton>>,
    window: Single<&Window, With<PrimaryWindow>>,
    mut controls: ResMut<Controls>,
    mut overlay: ResMut<Overlay>,
    mut draft: ResMut<Draft>,
    rebinding: Res<Rebinding>,
    mut had_result: Local<bool>,
) {
    let Some(room) = room.as_mut().filter(|_| *screen.get() == Screen::Playing) else {
        *overlay = Overlay::None;
        controls.blocked = true;
        return;
    };
    // The result is not covered by a menu that was open before.
    let has_result = room.result.is_some();
    if core::mem::replace(&mut *had_result, has_result) != has_result && *overlay == Overlay::Pause
    {
        *overlay = Overlay::None;
    }
    if !draft.is_open && !capture.keyboard && !rebinding.is_waiting() {
        let is_chat = bindings.of(Action::Chat).into_iter().flatten();
        if is_chat.into_iter().any(|binding| binding.just_pressed(&keys, &mouse))
            && *overlay == Overlay::None
        {
            let has_teams = room.mode.is_some_and(Mode::has_teams);
            let shift = keys.any_pressed([KeyCode::ShiftLeft, KeyCode::ShiftRight]);
            draft.open(shift && has_teams && room.game.seat().is_some());
        } else if keys.just_pressed(KeyCode::Escape) {
            *overlay = match *overlay {
                Overlay::None => Overlay::Pause,
                Overlay::Pause => Overlay::None,
                Overlay::Settings => Overlay::Settings,
            };
        }
    }
    controls.blocked = draft.is_open
        || *overlay != Overlay::None
        || capture.keyboard
        || capture.mouse
        || !room.is_open();
    let own = room.game.seat().and_then(|seat| render.scene.as_ref()?.disc(seat));
    let aim = own.and_then(|own| Some(view.position_at(window.cursor_position()?) - own.position));
    controls.aim_along(aim);
    let clicked = mouse.just_pressed(MouseButton::Left) && !capture.mouse;
    if room.role == Role::Spectator && clicked && *overlay == Overlay::None {
        let place = window.cursor_position().map(|pixel| view.position_at(pixel));
        room.watched = place.and_then(|place| disc_at(&render, place, PICK_PIXELS * view.scale));
    }
}

/// The disc nearest to a place, if one is within reach.
fn disc_at(render: &RenderState, place: Vec2, reach: f32) -> Option<Slot> {
    let standing = render.scene.iter().flat_map(|scene| &scene.discs).filter(|disc| disc.standing);
    let away = standing.map(|disc| (disc.position.distance(place), disc.slot));
    let nearest = away.min_by(|(a, _), (b, _)| a.total_cmp(b));
    nearest.filter(|(away, _)| *away < reach.max(PICK_UNITS)).map(|(_, slot)| slot)
}

/// What the panels read.
#[derive(SystemParam)]
pub(super) struct PanelData<'w> {
    room: Res<'w, Room>,
    render: Res<'w, RenderState>,
    view: Res<'w, View>,
    lobby: Res<'w, Lobby>,
    labels: Res<'w, Labels>,
    feed: Res<'w, KillFeed>,
    fall: Res<'w, OwnFall>,
    chat: Res<'w, Chat>,
    controls: Res<'w, Controls>,
    graph: Res<'w, NetGraph>,
    time: Res<'w, Time<Real>>,
}

pub(super) fn show(
    mut contexts: EguiContexts<'_, '_>,
    data: PanelData<'_>,
    mut params: SettingsParams<'_>,
    mut overlay: ResMut<Overlay>,
    mut draft: ResMut<Draft>,
    net: Res<Net>,
    mut writer: MessageWriter<Intent>,
) -> bevy::prelude::Result {
    let context = contexts.ctx_mut()?;
    let mut intents: Vec<Intent> = Vec::new();
    let now = ticks_from_seconds(data.time.elapsed_secs_f64());
    let ms = |ticks: f64| ticks * 1_000.0 / 60.0;
    round_panels(context, &data, &params);
    chat_panel(context, &data, &mut params.settings, &mut draft, &net);
    let settings = &params.settings;
    if let Some(result) = &data.room.result {
        // A menu takes the place of the result: two panels would cover each other.
        if *overlay == Overlay::None {
            summary::show(context, &data.room, result, &data.lobby, settings, &mut intents);
        }
    } else if data.controls.scoreboard {
        scoreboard_panel(context, &data, settings);
    }
    let has_been_open = data.room.mode.is_some();
    if settings.show_link && has_been_open && data.room.result.is_none() {
        hud::link(context, data.room.round_trip_ms, ms(data.room.game.snapshot_age(now)));
    }
    net_graph::show(context, &data.graph);
    // While a result is shown, no snapshots arrive.
    let is_over = data.room.result.is_some();
    let silence = if is_over { 0.0 } else { ms(data.room.game.silence(now)) };
    disconnected::show(context, &data.room.state, has_been_open, silence, &mut intents);
    pause::show(context, &mut overlay, &data.room, &data.lobby, &mut params, &mut intents);
    writer.write_batch(intents);
    Ok(())
}

fn round_panels(context: &Context, data: &PanelData<'_>, params: &SettingsParams<'_>) {
    let settings = &params.settings;
    if data.room.result.is_some() {
        return;
    }
    hud::names(context, &data.labels);
    let title = data.room.mode.map_or("", Mode::title);
    let fall = data.fall.credit();
    hud::round(context, &data.render, title, fall, settings.palette, data.controls.scoreboard);
    kill_feed::show(context, &data.feed, data.render.own, settings.palette);
    let own = data.render.own.and_then(|slot| data.render.scene.as_ref()?.disc(slot));
    if let Some(own) = own {
        cooldowns::show(context, own, &params.bindings, &params.names);
    }
    let is_wide = data.render.scene.as_ref().is_some_and(SceneWorld::is_wide);
    if is_wide && data.render.followed.is_some() {
        let lifted = net_graph::height(&data.graph);
        crowd::map(context, &data.render, &data.view, settings.palette, lifted);
    }
    if data.room.role == Role::Spectator && data.room.mode.is_some() {
        hud::watching(context, &watching(data));
    } else if data.room.is_private && data.room.mode != Some(Mode::Practice) {
        hud::watching(context, &format!("Private room {} · Esc for the link", data.room.id));
    } else if data.lobby.matched_full && data.room.game.rounds() <= 1 {
        hud::watching(context, "The server opens no more rooms: this one was running already");
    }
}

fn watching(data: &PanelData<'_>) -> String {
    let room = data.room.id;
    if let Some((_, text)) = data.lobby.waiting_seat(std::time::Instant::now()) {
        return format!("{text} · Esc");
    }
    match data.room.watched.and_then(|slot| data.render.roster.entry(slot)) {
        Some(entry) => {
            format!("You are watching {} in {room} · click on the ice to see all", entry.name)
        }
        None => format!("You are watching {room} · click on a disc to follow it · Esc to leave"),
    }
}

fn chat_panel(
    context: &Context,
    data: &PanelData<'_>,
    settings: &mut Settings,
    draft: &mut Draft,
    net: &Net,
) {
    let to_team = draft.to_team;
    match chat::show(context, &data.chat, draft, &settings.ignored) {
        Outcome::Nothing => {}
        Outcome::Ignore(player) => {
            if !settings.ignored.contains(&player) {
                settings.ignored.push(player);
            }
        }
        Outcome::Send(text) => {
            let room = data.room.id;
            let own = data.room.game.seat();
            let team = own.and_then(|slot| data.room.game.roster().entry(slot)).map(|own| own.team);
            let channel = match team {
                Some(team) if to_team => ChatChannel::Team { room, team },
                Some(_) | None => ChatChannel::Room { room },
            };
            net.request(ChatRequest::Send { channel, text });
        }
    }
}

/// The rows that fit into the window.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few rows")]
fn rows_max(context: &Context) -> usize {
    let fit = (context.content_rect().height() - AROUND_ROWS) / ROW;
    (fit.max(3.0) as usize).min(ROWS_MAX)
}

fn scoreboard_panel(context: &Context, data: &PanelData<'_>, settings: &Settings) {
    let Some(scene) = &data.render.scene else { return };
    let area = Area::new(Id::new("scoreboard")).anchor(Align2::CENTER_CENTER, vec2(0.0, -10.0));
    area.order(Order::Middle).interactable(false).show(context, |ui| {
        theme::panel().show(ui, |ui| {
            ui.set_width(560.0_f32.min(context.content_rect().width() - 64.0).max(120.0));
            let title = data.room.mode.map_or("Room", Mode::title);
            let (title, seats) = (title, data.render.roster.entries.len());
            let title =
                if scene.is_partial { format!("{title}: near you") } else { title.to_owned() };
            let remark = if seats > rows_max(context) {
                format!("Room {} · {seats} on the ice", data.room.id)
            } else {
                format!("Room {}", data.room.id)
            };
            scoreboard::title(ui, &title, &remark);
            let rows = scoreboard::running(scene, &data.render.roster);
            let rows = scoreboard::best(rows, data.render.own, rows_max(context));
            scoreboard::table(ui, &rows, data.render.own, settings.palette);
        });
    });
}

//! In a room: the picture with what stands over it.

use bevy::ecs::system::SystemParam;
use bevy::input::ButtonInput;
use bevy::input::keyboard::KeyCode;
use bevy::input::mouse::MouseButton;
use bevy::math::Vec2;
use bevy::prelude::{MessageWriter, Real, Res, ResMut, Single, Time, Window, With};
use bevy::window::PrimaryWindow;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Align2, Area, Context, Id, Order, vec2};
use shared::api::Role;
use shared::protocol::chat::ChatChannel;
use shared::sim::{Mode, Slot};

use super::{Overlay, Rebinding, disconnected, pause, summary};
use crate::chat::Chat;
use crate::input::{Action, Controls};
use crate::lobby::{Lobby, Screen, Wish};
use crate::net::{Net, Request};
use crate::prediction::ticks_of;
use crate::room::Room;
use crate::scene::{Labels, OwnFall, Stage, View};
use crate::settings::Settings;
use crate::space::Drawn;
use crate::ui::chat::{Draft, Outcome};
use crate::ui::kill_feed::KillFeed;
use crate::ui::net_graph::NetGraph;
use crate::ui::{UiTakes, chat, cooldowns, crowd, hud, kill_feed, net_graph, scoreboard, theme};

/// Rows of the table: more do not fit.
const ROWS_MAX: usize = 16;
/// Who watches follows the disc on which they click, so near to its middle, in logical pixels and in units at least.
const PICK_PIXELS: f32 = 22.0;
const PICK_UNITS: f32 = 36.0;

/// Aims with the mouse, opens and closes what lies over the round, and says who has the keys.
pub(super) fn steer(
    screen: Res<bevy::prelude::State<Screen>>,
    mut room: Option<ResMut<Room>>,
    stage: Res<Stage>,
    view: Res<View>,
    takes: Res<UiTakes>,
    settings: Res<Settings>,
    keys: Res<ButtonInput<KeyCode>>,
    mouse: Res<ButtonInput<MouseButton>>,
    window: Single<&Window, With<PrimaryWindow>>,
    mut controls: ResMut<Controls>,
    mut overlay: ResMut<Overlay>,
    mut draft: ResMut<Draft>,
) {
    let Some(room) = room.as_mut().filter(|_| *screen.get() == Screen::Playing) else {
        *overlay = Overlay::None;
        controls.taken = true;
        return;
    };
    if !draft.is_open && !takes.keys {
        let is_chat = settings.bindings.of(Action::Chat).into_iter().flatten();
        if is_chat.into_iter().any(|binding| binding.just_pressed(&keys, &mouse))
            && *overlay == Overlay::None
        {
            let has_teams = room.mode.is_some_and(Mode::has_teams);
            let shift = keys.any_pressed([KeyCode::ShiftLeft, KeyCode::ShiftRight]);
            draft.open(shift && has_teams && room.play.seat().is_some());
        } else if keys.just_pressed(KeyCode::Escape) {
            *overlay = match *overlay {
                Overlay::None => Overlay::Pause,
                Overlay::Pause => Overlay::None,
                Overlay::Settings => Overlay::Settings,
            };
        }
    }
    controls.taken =
        draft.is_open || *overlay != Overlay::None || takes.keys || takes.mouse || !room.is_open();
    let own = room.play.seat().and_then(|seat| stage.drawn.as_ref()?.disc(seat));
    let way = own.and_then(|own| Some(view.place_at(window.cursor_position()?) - own.position));
    controls.point(way);
    let clicked = mouse.just_pressed(MouseButton::Left) && !takes.mouse;
    if room.role == Role::Spectator && clicked && *overlay == Overlay::None {
        let place = window.cursor_position().map(|pixel| view.place_at(pixel));
        room.watched = place.and_then(|place| disc_at(&stage, place, PICK_PIXELS * view.scale));
    }
}

/// The disc nearest to a place, if one is near.
fn disc_at(stage: &Stage, place: Vec2, reach: f32) -> Option<Slot> {
    let standing = stage.drawn.iter().flat_map(|drawn| &drawn.discs).filter(|disc| disc.standing);
    let away = standing.map(|disc| (disc.position.distance(place), disc.slot));
    let nearest = away.min_by(|(a, _), (b, _)| a.total_cmp(b));
    nearest.filter(|(away, _)| *away < reach.max(PICK_UNITS)).map(|(_, slot)| slot)
}

/// Everything that the panels read.
#[derive(SystemParam)]
pub(super) struct Seen<'w> {
    room: Res<'w, Room>,
    stage: Res<'w, Stage>,
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
    seen: Seen<'_>,
    mut settings: ResMut<Settings>,
    mut overlay: ResMut<Overlay>,
    mut rebinding: ResMut<Rebinding>,
    mut draft: ResMut<Draft>,
    net: Res<Net>,
    mut wishes: MessageWriter<Wish>,
) -> bevy::prelude::Result {
    let context = contexts.ctx_mut()?;
    let mut asked = Vec::new();
    let now = ticks_of(seen.time.elapsed_secs_f64());
    let ms = |ticks: f64| ticks * 1_000.0 / 60.0;
    over_the_round(context, &seen, &settings);
    talk(context, &seen, &mut settings, &mut draft, &net);
    if let Some(result) = &seen.room.result {
        let own = seen.lobby.session().map(|session| session.player);
        summary::show(context, &seen.room, result, own, &settings, &mut asked);
    } else if seen.controls.scoreboard {
        table(context, &seen, &settings);
    }
    let has_been_open = seen.room.mode.is_some();
    if settings.show_link && has_been_open && seen.room.result.is_none() {
        hud::link(context, seen.room.round_trip_ms, ms(seen.room.play.snapshot_age(now)));
    }
    net_graph::show(context, &seen.graph);
    // While a result is shown the world stands still, and nothing comes.
    let is_over = seen.room.result.is_some();
    let silence = if is_over { 0.0 } else { ms(seen.room.play.silence(now)) };
    disconnected::show(context, &seen.room.state, has_been_open, silence, &mut asked);
    pause::show(context, &mut overlay, &seen.room, &mut settings, &mut rebinding, &mut asked);
    wishes.write_batch(asked);
    Ok(())
}

fn over_the_round(context: &Context, seen: &Seen<'_>, settings: &Settings) {
    if seen.room.result.is_some() {
        return;
    }
    hud::names(context, &seen.labels);
    let title = seen.room.mode.map_or("", Mode::title);
    let fall = seen.fall.credit();
    hud::round(context, &seen.stage, title, fall, settings.palette, seen.controls.scoreboard);
    kill_feed::show(context, &seen.feed, seen.stage.own, settings.palette);
    let own = seen.stage.own.and_then(|slot| seen.stage.drawn.as_ref()?.disc(slot));
    if let Some(own) = own {
        cooldowns::show(context, own, &settings.bindings);
    }
    let is_wide = seen.stage.drawn.as_ref().is_some_and(Drawn::is_wide);
    if is_wide && seen.stage.subject.is_some() {
        let lifted = net_graph::height(&seen.graph);
        crowd::map(context, &seen.stage, &seen.view, settings.palette, lifted);
    }
    if seen.room.role == Role::Spectator && seen.room.mode.is_some() {
        hud::watching(context, &watching(seen));
    } else if seen.room.is_private && seen.room.mode != Some(Mode::Practice) {
        hud::watching(context, &format!("Private room {} · Esc for the link", seen.room.id));
    }
}

fn watching(seen: &Seen<'_>) -> String {
    let room = seen.room.id;
    match seen.room.watched.and_then(|slot| seen.stage.roster.entry(slot)) {
        Some(entry) => {
            format!("You are watching {} in {room} · click on the ice to see all", entry.name)
        }
        None => format!("You are watching {room} · click on a disc to follow it · Esc to leave"),
    }
}

fn talk(context: &Context, seen: &Seen<'_>, settings: &mut Settings, draft: &mut Draft, net: &Net) {
    let to_team = draft.to_team;
    match chat::show(context, &seen.chat, draft, &settings.ignored) {
        Outcome::Nothing => {}
        Outcome::Ignore(player) => {
            if !settings.ignored.contains(&player) {
                settings.ignored.push(player);
            }
        }
        Outcome::Say(text) => {
            let room = seen.room.id;
            let own = seen.room.play.seat();
            let team = own.and_then(|slot| seen.room.play.roster().entry(slot)).map(|own| own.team);
            let channel = match team {
                Some(team) if to_team => ChatChannel::Team { room, team },
                Some(_) | None => ChatChannel::Room { room },
            };
            net.ask(Request::Say { channel, text });
        }
    }
}

fn table(context: &Context, seen: &Seen<'_>, settings: &Settings) {
    let Some(drawn) = &seen.stage.drawn else { return };
    let area = Area::new(Id::new("scoreboard")).anchor(Align2::CENTER_CENTER, vec2(0.0, -10.0));
    area.order(Order::Middle).interactable(false).show(context, |ui| {
        theme::panel().show(ui, |ui| {
            ui.set_width(560.0_f32.min(context.content_rect().width() - 64.0));
            let title = seen.room.mode.map_or("Room", Mode::title);
            let (title, seats) = (title, seen.stage.roster.entries.len());
            let title =
                if drawn.is_partial { format!("{title}: near you") } else { title.to_owned() };
            let remark = if seats > ROWS_MAX {
                format!("Room {} · {seats} on the ice", seen.room.id)
            } else {
                format!("Room {}", seen.room.id)
            };
            scoreboard::title(ui, &title, &remark);
            let rows = scoreboard::running(drawn, &seen.stage.roster);
            let rows = scoreboard::best(rows, seen.stage.own, ROWS_MAX);
            scoreboard::table(ui, &rows, seen.stage.own, settings.palette);
        });
    });
}

//! Everything before and after a room: the session, the search for a match, the list of rooms, entering and leaving.
//!
//! Screens write what a person wants as [`Intent`]s; the result is in the [`Lobby`]. Nothing here draws, so the client
//! also works without a window.

mod context;
mod poll_timer;
mod receive;
mod state;

use std::time::Instant;

use bevy::prelude::{
    App, AppExtStates as _, IntoScheduleConfigs as _, MessageReader, OnEnter, Plugin, Res, ResMut,
    State, SystemSet, Update,
};
use shared::api::{CreateRoom, Role};
use shared::protocol::ClientMessage;
use shared::sim::Mode;

use crate::frame::Phase;
use crate::net::{DirectoryRequest, LeaveMode, MatchmakingRequest, Net, RoomRequest};
use crate::room::Room;
use crate::settings::Settings;
use context::Context;

pub use state::{Account, Activity, Intent, Lobby, PendingSignIn, Screen, Search, SignedIn};

/// The systems that receive events and then apply intents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SystemSet)]
struct Changes;

/// Runs the lobby.
#[derive(Debug)]
pub struct LobbyPlugin;

impl Plugin for LobbyPlugin {
    fn build(&self, app: &mut App) {
        let receive = (
            receive::receive_session,
            receive::receive_directory,
            receive::receive_matchmaking,
            receive::receive_room,
            receive::receive_chat,
        );
        app.init_state::<Screen>()
            .init_resource::<Lobby>()
            .add_message::<Intent>()
            .add_systems(
                Update,
                (receive.chain(), apply_intents).chain().in_set(Phase::Receive).in_set(Changes),
            )
            .add_systems(OnEnter(Screen::Menu), look_for_seat_now)
            .add_systems(Update, look_for_seat.in_set(Phase::Receive).after(Changes));
    }
}

fn apply_intents(mut intents: MessageReader<Intent>, mut context: Context<'_, '_>) {
    for intent in intents.read() {
        if *intent == Intent::ShowRooms && !context.lobby.rooms_poll.is_due(Instant::now()) {
            continue;
        }
        let has_session = match intent {
            // Any session on the server can list the rooms.
            Intent::ShowRooms => context.lobby.server() == Some(&*context.settings.server),
            _ => context.lobby.is_signed_in(&context.settings),
        };
        if intent.needs_session() && !has_session {
            context.sign_in(intent);
        } else {
            apply(&mut context, intent);
        }
    }
}

fn apply(context: &mut Context<'_, '_>, intent: &Intent) {
    match intent {
        Intent::SignIn => {}
        Intent::LinkDevice { code, then } => context.link_device(code, then),
        Intent::RestoreIdentity(identity) => context.restore_identity(identity),
        Intent::QuickPlay(mode) => {
            let (mode, since) = (*mode, Instant::now());
            let search = Search { mode, since, state: None, error: None };
            context.lobby.set_activity(Activity::Searching(search));
            context.lobby.error = None;
            context.net.request(MatchmakingRequest::Start(mode));
            context.next_screen.set(Screen::Queue);
        }
        Intent::CancelSearch => {
            if context.lobby.search().is_some() {
                context.lobby.set_activity(Activity::Idle);
            }
            context.net.request(MatchmakingRequest::Cancel);
            context.next_screen.set(Screen::Menu);
        }
        Intent::OpenPrivateRoom { mode, bots } => {
            context.open_room(CreateRoom { mode: *mode, private: true, bots: *bots });
        }
        Intent::Practice(strength) => {
            let (mode, bots) = (Mode::Practice, Some(*strength));
            context.open_room(CreateRoom { mode, private: true, bots });
        }
        Intent::Join(room) => context.enter(*room, Role::Player),
        Intent::Watch(room) => context.enter(*room, Role::Spectator),
        Intent::ShowRooms => context.net.request(DirectoryRequest::List),
        Intent::Rematch(wanted) => {
            let room = context.room.as_mut();
            if let Some((link, result)) =
                room.and_then(|room| Some((room.link, room.result.as_mut()?)))
            {
                result.rematch = Some(*wanted);
                context.net.send(link, ClientMessage::Rematch { wanted: *wanted });
            }
        }
        Intent::GoHome => {
            context.settings.go_home();
            context.lobby.rejoin = None;
            context.sign_in(&Intent::SignIn);
        }
        Intent::Leave(mode) => {
            match mode {
                // A spectator who leaves gives up no seat.
                LeaveMode::GiveUpSeat if context.plays() => context.settings.last_seat = None,
                LeaveMode::GiveUpSeat => {}
                LeaveMode::KeepSeat => {
                    context.lobby.seat_left_at.get_or_insert_with(Instant::now);
                }
            }
            context.net.request(RoomRequest::Leave(*mode));
            context.go_to_menu();
        }
    }
}

/// In the menu the last seat is looked for at once: the server may still keep it.
fn look_for_seat_now(mut lobby: ResMut<Lobby>) {
    lobby.rejoin = None;
    lobby.seat_poll.poll_now();
}

/// Looks the room of the last seat up as long as the server keeps it, in the menu and while another room is watched.
fn look_for_seat(
    mut lobby: ResMut<Lobby>,
    settings: Res<Settings>,
    net: Res<Net>,
    screen: Res<State<Screen>>,
    room: Option<Res<Room>>,
) {
    let is_idle = match room {
        Some(room) => room.role == Role::Spectator,
        None => *screen.get() == Screen::Menu,
    };
    if !is_idle {
        return;
    }
    let Some(seat) = &settings.last_seat else { return };
    let is_here = seat.server == settings.server && lobby.server() == Some(&*seat.server);
    if is_here && lobby.seat_poll.is_due(Instant::now()) {
        net.request(DirectoryRequest::LookUp(seat.room));
    }
}

#[cfg(test)]
mod tests;

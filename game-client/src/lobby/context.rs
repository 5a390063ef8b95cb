//! What the lobby's systems share: signing in, entering rooms, and the way back to the menu.

use bevy::ecs::system::SystemParam;
use bevy::prelude::{Commands, NextState, Res, ResMut, State};
use shared::api::{CreateRoom, Role};
use shared::id::PlayerName;
use shared::invitation::RoomAddress;

use super::state::{Account, Activity, Intent, Lobby, PendingSignIn, Screen};
use crate::address;
use crate::frame::RenderState;
use crate::invite::DeviceLinkCode;
use crate::net::{Credentials, DirectoryRequest, Net, RoomRequest, SignInRequest};
use crate::room::Room;
use crate::settings::{IdentityFile, LastSeat, PreviousIdentity, Settings};

/// Everything that an intent or an event may change.
#[derive(SystemParam)]
pub(super) struct Context<'w, 's> {
    pub(super) lobby: ResMut<'w, Lobby>,
    pub(super) settings: ResMut<'w, Settings>,
    pub(super) room: Option<ResMut<'w, Room>>,
    pub(super) net: Res<'w, Net>,
    pub(super) identity_file: Res<'w, IdentityFile>,
    pub(super) next_screen: ResMut<'w, NextState<Screen>>,
    screen: Res<'w, State<Screen>>,
    render: ResMut<'w, RenderState>,
    commands: Commands<'w, 's>,
}

impl Context<'_, '_> {
    /// Whether the player has a seat in the room.
    pub(super) fn plays(&self) -> bool {
        self.room.as_ref().is_some_and(|room| room.role == Role::Player)
    }

    /// Signs in under the name in the settings, and applies the intent afterwards.
    pub(super) fn sign_in(&mut self, then: &Intent) {
        if let Account::SigningIn(pending) = &mut self.lobby.account {
            // The list of rooms, which is asked for in every frame, replaces no other intent.
            if *then != Intent::ShowRooms || pending.then.is_none() {
                pending.then = Some(then.clone());
            }
            return;
        }
        match PlayerName::choose(&self.settings.name) {
            Ok(name) => {
                name.as_str().clone_into(&mut self.settings.name);
                let settings = &*self.settings;
                let has_token = settings.tokens.contains_key(&settings.server);
                let is_known = has_token && settings.is_name_known();
                let credentials = if is_known { Credentials::Known } else { Credentials::Name };
                self.begin_sign_in(credentials(name), then);
            }
            Err(error) if *then != Intent::ShowRooms => {
                self.lobby.error = Some(format!("Choose a name first: {error}."));
            }
            Err(_) => {}
        }
    }

    /// Becomes the player of the lobby in the browser, and applies an intent afterwards.
    pub(super) fn link_device(&mut self, code: &DeviceLinkCode, then: &Intent) {
        if let Account::SigningIn(pending) = &mut self.lobby.account {
            // The attempt that is under way ends first.
            let then = Box::new(then.clone());
            pending.then = Some(Intent::LinkDevice { code: code.clone(), then });
            return;
        }
        self.begin_sign_in(Credentials::DeviceLink(code.clone()), then);
    }

    /// Returns to a previous identity. This cancels an attempt to sign in.
    pub(super) fn restore_identity(&mut self, identity: &PreviousIdentity) {
        self.settings.restore_identity(identity);
        (self.settings.last_seat, self.lobby.rejoin) = (None, None);
        self.lobby.account = Account::SignedOut;
        self.sign_in(&Intent::SignIn);
    }

    pub(super) fn begin_sign_in(&mut self, credentials: Credentials, then: &Intent) {
        match address::parse(&self.settings.server) {
            Ok(server) => self.settings.server = server,
            Err(error) => {
                self.lobby.rooms_poll.failed(std::time::Instant::now());
                self.lobby.error = Some(presentation::words::sentence(&error.to_string()));
                return;
            }
        }
        let id = self.lobby.next_sign_in();
        let switches_identity = matches!(credentials, Credentials::DeviceLink(_));
        let then = Some(then.clone());
        self.lobby.account = Account::SigningIn(PendingSignIn { id, switches_identity, then });
        let server = self.settings.server.clone();
        let token = self.settings.tokens.get(&server).cloned();
        self.net.request(SignInRequest { id, server, credentials, token });
    }

    /// Asks the server to open a room.
    pub(super) fn open_room(&mut self, room: CreateRoom) {
        self.lobby.set_activity(Activity::OpeningRoom);
        self.lobby.error = None;
        self.net.request(DirectoryRequest::Create(room));
    }

    /// Enters a room.
    pub(super) fn enter(&mut self, room: RoomAddress, role: Role) {
        let link = self.lobby.next_link();
        if role == Role::Player {
            let server = self.settings.server.clone();
            self.settings.last_seat = Some(LastSeat { server, room });
            (self.lobby.rejoin, self.lobby.seat_left_at) = (None, None);
        }
        self.lobby.error = None;
        self.lobby.set_activity(Activity::Idle);
        self.net.request(RoomRequest::Enter { link, room, role });
        self.commands.insert_resource(Room::entering(link, room, role));
        self.render.reset();
        self.next_screen.set(Screen::Playing);
    }

    /// Drops the room and shows the menu.
    pub(super) fn go_to_menu(&mut self) {
        self.lobby.matched_full = false;
        self.commands.remove_resource::<Room>();
        if *self.screen.get() != Screen::Menu {
            self.render.reset();
            self.next_screen.set(Screen::Menu);
        }
    }
}

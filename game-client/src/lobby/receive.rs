//! What the network reports, and what it changes in the lobby.

use std::time::Instant;

use bevy::prelude::{MessageReader, MessageWriter};
use shared::api::{MatchState, RoomDetails, Session};
use shared::invitation::RoomAddress;

use super::context::Context;
use super::state::{Account, Activity, Intent, Screen, SignedIn};
use crate::net::{
    ChatEvent, Credentials, DirectoryEvent, LinkState, MatchmakingEvent, RoomEvent, SessionEvent,
    SignInId,
};

pub(super) fn receive_session(
    mut events: MessageReader<SessionEvent>,
    mut context: Context<'_, '_>,
    mut intents: MessageWriter<Intent>,
) {
    for event in events.read() {
        match event {
            SessionEvent::SignedIn { id, server, session } => {
                intents.write_batch(signed_in(&mut context, *id, server, session));
            }
            SessionEvent::SignInFailed { id, error } => {
                let lobby = &mut *context.lobby;
                if matches!(&lobby.account, Account::SigningIn(pending) if pending.id == *id) {
                    lobby.account = Account::SignedOut;
                    lobby.rooms_poll.failed(Instant::now());
                    lobby.error = Some(error.text.clone());
                }
            }
            SessionEvent::PublicAddress { server, address } => {
                context.lobby.public_address = Some((server.clone(), address.clone()));
            }
            SessionEvent::Renewed { server, session } => {
                context.settings.tokens.insert(server.clone(), session.token.clone());
                let lobby = &mut *context.lobby;
                if let Account::SignedIn(signed_in) = &mut lobby.account {
                    let is_another = signed_in.session.player != session.player;
                    signed_in.server.clone_from(server);
                    signed_in.session = session.clone();
                    lobby.is_cut_off = false;
                    lobby.error = is_another.then(|| {
                        "The server did not know you any more: it has lost its data. You are a new player there."
                            .to_owned()
                    });
                    lobby.seat_poll.poll_now();
                    lobby.rooms_poll.poll_now();
                }
            }
        }
    }
}

/// Takes the session of the attempt that is under way. Returns the intent that follows.
fn signed_in(
    context: &mut Context<'_, '_>,
    id: SignInId,
    server: &str,
    session: &Session,
) -> Option<Intent> {
    let pending = match &mut context.lobby.account {
        Account::SigningIn(pending) if pending.id == id => pending,
        Account::SigningIn(_) | Account::SignedIn(_) | Account::SignedOut => return None,
    };
    let (switches_identity, then) = (pending.switches_identity, pending.then.take());
    if switches_identity {
        context.settings.adopt_session(server, session);
        (context.settings.last_seat, context.lobby.rejoin) = (None, None);
    } else {
        let before = context.settings.tokens.get(server).cloned();
        if before.as_ref() != Some(&session.token) {
            let counts = context.identity_file.claim(server, &session.token, before.as_deref());
            if counts != session.token {
                // Another client of this profile was new here at the same moment: both are its player.
                context.settings.tokens.insert(server.to_owned(), counts);
                context.lobby.account = Account::SignedOut;
                let known = Credentials::Known(session.name.clone());
                context.begin_sign_in(known, &then.unwrap_or(Intent::SignIn));
                return None;
            }
        }
        context.settings.tokens.insert(server.to_owned(), session.token.clone());
        context.settings.note_name(session.name.as_str());
    }
    let (server, session) = (server.to_owned(), session.clone());
    let lobby = &mut *context.lobby;
    lobby.account = Account::SignedIn(SignedIn { server, session, activity: Activity::Idle });
    (lobby.error, lobby.is_cut_off) = (None, false);
    lobby.seat_poll.poll_now();
    lobby.rooms_poll.poll_now();
    then
}

pub(super) fn receive_directory(
    mut events: MessageReader<DirectoryEvent>,
    mut context: Context<'_, '_>,
    mut intents: MessageWriter<Intent>,
) {
    for event in events.read() {
        let lobby = &mut *context.lobby;
        match event {
            DirectoryEvent::Listed(rooms) => {
                match rooms {
                    Ok(listing) => {
                        lobby.rooms_poll.succeeded();
                        (lobby.rooms_at, lobby.is_cut_off) = (Some(Instant::now()), false);
                        lobby.rooms_not_understood = listing.not_understood;
                        lobby.rooms = Some(Ok(listing.list.clone()));
                    }
                    Err(error) => {
                        lobby.rooms_poll.failed(Instant::now());
                        lobby.is_cut_off |= error.is_transient;
                        // The last list stays, and says that it is old.
                        if !matches!(lobby.rooms, Some(Ok(_))) {
                            lobby.rooms = Some(Err(error.clone()));
                        }
                    }
                }
            }
            DirectoryEvent::LookedUp(room, Ok(details)) => {
                looked_up_seat(&mut context, *room, details.as_ref());
            }
            DirectoryEvent::LookedUp(_, Err(_)) => lobby.seat_poll.failed(Instant::now()),
            DirectoryEvent::Created(outcome) => {
                if lobby.is_opening_room() {
                    lobby.set_activity(Activity::Idle);
                }
                match outcome {
                    Ok(details) => {
                        intents.write(Intent::Join(details.address()));
                    }
                    Err(error) => lobby.error = Some(error.text.clone()),
                }
            }
        }
    }
}

/// The room of the last seat was looked up. A seat that the server does not keep any more is forgotten.
fn looked_up_seat(context: &mut Context<'_, '_>, room: RoomAddress, details: Option<&RoomDetails>) {
    context.lobby.seat_poll.succeeded();
    let own = context.lobby.session().map(|session| session.player);
    let has_seat =
        |details: &&RoomDetails| details.seated.iter().any(|seat| Some(seat.player) == own);
    context.lobby.rejoin = details.filter(has_seat).cloned();
    let last_seat = context.settings.last_seat.as_ref();
    if context.lobby.rejoin.is_none() && last_seat.is_some_and(|seat| seat.room == room) {
        context.settings.last_seat = None;
    }
}

/// The chat's connection is always there: when it breaks, the server cannot be reached.
pub(super) fn receive_chat(mut events: MessageReader<ChatEvent>, mut context: Context<'_, '_>) {
    for event in events.read() {
        match event {
            ChatEvent::Open(is_open) => context.lobby.is_cut_off = !is_open,
            ChatEvent::Message(_) => context.lobby.is_cut_off = false,
        }
    }
}

pub(super) fn receive_matchmaking(
    mut events: MessageReader<MatchmakingEvent>,
    mut context: Context<'_, '_>,
    mut intents: MessageWriter<Intent>,
) {
    for event in events.read() {
        let lobby = &mut *context.lobby;
        match event {
            MatchmakingEvent::Changed(MatchState::Matched { room, full, .. })
                if lobby.search().is_some() =>
            {
                lobby.set_activity(Activity::Idle);
                lobby.matched_full = *full;
                intents.write(Intent::Join((*room).into()));
            }
            MatchmakingEvent::Changed(state) => {
                if let Some(search) = lobby.search_mut() {
                    if let MatchState::Waiting { waited_s, .. } = state {
                        search.waited(*waited_s, Instant::now());
                    }
                    (search.state, search.error) = (Some(state.clone()), None);
                }
            }
            MatchmakingEvent::Interrupted(error) => {
                if let Some(search) = lobby.search_mut() {
                    search.error = Some(error.clone());
                }
                if !error.is_transient {
                    if lobby.search().is_some() {
                        lobby.set_activity(Activity::Idle);
                    }
                    lobby.error = Some(error.text.clone());
                    context.next_screen.set(Screen::Menu);
                }
            }
        }
    }
}

pub(super) fn receive_room(mut events: MessageReader<RoomEvent>, mut context: Context<'_, '_>) {
    for event in events.read() {
        let RoomEvent::Link { link, state } = event else { continue };
        let is_own = context.room.as_ref().is_some_and(|room| room.link == *link);
        match state {
            LinkState::Open if is_own => context.lobby.seat_left_at = None,
            LinkState::Lost { .. } if is_own => {
                context.lobby.seat_left_at.get_or_insert_with(Instant::now);
            }
            LinkState::Open
            | LinkState::Lost { .. }
            | LinkState::Connecting { .. }
            | LinkState::Ended { .. } => {}
        }
        let LinkState::Ended { error } = state else { continue };
        if context.room.as_ref().is_some_and(|room| room.link == *link) {
            context.lobby.error = Some(error.text.clone());
            context.settings.last_seat = None;
            context.lobby.rejoin = None;
            context.go_to_menu();
        }
    }
}

//! What the network reports, and what it changes in the lobby.

use std::time::Instant;

use bevy::prelude::{MessageReader, MessageWriter};
use shared::api::{MatchState, RoomDetails, Session};
use shared::id::RoomId;

use super::context::Context;
use super::state::{Account, Activity, Intent, Screen, SignedIn};
use crate::net::{DirectoryEvent, LinkState, MatchmakingEvent, RoomEvent, SessionEvent, SignInId};

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
            SessionEvent::Renewed { server, session } => {
                context.settings.tokens.insert(server.clone(), session.token.clone());
                let lobby = &mut *context.lobby;
                if let Account::SignedIn(signed_in) = &mut lobby.account {
                    signed_in.server.clone_from(server);
                    signed_in.session = session.clone();
                    lobby.error = None;
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
        context.settings.tokens.insert(server.to_owned(), session.token.clone());
    }
    let (server, session) = (server.to_owned(), session.clone());
    let lobby = &mut *context.lobby;
    lobby.account = Account::SignedIn(SignedIn { server, session, activity: Activity::Idle });
    lobby.error = None;
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
                    Ok(_) => lobby.rooms_poll.succeeded(),
                    Err(_) => lobby.rooms_poll.failed(Instant::now()),
                }
                lobby.rooms = Some(rooms.clone());
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
                        intents.write(Intent::Join(details.summary.id));
                    }
                    Err(error) => lobby.error = Some(error.text.clone()),
                }
            }
        }
    }
}

/// The room of the last seat was looked up. A seat in a room that has ended is forgotten.
fn looked_up_seat(context: &mut Context<'_, '_>, room: RoomId, details: Option<&RoomDetails>) {
    context.lobby.seat_poll.succeeded();
    context.lobby.rejoin = details.cloned();
    let last_seat = context.settings.last_seat.as_ref();
    if details.is_none() && last_seat.is_some_and(|seat| seat.room == room) {
        context.settings.last_seat = None;
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
            MatchmakingEvent::Changed(MatchState::Matched { room }) if lobby.search().is_some() => {
                lobby.set_activity(Activity::Idle);
                intents.write(Intent::Join(*room));
            }
            MatchmakingEvent::Changed(state) => {
                if let Some(search) = lobby.search_mut() {
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
        let RoomEvent::Link { link, state: LinkState::Ended { error } } = event else { continue };
        if context.room.as_ref().is_some_and(|room| room.link == *link) {
            context.lobby.error = Some(error.text.clone());
            context.settings.last_seat = None;
            context.lobby.rejoin = None;
            context.go_to_menu();
        }
    }
}

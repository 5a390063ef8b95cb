//! Everything before and after a room: who one is, looking for a match, opening rooms, the way in and out.
//!
//! Screens say what a person wants as a [`Wish`]; what comes of it stands in the [`Lobby`]. No drawing here, so the client
//! works without a window as well.

mod pace;

use std::time::Instant;

use bevy::prelude::{
    App, AppExtStates as _, Commands, IntoScheduleConfigs as _, Message, MessageReader,
    MessageWriter, NextState, OnEnter, Plugin, Res, ResMut, Resource, State, States, SystemSet,
    Update, in_state, not, resource_exists,
};
use shared::api::{CreateRoom, MatchState, Role, RoomDetails, RoomList, Session};
use shared::id::{PlayerName, RoomId};
use shared::protocol::ClientMessage;
use shared::sim::{BotStrength, Mode};

use crate::invite::HandoverCode;
use crate::net::{Claim, LinkId, LinkState, Net, Report, Request, Trouble};
use crate::room::Room;
use crate::scene::{Phase, Stage};
use crate::settings::{FormerSelf, LastSeat, Settings};
use pace::Pace;

/// What fills the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, States)]
pub enum Screen {
    /// The start.
    #[default]
    Menu,
    /// Looking for a match.
    Queue,
    /// In a room, playing or watching.
    Playing,
    /// A recording.
    Replay,
}

/// What a person wants.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
pub enum Wish {
    /// Be on the server under the name that is set.
    SignIn,
    /// Be the player of the lobby in the browser, and then get a wish.
    As(HandoverCode, Box<Self>),
    /// Be somebody again that one was before.
    Be(FormerSelf),
    /// Find a match.
    QuickPlay(Mode),
    /// Stop looking.
    Cancel,
    /// Open a room for friends.
    Private {
        /// The rules.
        mode: Mode,
        /// Bots for free seats.
        bots: Option<BotStrength>,
    },
    /// Play alone against bots.
    Practice(BotStrength),
    /// Take a seat.
    Join(RoomId),
    /// Look on.
    Watch(RoomId),
    /// See which rooms there are, as long as it is said again.
    SeeRooms,
    /// Whether one wants another round.
    Rematch(bool),
    /// Back to the menu; the seat is given up.
    Leave,
    /// Back to the menu; the seat waits for a while.
    StepOut,
}

/// Who one is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Account {
    /// Nobody yet.
    #[default]
    Nobody,
    /// The server is being asked.
    Asking,
    /// Somebody on a server.
    Somebody {
        /// Which.
        server: String,
        /// Who.
        session: Session,
    },
}

/// Looking for a match.
#[derive(Debug, Clone)]
pub struct Search {
    /// The rules.
    pub mode: Mode,
    /// Since when.
    pub since: Instant,
    /// Where it stands.
    pub state: Option<MatchState>,
    /// Why it does not move, if it does not.
    pub trouble: Option<Trouble>,
}

/// What is known outside of rooms.
#[derive(Debug, Resource, Default)]
pub struct Lobby {
    /// Who one is.
    pub account: Account,
    /// The search for a match.
    pub search: Option<Search>,
    /// The public rooms. Nothing: not asked yet.
    pub rooms: Option<Result<RoomList, Trouble>>,
    /// What went wrong last, for a person to read.
    pub trouble: Option<String>,
    /// The seat that waits.
    pub rejoin: Option<RoomDetails>,
    /// A room is being opened.
    pub is_opening: bool,
    rooms_pace: Pace,
    seat_pace: Pace,
    after_sign_in: Option<Wish>,
    /// Who comes back from the server is somebody else than before.
    is_handed_over: bool,
    links: u32,
}

impl Lobby {
    /// Whether the server knows us under this name.
    #[must_use]
    pub fn is_signed_in(&self, settings: &Settings) -> bool {
        matches!(&self.account, Account::Somebody { server, session }
            if *server == settings.server && session.name.as_str() == settings.name)
    }

    /// Who one is, if anybody.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        match &self.account {
            Account::Somebody { session, .. } => Some(session),
            Account::Nobody | Account::Asking => None,
        }
    }

    /// Whether anybody is signed in there, under whatever name.
    fn is_known_at(&self, at: &str) -> bool {
        matches!(&self.account, Account::Somebody { server, .. } if server == at)
    }

    fn next_link(&mut self) -> LinkId {
        self.links += 1;
        LinkId(self.links)
    }
}

/// Hears the network, then grants wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SystemSet)]
struct Steps;

/// Runs the lobby.
#[derive(Debug)]
pub struct LobbyPlugin;

impl Plugin for LobbyPlugin {
    fn build(&self, app: &mut App) {
        app.init_state::<Screen>()
            .init_resource::<Lobby>()
            .add_message::<Wish>()
            .add_systems(Update, (hear, grant).chain().in_set(Phase::Listen).in_set(Steps))
            .add_systems(OnEnter(Screen::Menu), look_at_once)
            .add_systems(
                Update,
                look_for_seat
                    .in_set(Phase::Listen)
                    .after(Steps)
                    .run_if(in_state(Screen::Menu))
                    .run_if(not(resource_exists::<Room>)),
            );
    }
}

fn hear(
    mut reports: MessageReader<Report>,
    mut lobby: ResMut<Lobby>,
    mut settings: ResMut<Settings>,
    room: Option<Res<Room>>,
    mut stage: ResMut<Stage>,
    screen: Res<State<Screen>>,
    mut next: ResMut<NextState<Screen>>,
    mut commands: Commands,
    mut wishes: MessageWriter<Wish>,
) {
    for report in reports.read() {
        match report {
            Report::SignedIn { server, session } => {
                signed_in(&mut lobby, &mut settings, server, session);
                lobby.seat_pace.hurry();
                lobby.rooms_pace.hurry();
                wishes.write_batch(lobby.after_sign_in.take());
            }
            Report::SignInFailed(trouble) => {
                lobby.account = Account::Nobody;
                (lobby.after_sign_in, lobby.is_handed_over) = (None, false);
                lobby.rooms_pace.failed(Instant::now());
                lobby.trouble = Some(trouble.text.clone());
            }
            Report::Rooms(rooms) => {
                match rooms {
                    Ok(_) => lobby.rooms_pace.answered(),
                    Err(_) => lobby.rooms_pace.failed(Instant::now()),
                }
                lobby.rooms = Some(rooms.clone());
            }
            Report::Looked(looked, Ok(details)) => {
                looked_at_seat(&mut lobby, &mut settings, *looked, details.as_ref());
            }
            Report::Looked(_, Err(_)) => lobby.seat_pace.failed(Instant::now()),
            Report::Created(outcome) => {
                lobby.is_opening = false;
                match outcome {
                    Ok(details) => {
                        wishes.write(Wish::Join(details.summary.id));
                    }
                    Err(trouble) => lobby.trouble = Some(trouble.text.clone()),
                }
            }
            Report::Queue(state) => {
                if let (MatchState::Matched { room }, Some(_)) = (state, &lobby.search) {
                    lobby.search = None;
                    wishes.write(Wish::Join(*room));
                } else if let Some(search) = &mut lobby.search {
                    (search.state, search.trouble) = (Some(state.clone()), None);
                }
            }
            Report::QueueTrouble(trouble) => {
                if let Some(search) = &mut lobby.search {
                    search.trouble = Some(trouble.clone());
                }
                if !trouble.may_pass {
                    (lobby.search, lobby.trouble) = (None, Some(trouble.text.clone()));
                    next.set(Screen::Menu);
                }
            }
            Report::Link { link, state: LinkState::Ended { why } }
                if room.as_ref().is_some_and(|room| room.link == *link) =>
            {
                lobby.trouble = Some(why.text.clone());
                settings.last_seat = None;
                lobby.rejoin = None;
                go_to_menu(&mut commands, &mut stage, &screen, &mut next);
            }
            Report::Link { .. }
            | Report::Game { .. }
            | Report::RoundTrip { .. }
            | Report::Chat(_)
            | Report::ChatOpen(_)
            | Report::Replays(_) => {}
        }
    }
}

/// A room that is gone is no place to go back to.
fn looked_at_seat(
    lobby: &mut Lobby,
    settings: &mut Settings,
    room: RoomId,
    details: Option<&RoomDetails>,
) {
    lobby.seat_pace.answered();
    lobby.rejoin = details.cloned();
    if details.is_none() && settings.last_seat.as_ref().is_some_and(|seat| seat.room == room) {
        settings.last_seat = None;
    }
}

fn signed_in(lobby: &mut Lobby, settings: &mut Settings, server: &str, session: &Session) {
    if std::mem::take(&mut lobby.is_handed_over) {
        settings.become_other(server, session);
        (settings.last_seat, lobby.rejoin) = (None, None);
    } else {
        settings.tokens.insert(server.to_owned(), session.token.clone());
    }
    lobby.account = Account::Somebody { server: server.to_owned(), session: session.clone() };
    lobby.trouble = None;
}

fn go_to_menu(
    commands: &mut Commands<'_, '_>,
    stage: &mut Stage,
    screen: &State<Screen>,
    next: &mut NextState<Screen>,
) {
    commands.remove_resource::<Room>();
    if *screen.get() != Screen::Menu {
        stage.change();
        next.set(Screen::Menu);
    }
}

fn grant(
    mut wishes: MessageReader<Wish>,
    mut lobby: ResMut<Lobby>,
    mut settings: ResMut<Settings>,
    mut room: Option<ResMut<Room>>,
    mut stage: ResMut<Stage>,
    screen: Res<State<Screen>>,
    mut next: ResMut<NextState<Screen>>,
    mut commands: Commands,
    net: Res<Net>,
) {
    for wish in wishes.read() {
        if *wish == Wish::SeeRooms && !lobby.rooms_pace.is_due(Instant::now()) {
            continue;
        }
        let is_somebody = if *wish == Wish::SeeRooms {
            // Whoever it is that looks.
            lobby.is_known_at(&settings.server)
        } else {
            lobby.is_signed_in(&settings)
        };
        if needs_session(wish) && !is_somebody {
            sign_in(&mut lobby, &mut settings, &net, wish);
            continue;
        }
        match wish {
            Wish::SignIn => {}
            Wish::As(code, then) => be_handed_over(&mut lobby, &settings, &net, code, then),
            Wish::Be(former) => {
                settings.become_former(former);
                (settings.last_seat, lobby.rejoin) = (None, None);
                lobby.account = Account::Nobody;
                sign_in(&mut lobby, &mut settings, &net, &Wish::SignIn);
            }
            Wish::QuickPlay(mode) => {
                let (mode, since) = (*mode, Instant::now());
                lobby.search = Some(Search { mode, since, state: None, trouble: None });
                lobby.trouble = None;
                net.ask(Request::Queue(mode));
                next.set(Screen::Queue);
            }
            Wish::Cancel => {
                lobby.search = None;
                net.ask(Request::LeaveQueue);
                next.set(Screen::Menu);
            }
            Wish::Private { mode, bots } => {
                open(&mut lobby, &net, CreateRoom { mode: *mode, private: true, bots: *bots });
            }
            Wish::Practice(strength) => {
                let (mode, bots) = (Mode::Practice, Some(*strength));
                open(&mut lobby, &net, CreateRoom { mode, private: true, bots });
            }
            Wish::Join(id) | Wish::Watch(id) => {
                let role =
                    if matches!(wish, Wish::Join(_)) { Role::Player } else { Role::Spectator };
                commands.insert_resource(enter(&mut lobby, &mut settings, &net, *id, role));
                stage.change();
                next.set(Screen::Playing);
            }
            Wish::SeeRooms => {
                net.ask(Request::ListRooms);
            }
            Wish::Rematch(wanted) => {
                if let Some(result) = room.as_mut().and_then(|room| room.result.as_mut()) {
                    result.rematch = Some(*wanted);
                    net.ask(Request::Game(ClientMessage::Rematch { wanted: *wanted }));
                }
            }
            Wish::Leave | Wish::StepOut => {
                if *wish == Wish::Leave {
                    settings.last_seat = None;
                    net.ask(Request::Leave);
                } else {
                    net.ask(Request::StepOut);
                }
                go_to_menu(&mut commands, &mut stage, &screen, &mut next);
            }
        }
    }
}

/// Asks to be let in.
fn enter(lobby: &mut Lobby, settings: &mut Settings, net: &Net, room: RoomId, role: Role) -> Room {
    let link = lobby.next_link();
    if role == Role::Player {
        settings.last_seat = Some(LastSeat { server: settings.server.clone(), room });
    }
    (lobby.trouble, lobby.search, lobby.rejoin) = (None, None, None);
    net.ask(Request::Enter { link, room, role });
    Room::entering(link, room, role)
}

/// Whoever comes back to the menu may have left a seat that waits.
fn look_at_once(mut lobby: ResMut<Lobby>) {
    lobby.rejoin = None;
    lobby.seat_pace.hurry();
}

/// Asks for the room of the last seat until it is known whether one can go back.
fn look_for_seat(mut lobby: ResMut<Lobby>, settings: Res<Settings>, net: Res<Net>) {
    let Some(seat) = &settings.last_seat else { return };
    let is_here = seat.server == settings.server && lobby.is_known_at(&seat.server);
    if is_here && lobby.rejoin.is_none() && lobby.seat_pace.is_due(Instant::now()) {
        net.ask(Request::LookAt(seat.room));
    }
}

fn needs_session(wish: &Wish) -> bool {
    match wish {
        Wish::SignIn
        | Wish::QuickPlay(_)
        | Wish::Private { .. }
        | Wish::Practice(_)
        | Wish::Join(_)
        | Wish::Watch(_)
        | Wish::SeeRooms => true,
        Wish::As(..)
        | Wish::Be(_)
        | Wish::Cancel
        | Wish::Rematch(_)
        | Wish::Leave
        | Wish::StepOut => false,
    }
}

/// Signs in first; the wish is granted afterwards.
fn sign_in(lobby: &mut Lobby, settings: &mut Settings, net: &Net, wish: &Wish) {
    if *wish != Wish::SeeRooms || lobby.after_sign_in.is_none() {
        lobby.after_sign_in = Some(wish.clone());
    }
    if lobby.account == Account::Asking {
        return;
    }
    let name = match PlayerName::parse(&settings.name) {
        Ok(name) => name,
        Err(error) => {
            lobby.after_sign_in = None;
            if *wish != Wish::SeeRooms {
                lobby.trouble = Some(format!("Choose a name first: {error}."));
            }
            return;
        }
    };
    settings.name = name.as_str().to_owned();
    lobby.account = Account::Asking;
    let server = settings.server.clone();
    let token = settings.tokens.get(&server).cloned();
    net.ask(Request::SignIn { server, claim: Claim::Name(name), token });
}

/// Becomes the player of another program; the wish is granted afterwards.
fn be_handed_over(
    lobby: &mut Lobby,
    settings: &Settings,
    net: &Net,
    code: &HandoverCode,
    then: &Wish,
) {
    if lobby.account == Account::Asking {
        // Whoever the server is being asked for comes first.
        lobby.after_sign_in = Some(Wish::As(code.clone(), Box::new(then.clone())));
        return;
    }
    (lobby.account, lobby.is_handed_over) = (Account::Asking, true);
    lobby.after_sign_in = Some(then.clone());
    let server = settings.server.clone();
    let token = settings.tokens.get(&server).cloned();
    net.ask(Request::SignIn { server, claim: Claim::Handover(code.clone()), token });
}

fn open(lobby: &mut Lobby, net: &Net, room: CreateRoom) {
    lobby.is_opening = true;
    lobby.trouble = None;
    net.ask(Request::Create(room));
}

#[cfg(test)]
mod tests;

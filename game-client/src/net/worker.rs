//! The owner of everything on the network thread. It takes requests and owns the tasks that serve them.
//!
//! **Invariant:** the worker itself never waits for a server or for the game, so requests are taken at once.

use shared::api::{Role, Session};
use shared::id::PlayerName;
use shared::invitation::RoomAddress;
use shared::protocol::ClientMessage;
use shared::sim::Mode;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::api::{Api, CallError};
use super::chat_link::{ChatHandle, chat_link};
use super::error::UserError;
use super::events::{DirectoryEvent, EventSender, SessionEvent};
use super::link_commands::{LinkHandle, link_commands};
use super::matchmaking::find_match;
use super::replay_tasks::ReplayTasks;
use super::requests::{
    ChatRequest, Credentials, DirectoryRequest, LeaveMode, LinkId, MatchmakingRequest, Request,
    RoomRequest, SignInId, SignInRequest,
};
use super::room_link::RoomLink;

/// A message for the server of the room that a link leads to.
pub(super) type GameMessage = (LinkId, ClientMessage);

/// The room that the player or spectator is in.
struct CurrentRoom {
    link: LinkId,
    handle: LinkHandle,
}

/// A session on a server.
struct ActiveSession {
    api: Api,
    name: PlayerName,
    chat: ChatHandle,
}

/// Notices of lost sessions that may wait. More say nothing new.
const LOST_MAX: usize = 8;

/// The outcome of a renewal of the session.
struct Renewal {
    /// The token that the server does not know any more.
    stale: String,
    result: Result<(Api, Session), CallError>,
}

/// The outcome of an attempt to sign in.
struct SignInOutcome {
    id: SignInId,
    server: String,
    result: Result<(Api, Session), UserError>,
}

/// Everything that the network thread owns.
pub(super) struct Worker {
    requests: mpsc::Receiver<Request>,
    game_messages: mpsc::Receiver<GameMessage>,
    events: EventSender,
    /// The running tasks. Each ends when its handle is dropped.
    tasks: JoinSet<()>,
    /// The attempt to sign in, and cancelled ones that have not ended yet.
    sign_ins: JoinSet<SignInOutcome>,
    /// The newest attempt to sign in.
    sign_in: SignInId,
    session: Option<ActiveSession>,
    /// Tokens of sessions that a server does not know any more, and the way they come here.
    lost: mpsc::Receiver<String>,
    lost_sender: mpsc::Sender<String>,
    /// The renewal of the session. One at a time: two would make two players.
    renewals: JoinSet<Renewal>,
    room: Option<CurrentRoom>,
    /// Dropping it cancels the search for a match.
    search: Option<oneshot::Sender<()>>,
    replays: ReplayTasks,
}

impl Worker {
    pub(super) fn new(
        requests: mpsc::Receiver<Request>,
        game_messages: mpsc::Receiver<GameMessage>,
        events: EventSender,
    ) -> Self {
        let (lost_sender, lost) = mpsc::channel(LOST_MAX);
        Self {
            lost,
            lost_sender,
            renewals: JoinSet::new(),
            requests,
            game_messages,
            events,
            tasks: JoinSet::new(),
            sign_ins: JoinSet::new(),
            sign_in: SignInId::default(),
            session: None,
            room: None,
            search: None,
            replays: ReplayTasks::default(),
        }
    }

    /// Serves until the game drops its end. Then the links close, and the server keeps the seat.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                request = self.requests.recv() => match request {
                    Some(request) => self.serve(request),
                    None => break,
                },
                Some((link, message)) = self.game_messages.recv() => self.send(link, message),
                Some(outcome) = self.sign_ins.join_next() => {
                    // A cancelled attempt has no outcome.
                    if let Ok(outcome) = outcome {
                        self.signed_in(outcome);
                    }
                }
                Some(token) = self.lost.recv() => self.renew(token),
                Some(renewal) = self.renewals.join_next() => {
                    if let Ok(renewal) = renewal {
                        self.renewed(renewal);
                    }
                }
                Some(_) = self.tasks.join_next() => {}
            }
        }
        self.renewals.abort_all();
        (self.session, self.room, self.search) = (None, None, None);
        self.replays = ReplayTasks::default();
        self.sign_ins.abort_all();
        while self.tasks.join_next().await.is_some() {}
    }

    fn serve(&mut self, request: Request) {
        match request {
            Request::SignIn(request) => self.sign_in(request),
            Request::Directory(request) => self.serve_directory(request),
            Request::Matchmaking(MatchmakingRequest::Start(mode)) => self.find_match(mode),
            Request::Matchmaking(MatchmakingRequest::Cancel) => self.search = None,
            Request::Room(RoomRequest::Enter { link, room, role }) => self.enter(link, room, role),
            Request::Room(RoomRequest::Reconnect(link)) => {
                if let Some(current) = self.room.as_ref().filter(|current| current.link == link) {
                    current.handle.reconnect();
                }
            }
            Request::Room(RoomRequest::Leave(mode)) => self.leave(mode),
            Request::Chat(ChatRequest::Send { channel, text }) => {
                if let Some(session) = &mut self.session {
                    session.chat.send(channel, text);
                }
            }
            Request::Replay(request) => {
                self.replays.serve(request, &self.events, &mut self.tasks);
            }
        }
    }

    /// A message for a room that was left meanwhile is dropped.
    fn send(&self, link: LinkId, message: ClientMessage) {
        if let Some(current) = self.room.as_ref().filter(|current| current.link == link) {
            current.handle.send(message);
        }
    }

    fn sign_in(&mut self, request: SignInRequest) {
        self.sign_ins.abort_all();
        self.sign_in = request.id;
        self.sign_ins.spawn(async move {
            let result = authenticate(&request).await;
            SignInOutcome { id: request.id, server: request.server, result }
        });
    }

    fn signed_in(&mut self, SignInOutcome { id, server, result }: SignInOutcome) {
        if id != self.sign_in {
            return;
        }
        let event = match result {
            Ok((api, session)) => {
                let api = api.renewed_through(self.lost_sender.clone());
                self.renewals.abort_all();
                self.leave(LeaveMode::GiveUpSeat);
                self.search = None;
                let (chat, link) = chat_link(api.clone(), self.events.clone());
                self.tasks.spawn(link.run());
                self.session = Some(ActiveSession { api, name: session.name.clone(), chat });
                SessionEvent::SignedIn { id, server, session }
            }
            Err(error) => SessionEvent::SignInFailed { id, error },
        };
        let events = self.events.clone();
        let api = self.session.as_ref().map(|session| session.api.clone());
        self.tasks.spawn(async move {
            let is_signed_in = matches!(event, SessionEvent::SignedIn { .. });
            if events.send(event).await
                && let Some(api) = api.filter(|_| is_signed_in)
                && let Some(address) = api.public_address().await
            {
                let server = api.server().to_owned();
                events.send(SessionEvent::PublicAddress { server, address }).await;
            }
        });
    }

    /// The server does not know the session with this token any more: it has lost its database, for example. Everything
    /// that needs a session waits for a new one.
    fn renew(&mut self, stale: String) {
        let Some(session) = &self.session else { return };
        if session.api.token().as_deref() != Some(&*stale) || !self.renewals.is_empty() {
            return;
        }
        let (server, name) = (session.api.server().to_owned(), session.name.clone());
        self.renewals.spawn(async move {
            let result = match Api::new(&server) {
                Ok(api) => {
                    let signed_in = api.sign_in(&name, Some(stale.clone())).await;
                    signed_in.map(|session| (api, session))
                }
                Err(error) => Err(CallError::Unreachable(error)),
            };
            Renewal { stale, result }
        });
    }

    fn renewed(&mut self, Renewal { stale, result }: Renewal) {
        let Some(current) = &self.session else { return };
        // When it failed, the next call that needs a session tries again.
        let Ok((api, session)) = result else { return };
        if current.api.token().as_deref() != Some(&*stale) {
            return;
        }
        current.api.set_token(api.token());
        let server = current.api.server().to_owned();
        let events = self.events.clone();
        self.tasks.spawn(async move {
            events.send(SessionEvent::Renewed { server, session }).await;
        });
    }

    fn serve_directory(&mut self, request: DirectoryRequest) {
        let Some(session) = &self.session else { return };
        let (api, events) = (session.api.clone(), self.events.clone());
        self.tasks.spawn(async move {
            let event = match request {
                DirectoryRequest::List => DirectoryEvent::Listed(for_person(api.rooms().await)),
                DirectoryRequest::LookUp(room) => {
                    DirectoryEvent::LookedUp(room, for_person(api.room(room).await))
                }
                DirectoryRequest::Create(room) => {
                    DirectoryEvent::Created(for_person(api.create(&room).await))
                }
            };
            events.send(event).await;
        });
    }

    fn find_match(&mut self, mode: Mode) {
        let Some(session) = &self.session else { return };
        let (cancel, cancelled) = oneshot::channel();
        self.search = Some(cancel);
        self.tasks.spawn(find_match(session.api.clone(), mode, self.events.clone(), cancelled));
    }

    fn enter(&mut self, link: LinkId, room: RoomAddress, role: Role) {
        self.leave(LeaveMode::GiveUpSeat);
        let Some(session) = &self.session else { return };
        let (handle, commands) = link_commands();
        let room_link = RoomLink {
            id: link,
            api: session.api.clone(),
            room,
            role,
            events: self.events.clone(),
            was_open: false,
        };
        self.tasks.spawn(room_link.run(commands));
        session.chat.set_room(Some(room.room));
        self.room = Some(CurrentRoom { link, handle });
    }

    fn leave(&mut self, mode: LeaveMode) {
        let Some(current) = self.room.take() else { return };
        if let Some(session) = &self.session {
            session.chat.set_room(None);
        }
        match mode {
            LeaveMode::GiveUpSeat => current.handle.give_up_seat(),
            LeaveMode::KeepSeat => drop(current.handle),
        }
    }
}

async fn authenticate(request: &SignInRequest) -> Result<(Api, Session), UserError> {
    let not_possible = |error: reqwest::Error| UserError {
        text: format!("The client cannot connect to anything: {error}."),
        is_transient: false,
    };
    let api = Api::new(&request.server).map_err(not_possible)?;
    let token = request.token.clone();
    let session = match &request.credentials {
        Credentials::Name(name) => for_person(api.sign_in(name, token).await)?,
        Credentials::Known(name) => for_person(api.return_as(name, token).await)?,
        Credentials::DeviceLink(code) => api.redeem(code, token).await?,
    };
    Ok((api, session))
}

fn for_person<T>(answer: Result<T, CallError>) -> Result<T, UserError> {
    answer.map_err(|error| error.user_error())
}

#[cfg(test)]
mod tests;

//! The owner of everything on the network thread: it takes requests and keeps the tasks that serve them.

use std::collections::BTreeSet;

use shared::api::{Role, Session};
use shared::id::{PlayerName, RoomId};
use shared::protocol::ClientMessage;
use shared::protocol::chat::{Channel, ChatClientMessage};
use shared::sim::Mode;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::api::{Api, CallError};
use super::chat::ChatLink;
use super::link::Link;
use super::queue::look_for_match;
use super::{LinkId, Report, Request, Trouble};

/// Messages that may wait for a socket. When full, the newest is dropped: it is perishable.
const OUTBOX_MAX: usize = 64;

/// A seat or a place to watch.
struct Entered {
    room: RoomId,
    outbox: mpsc::Sender<ClientMessage>,
}

/// Somebody on a server.
struct SignedIn {
    api: Api,
    name: PlayerName,
    chat: mpsc::Sender<ChatClientMessage>,
}

/// Everything that the network thread owns.
pub(super) struct Worker {
    inbox: mpsc::Receiver<Request>,
    reports: mpsc::Sender<Report>,
    /// Every task. They end by themselves when their inbox closes.
    tasks: JoinSet<()>,
    who: Option<SignedIn>,
    entered: Option<Entered>,
    queue: Option<oneshot::Sender<()>>,
    nonce: u32,
}

impl Worker {
    pub(super) fn new(inbox: mpsc::Receiver<Request>, reports: mpsc::Sender<Report>) -> Self {
        let tasks = JoinSet::new();
        Self { inbox, reports, tasks, who: None, entered: None, queue: None, nonce: 0 }
    }

    /// Serves until the game drops its end; then lets the links say goodbye.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                request = self.inbox.recv() => match request {
                    Some(request) => self.serve(request).await,
                    None => break,
                },
                Some(_) = self.tasks.join_next() => {}
            }
        }
        (self.who, self.entered, self.queue) = (None, None, None);
        while self.tasks.join_next().await.is_some() {}
    }

    async fn serve(&mut self, request: Request) {
        match request {
            Request::SignIn { server, name, token } => self.sign_in(&server, name, token).await,
            Request::ListRooms => self.call(async |api| Report::Rooms(plain(api.rooms().await))),
            Request::LookAt(room) => {
                self.call(async move |api| Report::Looked(room, plain(api.room(room).await)));
            }
            Request::Create(room) => {
                self.call(async move |api| Report::Created(plain(api.create(&room).await)));
            }
            Request::Queue(mode) => self.look_for_match(mode),
            // Dropping the sender is the cancellation.
            Request::LeaveQueue => self.queue = None,
            Request::Enter { link, room, role } => self.enter(link, room, role),
            Request::Leave => self.leave(),
            Request::Game(message) => {
                if let Some(entered) = &self.entered {
                    // Full: the socket is stuck, and an input would come too late anyway.
                    drop(entered.outbox.try_send(message));
                }
            }
            Request::Say { channel, text } => self.say(channel, text),
        }
    }

    async fn sign_in(&mut self, server: &str, name: PlayerName, token: Option<String>) {
        let report = match self.become_somebody(server, name, token).await {
            Ok(session) => Report::SignedIn { server: server.to_owned(), session },
            Err(trouble) => Report::SignInFailed(trouble),
        };
        // When the game has gone, the loop ends at its next turn.
        drop(self.reports.send(report).await);
    }

    async fn become_somebody(
        &mut self,
        server: &str,
        name: PlayerName,
        token: Option<String>,
    ) -> Result<Session, Trouble> {
        let not_an_address = |_error| Trouble {
            text: "That is no server's address. One looks like http://127.0.0.1:7777.".to_owned(),
            may_pass: false,
        };
        let mut api = Api::new(server).map_err(not_an_address)?;
        let session = api.sign_in(&name, token).await.map_err(|error| error.trouble())?;
        (self.entered, self.queue) = (None, None);
        let (chat, outbox) = mpsc::channel(OUTBOX_MAX);
        let link = ChatLink {
            api: api.clone(),
            reports: self.reports.clone(),
            outbox,
            rooms: BTreeSet::new(),
            after: None,
        };
        self.tasks.spawn(link.run());
        self.who = Some(SignedIn { api, name, chat });
        Ok(session)
    }

    /// One call, answered by one report. Without a session nothing happens: the game signs in first.
    fn call<F>(&mut self, call: impl FnOnce(Api) -> F + Send + 'static)
    where
        F: Future<Output = Report> + Send + 'static,
    {
        let Some(who) = &self.who else { return };
        let (api, reports) = (who.api.clone(), self.reports.clone());
        self.tasks.spawn(async move {
            let report = call(api).await;
            drop(reports.send(report).await);
        });
    }

    fn look_for_match(&mut self, mode: Mode) {
        let Some(who) = &self.who else { return };
        let (cancel, cancelled) = oneshot::channel();
        self.queue = Some(cancel);
        self.tasks.spawn(look_for_match(who.api.clone(), mode, self.reports.clone(), cancelled));
    }

    fn enter(&mut self, id: LinkId, room: RoomId, role: Role) {
        self.leave();
        let Some(who) = &self.who else { return };
        let (outbox, inbox) = mpsc::channel(OUTBOX_MAX);
        let link = Link {
            id,
            api: who.api.clone(),
            name: who.name.clone(),
            room,
            role,
            reports: self.reports.clone(),
            was_open: false,
            outbox: inbox,
        };
        self.tasks.spawn(link.run());
        drop(who.chat.try_send(ChatClientMessage::Enter { room }));
        self.entered = Some(Entered { room, outbox });
    }

    fn leave(&mut self) {
        if let Some(entered) = self.entered.take()
            && let Some(who) = &self.who
        {
            drop(who.chat.try_send(ChatClientMessage::Exit { room: entered.room }));
        }
    }

    fn say(&mut self, channel: Channel, text: String) {
        self.nonce = self.nonce.wrapping_add(1);
        if let Some(who) = &self.who {
            let message = ChatClientMessage::Say { channel, text, nonce: self.nonce };
            drop(who.chat.try_send(message));
        }
    }
}

fn plain<T>(answer: Result<T, CallError>) -> Result<T, Trouble> {
    answer.map_err(|error| error.trouble())
}

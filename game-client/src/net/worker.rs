//! The owner of everything on the network thread: it takes requests and keeps the tasks that serve them.

use shared::api::{Role, Session};
use shared::id::{PlayerName, RoomId};
use shared::protocol::chat::{ChatChannel, ChatClientMessage};
use shared::sim::Mode;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::api::{Api, CallError};
use super::chat::ChatLink;
use super::link::Link;
use super::orders::{Order, Parting, Reins, orders};
use super::queue::look_for_match;
use super::replays::Replays;
use super::{Claim, LinkId, Report, Request, Trouble};

/// Messages that may wait for the chat's socket. When full, the newest is dropped: it is perishable.
const OUTBOX_MAX: usize = 64;

/// A seat or a place to watch.
struct Entered {
    room: RoomId,
    reins: Reins,
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
    replays: Replays,
    nonce: u32,
}

impl Worker {
    pub(super) fn new(inbox: mpsc::Receiver<Request>, reports: mpsc::Sender<Report>) -> Self {
        let (tasks, replays) = (JoinSet::new(), Replays::default());
        Self { inbox, reports, tasks, who: None, entered: None, queue: None, replays, nonce: 0 }
    }

    /// Serves until the game drops its end; then lets the links say goodbye. Seats wait: whoever comes back soon goes on.
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
            Request::SignIn { server, claim, token } => self.sign_in(&server, claim, token).await,
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
            Request::Replays(request) => {
                self.replays.serve(request, &self.reports, &mut self.tasks);
            }
            Request::Leave => self.leave(Parting::Leave),
            Request::StepOut => self.leave(Parting::StepOut),
            Request::BeginAgain => self.want(Order::BeginAgain),
            Request::Game(message) => self.want(Order::Say(message)),
            Request::Say { channel, text } => self.say(channel, text),
        }
    }

    async fn sign_in(&mut self, server: &str, claim: Claim, token: Option<String>) {
        let report = match self.become_somebody(server, claim, token).await {
            Ok(session) => Report::SignedIn { server: server.to_owned(), session },
            Err(trouble) => Report::SignInFailed(trouble),
        };
        // When the game has gone, the loop ends at its next turn.
        drop(self.reports.send(report).await);
    }

    async fn become_somebody(
        &mut self,
        server: &str,
        claim: Claim,
        token: Option<String>,
    ) -> Result<Session, Trouble> {
        let not_an_address = |_error| Trouble {
            text: "That is no server's address. One looks like http://127.0.0.1:7777.".to_owned(),
            may_pass: false,
        };
        let api = Api::new(server).map_err(not_an_address)?;
        let session = match &claim {
            Claim::Name(name) => api.sign_in(name, token).await.map_err(|error| error.trouble())?,
            Claim::Handover(code) => api.redeem(code, token).await?,
        };
        self.leave(Parting::Leave);
        self.queue = None;
        let (chat, outbox) = mpsc::channel(OUTBOX_MAX);
        let link = ChatLink::new(api.clone(), self.reports.clone(), outbox);
        self.tasks.spawn(link.run());
        self.who = Some(SignedIn { api, name: session.name.clone(), chat });
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
        self.leave(Parting::Leave);
        let Some(who) = &self.who else { return };
        let (reins, orders) = orders();
        let link = Link {
            id,
            api: who.api.clone(),
            name: who.name.clone(),
            room,
            role,
            reports: self.reports.clone(),
            was_open: false,
        };
        self.tasks.spawn(link.run(orders));
        drop(who.chat.try_send(ChatClientMessage::Enter { room }));
        self.entered = Some(Entered { room, reins });
    }

    fn want(&self, order: Order) {
        if let Some(entered) = &self.entered {
            entered.reins.want(order);
        }
    }

    fn leave(&mut self, parting: Parting) {
        let Some(entered) = self.entered.take() else { return };
        if let Some(who) = &self.who {
            drop(who.chat.try_send(ChatClientMessage::Exit { room: entered.room }));
        }
        match parting {
            Parting::Leave => entered.reins.leave(),
            Parting::StepOut => drop(entered.reins),
        }
    }

    fn say(&mut self, channel: ChatChannel, text: String) {
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

//! Guests, and the calls that need a session.

use reqwest::{Method, StatusCode};
use serde::Serialize;
use shared::api::{
    CreateRoom, DeviceLink, MatchRequest, MatchTicket, Role, RoomDetails, Session, SessionRequest,
    TicketRequest, WebSocketTicket,
};
use shared::id::{PlayerId, RoomId};
use shared::invitation::RoomAddress;
use shared::sim::{BotStrength, Mode};

use crate::answer::Answer;
use crate::chat::ChatSocket;
use crate::site::Site;
use crate::socket::GameSocket;
use crate::wait::within;

impl Site {
    /// Signs in as a new guest.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn guest(&self, name: &str) -> Guest {
        let session: Session = self.sign_in(name).await.json();
        Guest::new(self.clone(), session)
    }

    /// Sends a sign-in with a name, as a program does that keeps its token itself.
    pub async fn sign_in(&self, name: &str) -> Answer {
        let body = SessionRequest::Name { name: name.to_owned(), wants_token: true };
        self.send(self.request(Method::POST, "/api/session").json(&body)).await
    }

    /// Sends a sign-in with a device-link code.
    pub async fn redeem_device_link(&self, code: &str) -> Answer {
        let body = SessionRequest::DeviceLink { code: code.to_owned(), wants_token: true };
        self.send(self.request(Method::POST, "/api/session").json(&body)).await
    }
}

/// A player with a session.
#[derive(Debug, Clone)]
pub struct Guest {
    site: Site,
    session: Session,
}

impl Guest {
    /// The guest with this session at this server.
    #[must_use]
    pub fn new(site: Site, session: Session) -> Self {
        Self { site, session }
    }

    /// The same guest at another address: behind a proxy, or after a restart.
    #[must_use]
    pub fn at(&self, site: &Site) -> Self {
        Self::new(site.clone(), self.session.clone())
    }

    /// The player's id.
    #[must_use]
    pub fn id(&self) -> PlayerId {
        self.session.player
    }

    /// The name that others see.
    #[must_use]
    pub fn name(&self) -> &str {
        self.session.name.as_str()
    }

    /// The session token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.session.token
    }

    /// The server.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Sends a request with the token.
    pub async fn ask(&self, method: Method, path: &str) -> Answer {
        self.site.send(self.site.request(method, path).bearer_auth(self.token())).await
    }

    /// Posts a JSON body with the token.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        let request = self.site.request(Method::POST, path).bearer_auth(self.token());
        self.site.send(request.json(body)).await
    }

    /// Renames the guest.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn rename(&self, name: &str) -> Session {
        self.post("/api/session", &serde_json::json!({ "name": name })).await.json()
    }

    /// Ends the session.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn sign_out(&self) {
        let answer = self.ask(Method::DELETE, "/api/session").await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// Gets a ticket to the chat.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn chat_ticket(&self) -> WebSocketTicket {
        self.ask(Method::POST, "/api/chat/tickets").await.json()
    }

    /// Creates a device-link code, with which another program signs in as the same player.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn create_device_link(&self) -> DeviceLink {
        self.ask(Method::POST, "/api/session/handovers").await.json()
    }

    /// Opens a room.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn open_room(&self, room: &CreateRoom) -> RoomDetails {
        self.post("/api/rooms", room).await.json()
    }

    /// Opens a private room without bots.
    pub async fn private_room(&self, mode: Mode) -> RoomId {
        self.open_room(&CreateRoom { mode, private: true, bots: None }).await.summary.id
    }

    /// Opens a public room without bots.
    pub async fn public_room(&self, mode: Mode) -> RoomId {
        self.open_room(&CreateRoom { mode, private: false, bots: None }).await.summary.id
    }

    /// Opens a public room whose free seats bots take.
    pub async fn bot_room(&self, mode: Mode, bots: BotStrength) -> RoomId {
        self.open_room(&CreateRoom { mode, private: false, bots: Some(bots) }).await.summary.id
    }

    /// Asks for a ticket to a room. A room that takes an invitation is looked up by its code first.
    pub async fn ask_for_ticket(&self, room: RoomId, role: Role) -> Answer {
        let answer = self.ask_for_ticket_at(room.into(), role).await;
        match answer.status {
            StatusCode::FORBIDDEN => {
                self.ask_for_ticket_at(self.site.room_address(room).await, role).await
            }
            _ => answer,
        }
    }

    /// Asks for a ticket to the room at an address.
    pub async fn ask_for_ticket_at(&self, at: RoomAddress, role: Role) -> Answer {
        self.post(&format!("/api/rooms/{at}/tickets"), &TicketRequest { role }).await
    }

    /// Gets a ticket to a room.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn ticket(&self, room: RoomId, role: Role) -> WebSocketTicket {
        self.ask_for_ticket(room, role).await.json()
    }

    /// Opens a bare connection to a room.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn connect(&self, room: RoomId, role: Role) -> GameSocket {
        let ticket = self.ticket(room, role).await;
        let opening = GameSocket::open_at(&self.site, &ticket.url);
        within("a connection to the room", opening).await.expect("a connection to the room")
    }

    /// Joins the queue.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn join_queue(&self, mode: Mode) -> MatchTicket {
        self.post("/api/matchmaking", &MatchRequest { mode }).await.json()
    }

    /// Long-polls a matchmaking ticket. `None` when the wait ended without a change.
    ///
    /// # Panics
    /// When the ticket is gone.
    pub async fn poll_match(&self, ticket: &MatchTicket, wait_s: u32) -> Option<MatchTicket> {
        let path = match_path(&ticket.ticket, ticket.version, wait_s);
        let answer = self.ask(Method::GET, &path).await;
        (answer.status != 204).then(|| answer.json())
    }

    /// Opens the chat.
    pub async fn chat(&self) -> ChatSocket {
        self.chat_after(None).await
    }

    /// Opens the chat and resumes after a sequence number.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn chat_after(&self, after: Option<u64>) -> ChatSocket {
        let ticket = self.chat_ticket().await;
        let after = after.map(|sequence| format!("&after={sequence}")).unwrap_or_default();
        let path = format!("{}{after}", ticket.url);
        let opening = ChatSocket::open(self.site.address(), &path);
        within("the chat", opening).await.expect("the chat")
    }
}

/// The path of a matchmaking ticket.
#[must_use]
pub fn match_path(ticket: &str, after: u64, wait_s: u32) -> String {
    format!("/api/matchmaking/{ticket}?after={after}&wait={wait_s}")
}

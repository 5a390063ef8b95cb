//! The link to one room: ticket, socket, messages, and all of it again when it breaks.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use shared::api::{Role, WebSocketTicket};
use shared::id::{PlayerName, RoomId};
use shared::protocol::close::NextStep;
use shared::protocol::{ClientMessage, GAME_SUBPROTOCOL, SERVER_MESSAGE_BYTES_MAX, ServerMessage};
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::api::Api;
use super::backoff::Backoff;
use super::orders::{Order, Orders, Parting};
use super::socket::{self, Ending, Socket};
use super::{LinkId, LinkState, Report};

/// How often the round trip is measured, on average: at uneven moments, for the server answers at its next tick. It also
/// shows whether the server is still there.
const PING_EVERY: Duration = Duration::from_millis(500);
/// A connection that is silent for so long is given up.
const SILENCE_MAX: Duration = Duration::from_secs(4);
/// How long a goodbye may take.
const CLOSE_WITHIN: Duration = Duration::from_millis(500);
/// An open connection that lasted so long was a good one: the next delay is short again.
const GOOD_AFTER: Duration = Duration::from_secs(5);

/// Where to connect, and as what.
pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) api: Api,
    pub(super) name: PlayerName,
    pub(super) room: RoomId,
    pub(super) role: Role,
    pub(super) reports: mpsc::Sender<Report>,
    /// It has been open: the room was there.
    pub(super) was_open: bool,
}

/// How one connection went.
enum Outcome {
    /// The game has left.
    Left,
    /// Try again, or not.
    Ended(Ending),
}

impl Link {
    /// Connects until the game leaves or the server says that there is no point.
    pub(super) async fn run(mut self, mut orders: Orders) {
        let mut backoff = Backoff::default();
        loop {
            let attempt = backoff.tries() + 1;
            if !self.tell(LinkState::Connecting { attempt }).await {
                return;
            }
            let begun = Instant::now();
            let mut ending = match self.connect(&mut orders).await {
                Outcome::Left => return,
                Outcome::Ended(ending) => ending,
            };
            if ending.next == NextStep::GiveUp && self.was_open && ending.is_missing {
                "The room has ended while the connection was away."
                    .clone_into(&mut ending.why.text);
            }
            if begun.elapsed() > GOOD_AFTER {
                backoff.reset();
            }
            if ending.next == NextStep::GiveUp {
                self.tell(LinkState::Ended { why: ending.why }).await;
                return;
            }
            if ending.next == NextStep::SignIn {
                self.sign_in_again().await;
            }
            let delay = backoff.next().max(ending.pause);
            let retry_at = Instant::now() + delay;
            if !self.tell(LinkState::Lost { why: ending.why, retry_at }).await
                || timeout(delay, orders.parting()).await.is_ok()
            {
                return;
            }
        }
    }

    /// One connection from ticket to end.
    async fn connect(&mut self, orders: &mut Orders) -> Outcome {
        let connected = tokio::select! {
            connected = self.get_in() => connected,
            () = orders.stepped_out() => return Outcome::Left,
        };
        match connected {
            Ok(socket) => {
                self.was_open = true;
                self.talk(socket, orders).await
            }
            Err(ending) => Outcome::Ended(ending),
        }
    }

    /// A ticket, then a socket.
    async fn get_in(&self) -> Result<Socket, Ending> {
        let ticket = self.api.seat_ticket(self.room, self.role).await;
        let ticket = ticket.map_err(|error| Ending::refused(&error))?;
        self.open(&ticket).await
    }

    async fn open(&self, ticket: &WebSocketTicket) -> Result<Socket, Ending> {
        let address = self.api.socket_address(&ticket.url);
        let opening = socket::open(&address, GAME_SUBPROTOCOL, SERVER_MESSAGE_BYTES_MAX);
        match timeout(SILENCE_MAX, opening).await {
            Ok(Ok(socket)) => Ok(socket),
            Ok(Err(error)) => Err(Ending::unopened(&error)),
            Err(_) => Err(Ending::of(None)),
        }
    }

    async fn talk(&self, mut socket: Socket, orders: &mut Orders) -> Outcome {
        if !self.tell(LinkState::Open).await {
            return Outcome::Left;
        }
        let opened = Instant::now();
        let mut ping_at = opened;
        let mut heard = opened;
        loop {
            let sending = tokio::select! {
                incoming = socket.next() => {
                    heard = Instant::now();
                    match incoming {
                        Some(Ok(Message::Binary(bytes))) => {
                            match self.take(&bytes, heard, opened).await {
                                Ok(true) => continue,
                                Ok(false) => return Outcome::Left,
                                Err(ending) => return Outcome::Ended(ending),
                            }
                        }
                        Some(Ok(Message::Close(frame))) => {
                            return Outcome::Ended(Ending::of(frame.as_ref()));
                        }
                        // Tungstenite answers pings by itself.
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Text(_) | Message::Frame(_))) => continue,
                        Some(Err(_)) | None => return Outcome::Ended(Ending::of(None)),
                    }
                }
                order = orders.next() => match order {
                    Ok(Order::Say(message)) => message,
                    Ok(Order::BeginAgain) => return Outcome::Ended(Ending::astray()),
                    Err(parting) => return self.say_goodbye(socket, parting).await,
                },
                () = sleep_until(ping_at.into()) => {
                    ping_at = Instant::now() + PING_EVERY.mul_f64(0.5 + fastrand::f64());
                    if heard.elapsed() > SILENCE_MAX {
                        return Outcome::Ended(Ending::of(None));
                    }
                    ClientMessage::Ping { nonce: milliseconds_since(opened) }
                }
            };
            let bytes = sending.encode();
            match timeout(SILENCE_MAX, socket.send(Message::binary(bytes))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Outcome::Ended(Ending::of(None)),
            }
        }
    }

    /// Passes a message on. False when the game has gone.
    async fn take(&self, bytes: &[u8], at: Instant, opened: Instant) -> Result<bool, Ending> {
        let Ok(message) = ServerMessage::decode(bytes) else {
            let text = "The server sent something that this client does not understand.";
            return Err(Ending::stay(text));
        };
        if let ServerMessage::Pong { nonce, .. } = &message {
            let took = milliseconds_since(opened).saturating_sub(*nonce);
            let time = Duration::from_millis(u64::from(took));
            if self.reports.send(Report::RoundTrip { time }).await.is_err() {
                return Ok(false);
            }
        }
        Ok(self.reports.send(Report::Game { link: self.id, message, at }).await.is_ok())
    }

    async fn say_goodbye(&self, mut socket: Socket, parting: Parting) -> Outcome {
        let goodbye = async {
            // A seat that is given up is free at once; a spectator has none.
            if self.role == Role::Player && parting == Parting::Leave {
                let leave = ClientMessage::Leave.encode();
                socket.send(Message::binary(leave)).await?;
            }
            let frame = CloseFrame { code: CloseCode::Normal, reason: "left".into() };
            socket.close(Some(frame)).await
        };
        // When it cannot be said, the server finds out by itself.
        drop(timeout(CLOSE_WITHIN, goodbye).await);
        Outcome::Left
    }

    async fn sign_in_again(&mut self) {
        let (name, token) = (self.name.clone(), self.api.token());
        if let Ok(session) = self.api.sign_in(&name, token).await {
            let server = self.api.server().to_owned();
            // When the game has gone, the next report notices.
            drop(self.reports.send(Report::SignedIn { server, session }).await);
        }
    }

    async fn tell(&self, state: LinkState) -> bool {
        self.reports.send(Report::Link { link: self.id, state }).await.is_ok()
    }
}

fn milliseconds_since(start: Instant) -> u32 {
    u32::try_from(start.elapsed().as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;

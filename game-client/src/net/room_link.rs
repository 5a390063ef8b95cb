//! The link to one room: a ticket, a socket, messages, and all of it again when the connection breaks.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use shared::api::{ProblemKind, Role, WebSocketTicket};
use shared::invitation::RoomAddress;
use shared::protocol::close::NextStep;
use shared::protocol::{ClientMessage, GAME_SUBPROTOCOL, SERVER_MESSAGE_BYTES_MAX, ServerMessage};
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::api::Api;
use super::backoff::Backoff;
use super::events::{EventSender, LinkState, RoomEvent};
use super::link_commands::{LinkCommand, LinkCommands};
use super::requests::{LeaveMode, LinkId};
use super::socket::{self, DisconnectReason, Socket};

/// The mean time between two pings. The actual times vary, because the server answers at its next tick. Pings measure the
/// round trip and show whether the server is still there.
const PING_EVERY: Duration = Duration::from_millis(500);
/// A connection on which nothing arrives for this long is closed.
const SILENCE_MAX: Duration = Duration::from_secs(4);
/// How long a close handshake may take.
const CLOSE_WITHIN: Duration = Duration::from_millis(500);
/// After a connection that lasted this long the next delay is short again.
const STABLE_AFTER: Duration = Duration::from_secs(5);

/// The link of one player or spectator to one room.
pub(super) struct RoomLink {
    pub(super) id: LinkId,
    pub(super) api: Api,
    pub(super) room: RoomAddress,
    pub(super) role: Role,
    pub(super) events: EventSender,
    /// Whether a socket has been open: the room was there.
    pub(super) was_open: bool,
}

/// How a connection ended.
enum Outcome {
    /// The game has left the room.
    Left,
    /// The connection broke or was refused.
    Disconnected(DisconnectReason),
}

impl RoomLink {
    /// Connects until the game leaves, or until the server's answer says that another attempt is pointless.
    pub(super) async fn run(mut self, mut commands: LinkCommands) {
        let mut backoff = Backoff::default();
        loop {
            let attempt = backoff.failures() + 1;
            if !self.report(LinkState::Connecting { attempt }).await {
                return;
            }
            let begun = Instant::now();
            let mut reason = match self.connect(&mut commands).await {
                Outcome::Left => return,
                Outcome::Disconnected(reason) => reason,
            };
            if reason.next == NextStep::GiveUp && self.was_open && reason.room_is_gone {
                "The room has ended while the connection was away."
                    .clone_into(&mut reason.error.text);
            }
            if begun.elapsed() > STABLE_AFTER {
                backoff.reset();
            }
            if reason.next == NextStep::GiveUp {
                self.report(LinkState::Ended { error: reason.error }).await;
                return;
            }
            if reason.next == NextStep::SignIn {
                // Without a new session the next attempt fails in the same way.
                self.api.renew(self.api.token()).await;
            }
            let delay = backoff.next().max(reason.retry_after);
            let retry_at = Instant::now() + delay;
            if !self.report(LinkState::Lost { error: reason.error, retry_at }).await
                || timeout(delay, commands.left()).await.is_ok()
            {
                return;
            }
        }
    }

    /// One connection from its ticket to its end.
    async fn connect(&mut self, commands: &mut LinkCommands) -> Outcome {
        let connected = tokio::select! {
            connected = self.open() => connected,
            () = commands.left_and_kept_seat() => return Outcome::Left,
        };
        match connected {
            Ok(socket) => {
                self.was_open = true;
                commands.connected();
                self.exchange(socket, commands).await
            }
            Err(reason) => Outcome::Disconnected(reason),
        }
    }

    /// Gets a ticket and opens a socket with it.
    async fn open(&mut self) -> Result<Socket, DisconnectReason> {
        let ticket = match self.api.seat_ticket(self.room, self.role).await {
            Err(error)
                if error.kind() == Some(ProblemKind::Forbidden) && self.room.secret.is_none() =>
            {
                self.look_up().await?;
                self.api.seat_ticket(self.room, self.role).await
            }
            answer => answer,
        };
        let ticket = ticket.map_err(|error| DisconnectReason::from_call(&error))?;
        self.open_socket(&ticket).await
    }

    /// Gets the invitation to a private room of which only the code is known.
    async fn look_up(&mut self) -> Result<(), DisconnectReason> {
        let found = self.api.room(self.room).await;
        if let Some(details) = found.map_err(|error| DisconnectReason::from_call(&error))? {
            self.room = details.address();
            self.events.send(RoomEvent::Invited { link: self.id, room: self.room }).await;
        }
        Ok(())
    }

    async fn open_socket(&self, ticket: &WebSocketTicket) -> Result<Socket, DisconnectReason> {
        let address = self.api.socket_address(&ticket.url);
        let opening = socket::open(&address, GAME_SUBPROTOCOL, SERVER_MESSAGE_BYTES_MAX);
        match timeout(SILENCE_MAX, opening).await {
            Ok(Ok(socket)) => Ok(socket),
            Ok(Err(error)) => Err(DisconnectReason::from_handshake(&error)),
            Err(_) => Err(DisconnectReason::from_close(None)),
        }
    }

    /// Sends and receives until the connection ends or the game leaves.
    async fn exchange(&self, mut socket: Socket, commands: &mut LinkCommands) -> Outcome {
        if !self.report(LinkState::Open).await {
            return Outcome::Left;
        }
        let opened = Instant::now();
        let mut ping_at = opened;
        let mut received_at = opened;
        loop {
            let message = tokio::select! {
                incoming = socket.next() => {
                    received_at = Instant::now();
                    match incoming {
                        Some(Ok(Message::Binary(bytes))) => {
                            match self.receive(&bytes, received_at, opened).await {
                                Ok(true) => continue,
                                Ok(false) => return Outcome::Left,
                                Err(reason) => return Outcome::Disconnected(reason),
                            }
                        }
                        Some(Ok(Message::Close(frame))) => {
                            let reason = DisconnectReason::from_close(frame.as_ref());
                            return Outcome::Disconnected(reason);
                        }
                        // Tungstenite answers pings by itself.
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Text(_) | Message::Frame(_))) => continue,
                        Some(Err(_)) | None => return disconnected(),
                    }
                }
                command = commands.next() => match command {
                    Ok(LinkCommand::Send(message)) => message,
                    Ok(LinkCommand::Reconnect) => {
                        return Outcome::Disconnected(DisconnectReason::desynced());
                    }
                    Err(mode) => return self.close(socket, mode).await,
                },
                () = sleep_until(ping_at.into()) => {
                    ping_at = Instant::now() + PING_EVERY.mul_f64(0.5 + fastrand::f64());
                    if received_at.elapsed() > SILENCE_MAX {
                        return disconnected();
                    }
                    ClientMessage::Ping { nonce: milliseconds_since(opened) }
                }
            };
            let bytes = message.encode();
            match timeout(SILENCE_MAX, socket.send(Message::binary(bytes))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return disconnected(),
            }
        }
    }

    /// Passes a message on to the game. False when the game has ended.
    async fn receive(
        &self,
        bytes: &[u8],
        at: Instant,
        opened: Instant,
    ) -> Result<bool, DisconnectReason> {
        let Ok(message) = ServerMessage::decode(bytes) else {
            let text = "The server sent something that this client does not understand.";
            return Err(DisconnectReason::permanent(text));
        };
        if let ServerMessage::Pong { nonce, .. } = &message {
            let took = milliseconds_since(opened).saturating_sub(*nonce);
            let time = Duration::from_millis(u64::from(took));
            if !self.events.send(RoomEvent::RoundTrip { time }).await {
                return Ok(false);
            }
        }
        Ok(self.events.send(RoomEvent::Message { link: self.id, message, at }).await)
    }

    async fn close(&self, mut socket: Socket, mode: LeaveMode) -> Outcome {
        let closing = async {
            // A seat that is given up is free at once. A spectator has none.
            if self.role == Role::Player && mode == LeaveMode::GiveUpSeat {
                let leave = ClientMessage::Leave.encode();
                socket.send(Message::binary(leave)).await?;
            }
            let frame = CloseFrame { code: CloseCode::Normal, reason: "left".into() };
            socket.close(Some(frame)).await
        };
        // When this fails, the server notices the silence.
        drop(timeout(CLOSE_WITHIN, closing).await);
        Outcome::Left
    }

    /// False when the game has ended.
    async fn report(&self, state: LinkState) -> bool {
        self.events.send(RoomEvent::Link { link: self.id, state }).await
    }
}

/// The connection broke without a close frame.
fn disconnected() -> Outcome {
    Outcome::Disconnected(DisconnectReason::from_close(None))
}

fn milliseconds_since(start: Instant) -> u32 {
    u32::try_from(start.elapsed().as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;

//! One connection of a room, from the handshake to its end.
//!
//! ```text
//! Handshaking ──the socket arrives──▶ Open ──one side closes──▶ Closing ──▶ Gone
//!      └──────────────the handshake fails, or the socket breaks──────────────▲
//! ```
//!
//! Nothing here waits: the room calls each connection once at the beginning of a tick, to receive, and once or
//! twice at its end, to send.

pub(super) mod closing;
pub(super) mod end;
pub(super) mod frames;
pub(super) mod fuzz;
pub(super) mod handshake;
pub(super) mod id;
pub(super) mod messages;
pub(super) mod open;
pub(super) mod socket;
pub(super) mod statistics;
pub(super) mod update;

mod state;

#[cfg(test)]
pub(crate) mod echo;

use std::time::Instant;

use shared::protocol::close;

use super::inputs::InputBuffer;
use crate::sessions::life::SessionLife;
use crate::socket::Closing;
use closing::ClosingHandshake;
use end::{Departure, End};
use handshake::{Arrival, Handshake};
use id::ConnectionId;
use messages::Sender;
use open::OpenConnection;
use socket::Socket;
use state::State;
use update::Update;

/// One connection. The fields that each tick looks at lie together, and begin where the processor begins to
/// fetch.
#[repr(C, align(128))]
pub(super) struct Connection {
    id: ConnectionId,
    state: State,
    session: SessionLife,
}

impl Connection {
    /// A connection whose socket is on its way, and HTTP's end of the handshake.
    pub(super) fn new(id: ConnectionId, session: SessionLife) -> (Self, Handshake) {
        let (handshake, socket) = handshake::begin();
        (Self { id, state: State::Handshaking(socket), session }, handshake)
    }

    pub(super) fn id(&self) -> ConnectionId {
        self.id
    }

    /// Decides whether this tick reads the socket; see [`OpenConnection::schedule_read`].
    pub(super) fn schedule_read(&mut self, is_in_audience: bool, inputs: Option<&InputBuffer>) {
        if let State::Open(open) = &mut self.state {
            open.schedule_read(is_in_audience, inputs);
        }
    }

    /// Takes the socket when it arrives, which `open` makes an open connection, and receives what the client has
    /// sent. Returns how the connection ended, if it did.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        scratch: &mut [u8],
        sender: Sender<'_>,
        open: impl FnOnce(Socket) -> OpenConnection,
    ) -> Option<Departure> {
        if let State::Handshaking(socket) = &mut self.state {
            match socket.take() {
                Arrival::Pending => {}
                Arrival::Complete(socket) => self.state = State::Open(open(socket)),
                Arrival::Over => {
                    self.state = State::Gone;
                    return Some(Departure::Lost);
                }
            }
        }
        let State::Open(open) = &mut self.state else { return None };
        let end = open.receive(now, scratch, sender).err()?;
        Some(self.end(end, now))
    }

    /// Whether it is no longer open.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::Closing(_) | State::Gone)
    }

    /// Whether it is still open although its session has ended.
    pub(super) fn outlives_session(&self) -> bool {
        self.session.has_ended() && !self.has_ended()
    }

    /// Whether the client waits for something that only this connection sends.
    pub(super) fn has_answers(&self) -> bool {
        matches!(&self.state, State::Open(open) if open.has_answers())
    }

    /// Gathers everything new for [`Self::flush`]. Returns how the connection ended, if it did.
    pub(super) fn gather(
        &mut self,
        now: Instant,
        update: Update<'_>,
        inputs: Option<&mut InputBuffer>,
    ) -> Option<Departure> {
        let State::Open(open) = &mut self.state else { return None };
        let end = open.gather(now, update, inputs).err()?;
        Some(self.end(end, now))
    }

    /// Sends what was gathered. Returns how the connection ended, if it did.
    pub(super) fn flush(&mut self, now: Instant, update: Update<'_>) -> Option<Departure> {
        let State::Open(open) = &mut self.state else { return None };
        let end = open.flush(now, update).err()?;
        Some(self.end(end, now))
    }

    /// A new world begins.
    pub(super) fn restart_interest(&mut self) {
        if let State::Open(open) = &mut self.state {
            open.restart_interest();
        }
    }

    /// Closes the connection, after everything new was sent.
    pub(super) fn close(&mut self, closing: Closing, now: Instant, update: Update<'_>) {
        if self.gather(now, update, None).or_else(|| self.flush(now, update)).is_some() {
            return;
        }
        self.state = match core::mem::replace(&mut self.state, State::Gone) {
            State::Handshaking(socket) => {
                State::Closing(ClosingHandshake::begin_early(socket, closing, now))
            }
            State::Open(open) => {
                let (socket, frames) = open.into_parts(closing.1);
                State::Closing(ClosingHandshake::begin(socket, frames, closing, now))
            }
            over @ (State::Closing(_) | State::Gone) => over,
        };
    }

    /// Takes a step of the closing handshake. Returns false when the connection is gone.
    pub(super) fn advance_closing(&mut self, now: Instant, scratch: &mut [u8]) -> bool {
        if let State::Closing(closing) = &mut self.state
            && !closing.advance(now, scratch)
        {
            self.state = State::Gone;
        }
        !matches!(self.state, State::Gone)
    }

    fn end(&mut self, end: End, now: Instant) -> Departure {
        if let State::Open(open) = core::mem::replace(&mut self.state, State::Gone) {
            let (socket, frames) = open.into_parts(end.reason());
            let see_you = (close::NORMAL, "see you");
            self.state = match end {
                End::Left => State::Closing(ClosingHandshake::begin(socket, frames, see_you, now)),
                End::ClosedByServer(closing) => {
                    State::Closing(ClosingHandshake::begin(socket, frames, closing, now))
                }
                End::ProtocolError(closing) => {
                    State::Closing(ClosingHandshake::fail(socket, closing, now))
                }
                End::ClosedByClient(code) => {
                    State::Closing(ClosingHandshake::answer(socket, code, now))
                }
                End::Broken => State::Gone,
            };
        }
        end.departure()
    }
}

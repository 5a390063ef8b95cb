//! The closing handshake of a WebSocket.
//!
//! A WebSocket ends with a close frame from one side and its echo from the other (RFC 6455, section 7.1.1).
//! Dropped earlier, the socket may be reset before the reason arrives. A closing handshake takes a step with
//! each tick of the room, and is cut off when the client does not answer in time.

use std::time::{Duration, Instant};

use super::frames::{self, Frame, FrameError, FrameReader};
use super::handshake::{Arrival, AwaitedSocket};
use super::socket::Socket;
use crate::socket::Closing;

/// How long a client has to answer a close.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// One closing handshake.
pub(in crate::room) struct ClosingHandshake {
    step: Step,
    deadline: Instant,
}

enum Step {
    /// The opening handshake of an unwanted connection goes on. The close follows when it is complete.
    AwaitSocket(AwaitedSocket, Closing),
    /// The server's close frame is sent or waits to be sent, and the client's has not arrived.
    AwaitClose(Socket, FrameReader),
    /// Both have sent a close frame, or the client has: the last bytes are being sent.
    SendRest(Socket),
    /// The client broke the protocol, so its bytes cannot be read as frames any more. The close frame is sent, then
    /// the sending direction is shut down.
    SendError(Socket),
    /// The sending direction is shut down, and arriving bytes are discarded: dropped with unread bytes, the socket
    /// would be reset and the reason lost.
    Drain(Socket),
    Over,
}

/// Ends the reading of frames: the client's close arrived, or bytes that are no frames.
struct StopReading;

impl From<FrameError> for StopReading {
    fn from(_: FrameError) -> Self {
        Self
    }
}

impl ClosingHandshake {
    /// The server closes first.
    pub(super) fn begin(
        mut socket: Socket,
        frames: FrameReader,
        closing: Closing,
        now: Instant,
    ) -> Self {
        let step = match socket.send(&[frames::close(closing.0, closing.1)]) {
            Ok(()) => Step::AwaitClose(socket, frames),
            Err(_) => Step::Over,
        };
        Self::with(step, now)
    }

    /// The server closes because the client broke the protocol (RFC 6455, section 7.1.7).
    pub(super) fn fail(mut socket: Socket, closing: Closing, now: Instant) -> Self {
        let step = match socket.send(&[frames::close(closing.0, closing.1)]) {
            Ok(()) => Step::SendError(socket),
            Err(_) => Step::Over,
        };
        Self::with(step, now)
    }

    /// The client closed first, with this code.
    pub(super) fn answer(mut socket: Socket, code: Option<u16>, now: Instant) -> Self {
        let step = match socket.send(&[frames::close_echo(code)]) {
            Ok(()) => Step::SendRest(socket),
            Err(_) => Step::Over,
        };
        Self::with(step, now)
    }

    /// The server closes a connection whose opening handshake goes on.
    pub(super) fn begin_early(socket: AwaitedSocket, closing: Closing, now: Instant) -> Self {
        Self::with(Step::AwaitSocket(socket, closing), now)
    }

    fn with(step: Step, now: Instant) -> Self {
        Self { step, deadline: now + CLOSE_WITHIN }
    }

    /// Takes a step. Returns false when the handshake is over and the socket may be dropped.
    pub(super) fn advance(&mut self, now: Instant, scratch: &mut [u8]) -> bool {
        self.step = match core::mem::replace(&mut self.step, Step::Over) {
            Step::AwaitSocket(mut socket, closing) => match socket.take() {
                Arrival::Pending => Step::AwaitSocket(socket, closing),
                Arrival::Complete(socket) => {
                    *self = Self::begin(socket, FrameReader::default(), closing, now);
                    return true;
                }
                Arrival::Over => Step::Over,
            },
            Step::AwaitClose(socket, frames) => read_until_close(socket, frames, scratch),
            Step::SendRest(mut socket) => match socket.flush() {
                Ok(()) if socket.is_stalled() => Step::SendRest(socket),
                Ok(()) | Err(_) => Step::Over,
            },
            Step::SendError(mut socket) => match socket.flush() {
                Ok(()) if socket.is_stalled() => Step::SendError(socket),
                Ok(()) if socket.shut_down_sending().is_ok() => Step::Drain(socket),
                Ok(()) | Err(_) => Step::Over,
            },
            Step::Drain(mut socket) => match socket.read(scratch) {
                Ok(_) => Step::Drain(socket),
                Err(_) => Step::Over,
            },
            Step::Over => Step::Over,
        };
        now < self.deadline && !matches!(self.step, Step::Over)
    }
}

/// Reads until the client's close frame. All other frames are too late.
fn read_until_close(mut socket: Socket, mut frames: FrameReader, scratch: &mut [u8]) -> Step {
    if socket.flush().is_err() {
        return Step::Over;
    }
    match socket.read(scratch) {
        Ok(None) => Step::AwaitClose(socket, frames),
        Err(_) => Step::Over,
        Ok(Some(bytes)) => {
            let read = frames.read(bytes, |frame| match frame {
                Frame::Close(_) => Err(StopReading),
                Frame::Binary(_) | Frame::Text(_) | Frame::Ping(_) | Frame::Pong => Ok(()),
            });
            match read {
                Ok(()) => Step::AwaitClose(socket, frames),
                Err(StopReading) => Step::SendRest(socket),
            }
        }
    }
}

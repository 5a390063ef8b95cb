//! Goodbyes: sockets whose talk is over and whose clients have not closed yet.
//!
//! A WebSocket ends with a close from either side and its echo (RFC 6455, section 7.1.1); dropped earlier, the
//! reason may be lost on its way. A goodbye takes its turns with the room's ticks and is cut short in the end.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::frames::{self, Frame, FrameError, FrameReader};
use super::line::Doorstep;
use super::wire::Wire;
use crate::socket::Closing;
use crate::sync::lock;

/// How long a client has to answer a close.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// One goodbye.
pub(super) struct Farewell {
    stage: Stage,
    until: Instant,
}

enum Stage {
    /// The handshake of somebody who is not wanted any more goes on.
    Expected(Arc<Mutex<Doorstep>>, Closing),
    /// Our close is said or on its way, and the client's has not come.
    Said(Wire, FrameReader),
    /// The client has closed. What is left to send goes first.
    Answered(Wire),
    /// The client has broken the protocol, so nothing that it says can be read as frames any more. It is told, then
    /// our side is closed, and what still comes is thrown away: dropped with unread bytes, the socket would be reset, and
    /// the reason lost.
    Failed(Wire),
    /// Our side is closed.
    Draining(Wire),
    Over,
}

/// What ends the reading of a goodbye.
struct Enough;

impl From<FrameError> for Enough {
    fn from(_: FrameError) -> Self {
        Self
    }
}

impl Farewell {
    /// Says goodbye first.
    pub(super) fn say(mut wire: Wire, frames: FrameReader, closing: Closing, now: Instant) -> Self {
        let stage = match wire.send(&[frames::close(closing.0, closing.1)]) {
            Ok(()) => Stage::Said(wire, frames),
            Err(_) => Stage::Over,
        };
        Self { stage, until: now + CLOSE_WITHIN }
    }

    /// Tells a client that broke the protocol (RFC 6455, section 7.1.7).
    pub(super) fn fail(mut wire: Wire, closing: Closing, now: Instant) -> Self {
        let stage = match wire.send(&[frames::close(closing.0, closing.1)]) {
            Ok(()) => Stage::Failed(wire),
            Err(_) => Stage::Over,
        };
        Self { stage, until: now + CLOSE_WITHIN }
    }

    /// Answers the client's goodbye.
    pub(super) fn answer(mut wire: Wire, code: Option<u16>, now: Instant) -> Self {
        let stage = match wire.send(&[frames::close_echo(code)]) {
            Ok(()) => Stage::Answered(wire),
            Err(_) => Stage::Over,
        };
        Self { stage, until: now + CLOSE_WITHIN }
    }

    /// For somebody whose socket is still on its way.
    pub(super) fn expected(doorstep: Arc<Mutex<Doorstep>>, closing: Closing, now: Instant) -> Self {
        Self { stage: Stage::Expected(doorstep, closing), until: now + CLOSE_WITHIN }
    }

    /// One turn. False when it is over and the socket may be dropped.
    pub(super) fn goes_on(&mut self, now: Instant, scratch: &mut [u8]) -> bool {
        self.stage = match core::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Expected(doorstep, closing) => {
                let found = lock(&doorstep).take();
                match found {
                    Doorstep::Expected => Stage::Expected(doorstep, closing),
                    Doorstep::Here(wire) => {
                        *self = Self::say(wire, FrameReader::default(), closing, now);
                        return true;
                    }
                    Doorstep::Empty => Stage::Over,
                }
            }
            Stage::Said(wire, frames) => listen(wire, frames, scratch),
            Stage::Answered(mut wire) => match wire.flush() {
                Ok(()) if wire.is_stalled() => Stage::Answered(wire),
                Ok(()) | Err(_) => Stage::Over,
            },
            Stage::Failed(mut wire) => match wire.flush() {
                Ok(()) if wire.is_stalled() => Stage::Failed(wire),
                Ok(()) if wire.end_sending().is_ok() => Stage::Draining(wire),
                Ok(()) | Err(_) => Stage::Over,
            },
            Stage::Draining(mut wire) => match wire.read(scratch) {
                Ok(_) => Stage::Draining(wire),
                Err(_) => Stage::Over,
            },
            Stage::Over => Stage::Over,
        };
        now < self.until && !matches!(self.stage, Stage::Over)
    }
}

/// Waits for the client's close; everything else comes too late.
fn listen(mut wire: Wire, mut frames: FrameReader, scratch: &mut [u8]) -> Stage {
    if wire.flush().is_err() {
        return Stage::Over;
    }
    match wire.read(scratch) {
        Ok(None) => Stage::Said(wire, frames),
        Err(_) => Stage::Over,
        Ok(Some(bytes)) => {
            let enough = frames.read(bytes, |frame| match frame {
                Frame::Close(_) => Err(Enough),
                Frame::Binary(_) | Frame::Text(_) | Frame::Ping(_) | Frame::Pong => Ok(()),
            });
            if enough.is_err() { Stage::Answered(wire) } else { Stage::Said(wire, frames) }
        }
    }
}

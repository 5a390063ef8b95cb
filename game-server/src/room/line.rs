//! One place in a room as its room holds it: the socket that is on its way, then the talk with its client, and what
//! that client wants.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use shared::protocol::close;
use shared::sim::Input;
use shared::tick::Tick;

use super::farewell::Farewell;
use super::inputs::InputBuffer;
use super::news::News;
use super::talk::{End, Talk};
use super::wire::Wire;
use crate::socket::Closing;
use crate::sync::lock;

/// Why a connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parting {
    /// It broke or was closed: the player may come back.
    Lost,
    /// The player wants the seat to be free.
    Left,
}

/// Between the handshake, which HTTP does, and the room.
#[derive(Default)]
pub(super) enum Doorstep {
    /// The handshake goes on.
    #[default]
    Expected,
    /// The socket is here.
    Here(Wire),
    /// It will not come, or has been taken in.
    Empty,
}

impl Doorstep {
    /// What is there. Once a socket is taken in, nothing is.
    pub(super) fn take(&mut self) -> Self {
        match self {
            Self::Expected => Self::Expected,
            Self::Here(_) | Self::Empty => core::mem::replace(self, Self::Empty),
        }
    }
}

/// The handshake's end. Dropping it tells the room that nobody comes.
pub(super) struct Connection(Arc<Mutex<Doorstep>>);

impl Connection {
    /// Gives the socket to the room, which finds it with its next tick.
    pub(super) fn deliver(self, wire: Wire) {
        *lock(&self.0) = Doorstep::Here(wire);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut doorstep = lock(&self.0);
        if matches!(*doorstep, Doorstep::Expected) {
            *doorstep = Doorstep::Empty;
        }
    }
}

/// The room's end. As in [`Talk`], what each tick looks at lies together, and begins where the processor begins to fetch.
#[repr(C, align(128))]
pub(super) struct Line {
    parting: Option<Parting>,
    wants_rematch: Option<bool>,
    talk: Option<Talk>,
    inputs: InputBuffer,
    doorstep: Arc<Mutex<Doorstep>>,
}

/// What a client may ask of its line while it talks.
pub(super) struct Wishes<'a> {
    pub(super) inputs: &'a mut InputBuffer,
    pub(super) wants_rematch: &'a mut Option<bool>,
}

impl Line {
    /// A line whose client is not there yet, and the other end for its handshake.
    pub(super) fn new(next: Tick) -> (Box<Self>, Connection) {
        let doorstep = Arc::default();
        let connection = Connection(Arc::clone(&doorstep));
        let inputs = InputBuffer::new(next);
        let line = Self { parting: None, wants_rematch: None, talk: None, inputs, doorstep };
        (Box::new(line), connection)
    }

    /// Before everything else in a tick, with which the client will be told something or not: whether it is listened to.
    pub(super) fn expect(&mut self, is_told: bool) {
        self.inputs.fetch();
        self.talk.iter_mut().for_each(|talk| talk.expect(is_told, &self.inputs));
    }

    /// The beginning of a tick: takes in who has arrived and what the client has sent. An ended talk is handed
    /// back with its goodbye.
    pub(super) fn listen(
        &mut self,
        now: Instant,
        scratch: &mut [u8],
        begin: impl FnOnce(Wire) -> Talk,
    ) -> Option<Farewell> {
        if self.talk.is_none() && self.parting.is_none() {
            self.talk = self.arrival().map(begin);
        }
        let talk = self.talk.as_mut()?;
        let wishes = Wishes { inputs: &mut self.inputs, wants_rematch: &mut self.wants_rematch };
        let end = talk.listen(now, scratch, wishes).err()?;
        self.end(end, now)
    }

    /// Whether its client waits for something that the room does not know of.
    pub(super) fn has_answers(&self) -> bool {
        self.talk.as_ref().is_some_and(Talk::has_answers)
    }

    /// The end of a tick: gathers what is new. An ended talk is handed back with its goodbye.
    pub(super) fn gather(&mut self, now: Instant, news: News<'_>) -> Option<Farewell> {
        let end = self.talk.as_mut()?.gather(now, news, &mut self.inputs).err()?;
        self.end(end, now)
    }

    /// Sends it.
    pub(super) fn speak(&mut self, now: Instant, news: News<'_>) -> Option<Farewell> {
        let end = self.talk.as_mut()?.speak(now, news).err()?;
        self.end(end, now)
    }

    fn arrival(&mut self) -> Option<Wire> {
        let found = lock(&self.doorstep).take();
        match found {
            Doorstep::Expected => None,
            Doorstep::Here(wire) => Some(wire),
            Doorstep::Empty => {
                self.parting = Some(Parting::Lost);
                None
            }
        }
    }

    fn end(&mut self, end: End, now: Instant) -> Option<Farewell> {
        let (wire, frames) = self.talk.take()?.into_parts(end.in_words());
        let left = matches!(end, End::Left);
        self.parting.get_or_insert(if left { Parting::Left } else { Parting::Lost });
        match end {
            End::Left => Some(Farewell::say(wire, frames, (close::NORMAL, "see you"), now)),
            End::Cut(closing) => Some(Farewell::say(wire, frames, closing, now)),
            End::Failed(closing) => Some(Farewell::fail(wire, closing, now)),
            End::Closed(code) => Some(Farewell::answer(wire, code, now)),
            End::Broken => None,
        }
    }

    /// What the client holds during `tick`.
    pub(super) fn hear(&mut self, tick: Tick) -> Input {
        self.inputs.take(tick)
    }

    /// What the client has said that it will hold, since the last call.
    pub(super) fn announced(&mut self) -> impl Iterator<Item = (Tick, Input)> {
        self.inputs.take_news()
    }

    /// Whether the connection is over.
    pub(super) fn parting(&self) -> Option<Parting> {
        self.parting
    }

    /// Whether the player wants another round, if there was a word about it.
    pub(super) fn wants_rematch(&self) -> Option<bool> {
        self.wants_rematch
    }

    /// A new world begins.
    pub(super) fn restart(&mut self, next: Tick) {
        self.inputs.restart(next);
        self.wants_rematch = None;
        self.talk.iter_mut().for_each(Talk::restart);
    }

    /// The room wants the client gone. Says first what there still is to say.
    pub(super) fn dismiss(
        &mut self,
        closing: Closing,
        now: Instant,
        news: News<'_>,
    ) -> Option<Farewell> {
        let farewell = self.gather(now, news).or_else(|| self.speak(now, news));
        if self.parting.replace(Parting::Left).is_some() {
            return farewell;
        }
        Some(match self.talk.take() {
            Some(talk) => {
                let (wire, frames) = talk.into_parts(closing.1);
                Farewell::say(wire, frames, closing, now)
            }
            None => Farewell::expected(Arc::clone(&self.doorstep), closing, now),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use shared::tick::Tick;

    use super::{Line, Parting};

    #[test]
    fn a_handshake_that_fails_is_a_lost_connection() {
        let (mut line, connection) = Line::new(Tick(0));
        let nobody = |_| unreachable!("nobody came");
        assert!(line.listen(Instant::now(), &mut [], nobody).is_none());
        assert_eq!(line.parting(), None);

        drop(connection);

        assert!(line.listen(Instant::now(), &mut [], nobody).is_none());
        assert_eq!(line.parting(), Some(Parting::Lost));
    }
}

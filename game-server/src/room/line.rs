//! The line between a room and one connection: what each tells the other without waiting.
//!
//! Neither side sends messages here. The connection files inputs and leaves notes; the room reads them when
//! its tick comes. A message for each input would wake the room hundreds of times a second.

use std::sync::{Arc, Mutex};

use shared::sim::Input;
use shared::tick::Tick;

use super::inputs::{Arrivals, InputBuffer};
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

/// One line. Both ends hold it. The lock guards plain values and is held for a few assignments.
#[derive(Debug)]
pub(super) struct Line(Mutex<Notes>);

#[derive(Debug)]
struct Notes {
    inputs: InputBuffer,
    parting: Option<Parting>,
    wants_rematch: Option<bool>,
    dismissed: Option<Closing>,
}

impl Line {
    pub(super) fn new(next: Tick) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Notes {
            inputs: InputBuffer::new(next),
            parting: None,
            wants_rematch: None,
            dismissed: None,
        })))
    }

    /// For the room: what the client holds during `tick`.
    pub(super) fn hear(&self, tick: Tick) -> Input {
        lock(&self.0).inputs.take(tick)
    }

    /// For the room: whether the connection is over.
    pub(super) fn parting(&self) -> Option<Parting> {
        lock(&self.0).parting
    }

    /// For the room: whether the player wants another round, if there was a word about it.
    pub(super) fn wants_rematch(&self) -> Option<bool> {
        lock(&self.0).wants_rematch
    }

    /// For the room: a new world begins.
    pub(super) fn restart(&self, next: Tick) {
        let mut notes = lock(&self.0);
        notes.inputs.restart(next);
        notes.wants_rematch = None;
    }

    /// For the room: the connection shall close and say this. Wake it afterwards.
    pub(super) fn dismiss(&self, closing: Closing) {
        lock(&self.0).dismissed.get_or_insert(closing);
    }

    /// For the connection: files inputs.
    pub(super) fn file(&self, first: Tick, inputs: &[Input]) {
        lock(&self.0).inputs.file(first, inputs);
    }

    /// For the connection: the tick that the room takes next.
    pub(super) fn next_tick(&self) -> Tick {
        lock(&self.0).inputs.next_tick()
    }

    /// For the connection: whether the player wants another round.
    pub(super) fn want_rematch(&self, wanted: bool) {
        lock(&self.0).wants_rematch = Some(wanted);
    }

    /// For the connection: it is over. The first word counts.
    pub(super) fn part(&self, parting: Parting) {
        lock(&self.0).parting.get_or_insert(parting);
    }

    /// For the connection: what to say and close with, if the room wants it gone.
    pub(super) fn dismissed(&self) -> Option<Closing> {
        lock(&self.0).dismissed
    }

    /// For the connection: how inputs came since the last call.
    pub(super) fn report(&self) -> Arrivals {
        lock(&self.0).inputs.report()
    }
}

//! Whether a line is alive. A socket looks open long after the last byte has come through, so each line counts its
//! silence: after two heartbeats without a sign of life it is dead.

use std::cell::Cell;
use std::rc::Rc;

use shared::feed::Heartbeat;

use super::clock::{self, frame_ms};
use super::notify::Notify;

/// The longest silence of a line that has not said its own, in milliseconds.
const HEARTBEAT_MS: u32 = 15_000;
/// No line says a shorter one: a busy page reads late.
const HEARTBEAT_MS_MIN: u32 = 250;

/// A line as its reader hears it. Its clones are the same line.
#[derive(Clone)]
pub(crate) struct Line(Rc<State>);

struct State {
    heard_ms: Cell<f64>,
    every_ms: Cell<u32>,
    /// Notified when the line is known to be lost.
    lost: Notify,
}

impl Line {
    /// A line that is being opened. Opening it may take as long as silence may.
    pub(crate) fn new() -> Self {
        Self(Rc::new(State {
            heard_ms: Cell::new(frame_ms()),
            every_ms: Cell::new(HEARTBEAT_MS),
            lost: Notify::new(),
        }))
    }

    /// Something came through.
    pub(crate) fn heard(&self) {
        self.0.heard_ms.set(frame_ms());
    }

    /// A heartbeat came through. It also says the server's time.
    pub(crate) fn beat(&self, beat: Heartbeat) {
        self.0.every_ms.set(beat.every_ms.max(HEARTBEAT_MS_MIN));
        clock::heard(clock::date_ms(beat.at_ms));
        self.heard();
    }

    /// The line is lost.
    pub(crate) fn lose(&self) {
        self.0.lost.notify();
    }

    /// Whether the line is known to be lost.
    pub(crate) fn is_lost(&self) -> bool {
        self.0.lost.is_given()
    }

    /// Waits until the line is lost, at most for this many milliseconds.
    pub(crate) async fn lost_within(&self, ms: u32) {
        self.0.lost.notified_within(ms).await;
    }

    /// Waits until the line is lost, or dead.
    pub(crate) async fn ended(&self) {
        while !self.is_lost() {
            let limit_ms = f64::from(self.0.every_ms.get()) * 2.0;
            let left_ms = self.0.heard_ms.get() + limit_ms - frame_ms();
            if left_ms <= 0.0 {
                return;
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates"
            )]
            self.0.lost.notified_within(left_ms.ceil() as u32).await;
        }
    }
}

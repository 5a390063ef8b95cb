//! When a connection is pinged, and when it counts as dead. Time is an argument, except for the time that a heartbeat
//! tells.

use std::time::{Duration, Instant};

use shared::feed::Heartbeat;

use crate::clock::now_ms;

/// How long a client has to answer a ping.
pub const PONG_WITHIN: Duration = Duration::from_secs(10);

/// What a connection has to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepaliveAction {
    /// Send a ping.
    Ping,
    /// The last ping was not answered in time.
    Dead,
}

/// Pings at a fixed period, measured from ping to ping. Each ping must be answered within [`PONG_WITHIN`].
#[derive(Debug, Clone, Copy)]
pub struct Keepalive {
    /// When the next action is due.
    due: Instant,
    /// When the next ping is due, if the last one is answered.
    next_ping: Instant,
    period: Duration,
    asked: bool,
}

impl Keepalive {
    /// The first ping falls at a random moment within the period, so that sockets opened together do not ping together.
    #[must_use]
    pub fn new(period: Duration, now: Instant) -> Self {
        let first = now + period.mul_f64(rand::random());
        Self { due: first, next_ping: first, period, asked: false }
    }

    /// When [`Keepalive::poll`] returns an action.
    #[must_use]
    pub const fn due(&self) -> Instant {
        self.due
    }

    /// The action that is due now. `None` before [`Keepalive::due`].
    pub fn poll(&mut self, now: Instant) -> Option<KeepaliveAction> {
        if now < self.due {
            return None;
        }
        if self.asked {
            return Some(KeepaliveAction::Dead);
        }
        self.asked = true;
        self.next_ping = now + self.period;
        self.due = now + PONG_WITHIN;
        Some(KeepaliveAction::Ping)
    }

    /// A pong came.
    pub fn pong(&mut self) {
        if self.asked {
            self.asked = false;
            self.due = self.next_ping;
        }
    }
}

/// What a heartbeat says now. `every` is the longest silence of its connection.
#[must_use]
pub fn heartbeat_now(every: Duration) -> Heartbeat {
    let every_ms = u32::try_from(every.as_millis()).unwrap_or(u32::MAX);
    Heartbeat { at_ms: now_ms(), every_ms, late_since_ms: None }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Keepalive, KeepaliveAction, PONG_WITHIN};

    #[test]
    fn pings_keep_their_pace_however_late_the_answers() {
        let (began, period) = (Instant::now(), Duration::from_secs(20));
        let mut keepalive = Keepalive::new(period, began);
        let first = keepalive.due();
        assert!(first >= began && first <= began + period);
        assert_eq!(keepalive.poll(first - Duration::from_nanos(1)), None);
        assert_eq!(keepalive.poll(first), Some(KeepaliveAction::Ping));

        keepalive.pong();

        assert_eq!(keepalive.due(), first + period);
        assert_eq!(keepalive.poll(first + period), Some(KeepaliveAction::Ping));
    }

    #[test]
    fn a_client_that_does_not_answer_is_dead() {
        let now = Instant::now();
        let mut keepalive = Keepalive::new(Duration::from_secs(20), now);
        let first = keepalive.due();

        assert_eq!(keepalive.poll(first), Some(KeepaliveAction::Ping));
        assert_eq!(keepalive.poll(first + PONG_WITHIN - Duration::from_nanos(1)), None);
        assert_eq!(keepalive.poll(first + PONG_WITHIN), Some(KeepaliveAction::Dead));
    }
}

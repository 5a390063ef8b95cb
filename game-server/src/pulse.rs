//! When a connection is asked whether it lives, and when it is taken for dead. Knows no clock: it is told the time.

use std::time::{Duration, Instant};

/// How long a client has to answer a ping.
pub const PONG_WITHIN: Duration = Duration::from_secs(10);

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Send a ping.
    Ping,
    /// The last ping was not answered in time.
    Dead,
}

/// Pings at a steady pace, counted from ping to ping; each wants its answer within [`PONG_WITHIN`].
#[derive(Debug, Clone, Copy)]
pub struct Pulse {
    /// When there is something to do.
    due: Instant,
    /// When the next ping follows the last one, should that be answered.
    next_ping: Instant,
    period: Duration,
    asked: bool,
}

impl Pulse {
    /// A pulse whose first ping falls anywhere within the period, so that sockets opened together beat apart.
    #[must_use]
    pub fn new(period: Duration, now: Instant) -> Self {
        let first = now + period.mul_f64(rand::random());
        Self { due: first, next_ping: first, period, asked: false }
    }

    /// When [`Pulse::beat`] has something to say.
    #[must_use]
    pub const fn due(&self) -> Instant {
        self.due
    }

    /// What is due now, if anything.
    pub fn beat(&mut self, now: Instant) -> Option<Beat> {
        if now < self.due {
            return None;
        }
        if self.asked {
            return Some(Beat::Dead);
        }
        self.asked = true;
        self.next_ping = now + self.period;
        self.due = now + PONG_WITHIN;
        Some(Beat::Ping)
    }

    /// A pong came.
    pub fn pong(&mut self) {
        if self.asked {
            self.asked = false;
            self.due = self.next_ping;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Beat, PONG_WITHIN, Pulse};

    #[test]
    fn pings_keep_their_pace_however_late_the_answers() {
        let (began, period) = (Instant::now(), Duration::from_secs(20));
        let mut pulse = Pulse::new(period, began);
        let first = pulse.due();
        assert!(first >= began && first <= began + period);
        assert_eq!(pulse.beat(first - Duration::from_nanos(1)), None);
        assert_eq!(pulse.beat(first), Some(Beat::Ping));

        pulse.pong();

        assert_eq!(pulse.due(), first + period);
        assert_eq!(pulse.beat(first + period), Some(Beat::Ping));
    }

    #[test]
    fn who_does_not_answer_is_dead() {
        let now = Instant::now();
        let mut pulse = Pulse::new(Duration::from_secs(20), now);
        let first = pulse.due();

        assert_eq!(pulse.beat(first), Some(Beat::Ping));
        assert_eq!(pulse.beat(first + PONG_WITHIN - Duration::from_nanos(1)), None);
        assert_eq!(pulse.beat(first + PONG_WITHIN), Some(Beat::Dead));
    }
}

//! The server's clock, as it is heard over the line.
//!
//! A visitor's wall clock may be wrong or jump, so no picture of time uses it. The steady clock of the program counts,
//! and each message of the server that says its time tells how far that clock is ahead of the steady one.

/// How far the rates of two clocks may differ. Without it, one early estimate would hold for ever.
const DRIFT: f64 = 0.000_2;
/// A message that seems late by more than this was not late: the server's clock was set back.
const SET_BACK_MS: f64 = 2_000.0;
/// So many in a row say so.
const SET_BACK_COUNT: u8 = 3;

/// An estimate of the server's clock. Times are in milliseconds; the steady clock may begin anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ServerClock {
    estimate: Option<Estimate>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Estimate {
    /// The server's clock minus the steady one.
    ahead_ms: f64,
    /// When it was last confirmed, on the steady clock.
    at_ms: f64,
    /// How many messages in a row were much too late.
    late: u8,
}

impl ServerClock {
    /// A clock of which nothing was heard.
    #[must_use]
    pub const fn new() -> Self {
        Self { estimate: None }
    }

    /// Whether the server has said its time.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.estimate.is_some()
    }

    /// The server said its time, and the message arrived at `steady_ms`.
    ///
    /// Messages only come late and never early, so the greatest difference is the truest.
    pub fn heard(&mut self, server_ms: f64, steady_ms: f64) {
        let ahead_ms = server_ms - steady_ms;
        let fresh = Estimate { ahead_ms, at_ms: steady_ms, late: 0 };
        let Some(known) = &mut self.estimate else {
            self.estimate = Some(fresh);
            return;
        };
        let least_ms = known.ahead_ms - (steady_ms - known.at_ms).max(0.0) * DRIFT;
        if ahead_ms >= least_ms {
            *known = fresh;
        } else if ahead_ms >= least_ms - SET_BACK_MS {
            *known = Estimate { ahead_ms: least_ms, ..fresh };
        } else if known.late + 1 >= SET_BACK_COUNT {
            *known = fresh;
        } else {
            known.late += 1;
        }
    }

    /// The server's time at `steady_ms`. `None` before it was heard.
    #[must_use]
    pub fn at(&self, steady_ms: f64) -> Option<f64> {
        self.estimate.map(|known| steady_ms + known.ahead_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::ServerClock;

    #[test]
    fn the_quickest_message_tells_the_time_and_late_ones_change_little() {
        let mut clock = ServerClock::new();
        assert_eq!(clock.at(5.0), None);

        clock.heard(1_000_000.0, 400.0); // 400 ms on the way.
        clock.heard(1_001_000.0, 1_010.0); // 10 ms.
        clock.heard(1_002_000.0, 2_900.0); // 900 ms.

        let error = clock.at(3_000.0).unwrap() - 1_003_000.0;
        assert!((-12.0..=0.0).contains(&error), "{error} ms");
    }

    #[test]
    fn a_clock_that_drifts_is_followed() {
        let mut clock = ServerClock::new();
        // The steady clock is quick by 100 ppm.
        for minute in 0..600 {
            let server = 60_000.0 * f64::from(minute);
            clock.heard(server, server * 1.000_1);
        }
        let error = clock.at(599.0 * 60_000.0 * 1.000_1).unwrap() - 599.0 * 60_000.0;
        assert!(error.abs() < 20.0, "{error} ms");
    }

    #[test]
    fn a_server_whose_clock_is_set_is_believed() {
        let mut clock = ServerClock::new();
        clock.heard(1_000_000.0, 0.0);
        clock.heard(9_000_000.0, 100.0);
        assert_eq!(clock.at(100.0), Some(9_000_000.0), "forward at once");

        for beat in [200.0, 300.0, 400.0] {
            clock.heard(2_000_000.0 + beat, beat);
        }

        assert_eq!(clock.at(400.0), Some(2_000_400.0), "backward after three");
    }
}

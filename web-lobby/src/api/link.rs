//! How each part of the page is fed: over which transport, and how that stands.

/// A way to get data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One request when asked for.
    Http,
    /// A request that the server holds until there is an answer.
    LongPoll,
    /// Server-sent events.
    Sse,
    /// Both ways.
    WebSocket,
}

impl Transport {
    /// The name to show.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::LongPoll => "long-poll",
            Self::Sse => "SSE",
            Self::WebSocket => "WebSocket",
        }
    }
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// Not wanted now.
    Idle,
    /// Being opened for the first time.
    Connecting,
    /// Open.
    Live,
    /// Open in another tab, which passes everything on.
    Shared,
    /// The server holds the question.
    Waiting,
    /// Cut; the next try is at this time (milliseconds since 1970).
    Reconnecting {
        /// When.
        at_ms: u64,
    },
    /// The server does not want it back.
    Closed,
    /// Fetched at this time (milliseconds since 1970).
    Fetched {
        /// When.
        at_ms: u64,
    },
}

impl LinkState {
    /// The word that tests and style sheets know it by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Live | Self::Shared => "live",
            Self::Waiting => "waiting",
            Self::Reconnecting { .. } => "reconnecting",
            Self::Closed => "closed",
            Self::Fetched { .. } => "fetched",
        }
    }

    /// What it says now (milliseconds since 1970). `clock` writes a time of day.
    #[must_use]
    pub fn text(self, now_ms: u64, clock: impl Fn(u64) -> String) -> String {
        match self {
            Self::Idle => "idle".to_owned(),
            Self::Connecting => "connecting".to_owned(),
            Self::Live => "live".to_owned(),
            Self::Shared => "live, through another tab".to_owned(),
            Self::Waiting => "waiting".to_owned(),
            Self::Reconnecting { at_ms } if at_ms <= now_ms => "reconnecting".to_owned(),
            Self::Reconnecting { at_ms } => {
                format!("reconnecting in {} s", (at_ms - now_ms).div_ceil(1000))
            }
            Self::Closed => "closed".to_owned(),
            Self::Fetched { at_ms } => clock(at_ms),
        }
    }
}

/// The first wait after a cut, in milliseconds. Each failure doubles it.
const WAIT_MS_MIN: u64 = 1_000;
/// The longest wait between two tries, in milliseconds.
const WAIT_MS_MAX: u64 = 20_000;

/// How long to wait before try number `failures + 1`, in milliseconds: growing, and between a half and
/// the whole of that, by `chance` (0 to 1), so that a thousand pages do not come back at once.
#[must_use]
pub fn wait_ms(failures: u32, chance: f64) -> u64 {
    let longest = WAIT_MS_MIN.saturating_mul(1 << failures.min(16)).min(WAIT_MS_MAX);
    longest / 2 + (longest as f64 / 2.0 * chance.clamp(0.0, 1.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::{LinkState, WAIT_MS_MAX, wait_ms};

    #[test]
    fn waits_grow_to_a_limit_and_differ() {
        assert_eq!(wait_ms(0, 0.0), 500);
        assert_eq!(wait_ms(0, 1.0), 1_000);
        assert_eq!(wait_ms(3, 0.5), 6_000);
        assert_eq!(wait_ms(99, 1.0), WAIT_MS_MAX);
    }

    #[test]
    fn a_cut_connection_counts_down() {
        let state = LinkState::Reconnecting { at_ms: 10_000 };

        assert_eq!(state.text(7_001, |_| String::new()), "reconnecting in 3 s");
        assert_eq!(state.text(10_000, |_| String::new()), "reconnecting");
    }
}

//! Which transport feeds a part of the page, and the state of that transport.
//!
//! Values only: the other files of `api` set them, and `components::badge` shows them.

/// A way for data to reach the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One request and one answer.
    Pull,
    /// A request that the server holds until it has news.
    LongPoll,
    /// Server-sent events.
    Events,
    /// One body that is used while it arrives.
    Stream,
    /// Messages in both directions.
    Socket,
}

impl Transport {
    /// The short name on the badge.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pull => "HTTP",
            Self::LongPoll => "long-poll",
            Self::Events => "SSE",
            Self::Stream => "HTTP stream",
            Self::Socket => "WebSocket",
        }
    }

    /// Why this part uses it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Pull => "Asked once, and again when you press refresh: this changes rarely.",
            Self::LongPoll => {
                "The server holds the answer until there is news: you hear of a match at once, and the search survives every disconnect."
            }
            Self::Events => {
                "Server-sent events: one way, from server to page, resumed from the last event after a disconnect."
            }
            Self::Stream => {
                "One HTTP body that plays while it arrives: the same bytes that the players get, in order and with one request."
            }
            Self::Socket => "A WebSocket: lines go both ways on one connection.",
        }
    }
}

/// The state of a transport.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Status {
    /// Not in use.
    #[default]
    Idle,
    /// Connecting for the first time.
    Connecting,
    /// Data flows.
    Live,
    /// The connection is alive, and the server has had nothing to send since this time, in milliseconds since 1970, because
    /// it does not hear of the others.
    Late(u64),
    /// A body of a known length is arriving.
    Loading,
    /// The server holds the request until it has news.
    Waiting,
    /// Answered, at this time of day.
    Fetched(String),
    /// Disconnected. Zero seconds mean that the next attempt is being made.
    Reconnecting {
        /// Seconds until the next attempt.
        seconds: u32,
    },
    /// Closed while the page is hidden.
    Resting,
    /// Everything has arrived.
    Complete,
    /// Given up for good, with the reason.
    Stopped(String),
}

impl Status {
    /// Whether the connection is alive.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self, Self::Live | Self::Late(_))
    }

    /// Whether it was given up for good.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        matches!(self, Self::Stopped(_))
    }

    /// The state as one word, for style sheets and tests.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Late(_) => "late",
            Self::Loading => "loading",
            Self::Waiting => "waiting",
            Self::Fetched(_) => "fetched",
            Self::Reconnecting { .. } => "reconnecting",
            Self::Resting => "resting",
            Self::Complete => "complete",
            Self::Stopped(_) => "stopped",
        }
    }

    /// The state as people read it.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Idle => "not connected".to_owned(),
            Self::Connecting => "connecting …".to_owned(),
            Self::Live => "live".to_owned(),
            Self::Late(_) => "late".to_owned(),
            Self::Loading => "loading".to_owned(),
            Self::Waiting => "waiting".to_owned(),
            Self::Fetched(time) => time.clone(),
            Self::Reconnecting { seconds: 0 } => "reconnecting …".to_owned(),
            Self::Reconnecting { seconds } => format!("reconnecting in {seconds} s"),
            Self::Resting => "resting".to_owned(),
            Self::Complete => "complete".to_owned(),
            Self::Stopped(_) => "stopped".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn a_status_is_readable() {
        let status = Status::Reconnecting { seconds: 3 };

        assert_eq!(status.words(), "reconnecting in 3 s");
        assert_eq!(status.state(), "reconnecting");
    }
}

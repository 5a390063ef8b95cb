//! What a part of the page says about how it is fed: over which transport, and whether data flows.
//!
//! Values only. The other files of `api` set them, `components::badge` shows them.

/// A way for data to reach the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One request, one answer.
    Pull,
    /// A request that the server holds until there is an answer.
    LongPoll,
    /// Server-sent events.
    Events,
    /// One body that is used while it arrives.
    Stream,
    /// Two ways at once.
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
                "The server holds the answer until there is news, so a match is told at once and survives any cut."
            }
            Self::Events => {
                "Server-sent events: one way, from server to page, resumed from the last event after a cut."
            }
            Self::Stream => {
                "One HTTP body that plays while it arrives: the same bytes that the players get, in order and without asking again."
            }
            Self::Socket => "A WebSocket: lines go both ways on one connection.",
        }
    }
}

/// How a transport stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Link {
    /// Not asked for.
    #[default]
    Idle,
    /// On its way for the first time.
    Connecting,
    /// Data flows.
    Live,
    /// Something of a known end flows.
    Loading,
    /// The server holds the question until it has an answer.
    Waiting,
    /// Asked and answered, at this time of day.
    Fetched(String),
    /// Cut; the next try comes in so many seconds. Zero: it is being made.
    Reconnecting {
        /// Seconds until the next try.
        seconds: u32,
    },
    /// Closed while nobody looks at the page.
    Resting,
    /// All there was has come.
    Complete,
    /// It makes no sense to try again; this is why.
    Stopped(String),
}

impl Link {
    /// Whether it makes no sense to try again.
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
    use super::Link;

    #[test]
    fn a_link_says_what_it_does_meanwhile() {
        let link = Link::Reconnecting { seconds: 3 };

        assert_eq!(link.words(), "reconnecting in 3 s");
        assert_eq!(link.state(), "reconnecting");
    }
}

//! Problem documents: `application/problem+json` (RFC 9457) with a stable type for each reason.

use serde::{Deserialize, Serialize};

/// Why a request was refused. The wire form, such as `/problems/room-full`, never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The body, a parameter or a header is malformed or missing.
    BadRequest,
    /// The name breaks a rule of [`crate::id::PlayerName`].
    BadName,
    /// `?after=` is not a cursor.
    BadCursor,
    /// The call needs a session.
    SignIn,
    /// The session may not do this.
    Forbidden,
    /// The request comes from a page of another site.
    ForeignOrigin,
    /// The request is for a host that is none of the server's names.
    UnknownHost,
    /// No such route, room, player or replay.
    NotFound,
    /// The route does not support the method.
    MethodNotAllowed,
    /// The cursor is older than the log of the feed, or from before a restart. The answer carries a snapshot.
    CursorGone,
    /// The ticket or matchmaking request has ended.
    Gone,
    /// Every seat of the room is taken.
    RoomFull,
    /// The room has ended.
    RoomEnded,
    /// The ticket was used, has expired, or belongs to another player or purpose.
    BadTicket,
    /// The server supports none of the offered subprotocols.
    ProtocolVersion,
    /// The WebSocket handshake lacks something.
    BadUpgrade,
    /// The server has none of the accepted media types.
    NotAcceptable,
    /// The body is longer than the limit of the route.
    TooLarge,
    /// The headers of the request are longer than the server takes, mostly because of cookies.
    HeadTooLarge,
    /// Too many requests or connections from this address.
    TooMany,
    /// The server has reached its limit of connections or rooms.
    Overloaded,
    /// The server is starting.
    Starting,
    /// The data cannot be read or written just now, because something else holds the database. Nothing was changed: try
    /// again.
    Busy,
    /// The server is stopping.
    Stopping,
    /// The server failed. Its log has the details.
    Internal,
}

impl ProblemKind {
    /// All kinds, for documentation and tests.
    pub const ALL: [Self; 25] = [
        Self::BadRequest,
        Self::BadName,
        Self::BadCursor,
        Self::SignIn,
        Self::Forbidden,
        Self::ForeignOrigin,
        Self::UnknownHost,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::CursorGone,
        Self::Gone,
        Self::RoomFull,
        Self::RoomEnded,
        Self::BadTicket,
        Self::ProtocolVersion,
        Self::BadUpgrade,
        Self::NotAcceptable,
        Self::TooLarge,
        Self::HeadTooLarge,
        Self::TooMany,
        Self::Overloaded,
        Self::Starting,
        Self::Busy,
        Self::Stopping,
        Self::Internal,
    ];

    /// The `type` member: a stable relative URI.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        self.parts().0
    }

    /// The HTTP status that it travels with.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.parts().1
    }

    /// The `title` member: the same sentence each time.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.parts().2
    }

    const fn parts(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::BadRequest => ("/problems/bad-request", 400, "The request cannot be understood"),
            Self::BadName => ("/problems/bad-name", 422, "That name cannot be used"),
            Self::BadCursor => ("/problems/bad-cursor", 400, "That is no cursor of this feed"),
            Self::SignIn => ("/problems/sign-in", 401, "Sign in first"),
            Self::Forbidden => ("/problems/forbidden", 403, "That is not yours to do"),
            Self::ForeignOrigin => {
                ("/problems/foreign-origin", 403, "Other sites may not ask for this")
            }
            Self::UnknownHost => {
                ("/problems/unknown-host", 421, "This server does not have that name")
            }
            Self::NotFound => ("/problems/not-found", 404, "There is no such thing here"),
            Self::MethodNotAllowed => {
                ("/problems/method-not-allowed", 405, "This address does not take that method")
            }
            Self::CursorGone => ("/problems/cursor-gone", 410, "Start again from this snapshot"),
            Self::Gone => ("/problems/gone", 410, "That has ended"),
            Self::RoomFull => ("/problems/room-full", 409, "The room is full"),
            Self::RoomEnded => ("/problems/room-ended", 410, "The room has ended"),
            Self::BadTicket => ("/problems/bad-ticket", 401, "That ticket does not open this door"),
            Self::ProtocolVersion => {
                ("/problems/protocol-version", 400, "Client and server speak different versions")
            }
            Self::BadUpgrade => ("/problems/bad-upgrade", 400, "That is no WebSocket handshake"),
            Self::NotAcceptable => {
                ("/problems/not-acceptable", 406, "None of the accepted types can be served")
            }
            Self::TooLarge => ("/problems/too-large", 413, "That is too long"),
            Self::HeadTooLarge => {
                ("/problems/head-too-large", 431, "The headers of the request are too long")
            }
            Self::TooMany => ("/problems/too-many", 429, "Too many at once from this address"),
            Self::Overloaded => ("/problems/overloaded", 503, "The server is full"),
            Self::Starting => ("/problems/starting", 503, "The server is starting"),
            Self::Busy => ("/problems/busy", 503, "The data is in use just now"),
            Self::Stopping => ("/problems/stopping", 503, "The server is stopping"),
            Self::Internal => ("/problems/internal", 500, "Something went wrong on the server"),
        }
    }
}

/// A problem document (RFC 9457): the body of each refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// The reason, as a stable relative URI.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(value_type = ProblemKind))]
    pub kind: String,
    /// The reason as a sentence, the same for each refusal of this type.
    pub title: String,
    /// The HTTP status of the answer.
    #[cfg_attr(feature = "openapi", schema(minimum = 400, maximum = 599))]
    pub status: u16,
    /// The details of this refusal, and what helps.
    pub detail: String,
    /// The id of the request, as in `X-Request-Id` of the answer and in the server's log. Missing when a connection is
    /// refused before its first request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, examples("9f3c51d2-17")))]
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem with details.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind: kind.uri().to_owned(),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            request_id: None,
        }
    }

    /// The kind. `None` when a newer server sent one that this build does not know.
    #[must_use]
    pub fn known_kind(&self) -> Option<ProblemKind> {
        ProblemKind::ALL.into_iter().find(|kind| kind.uri() == self.kind)
    }
}

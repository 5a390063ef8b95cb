//! Refusals as `application/problem+json` (RFC 9457): the one way in which a route says no.

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use shared::api::{Problem, ProblemKind};

use crate::device_links::DeviceLinkError;
use crate::limits::RETRY_AFTER_SECONDS;
use crate::storage::StoreError;
use crate::tickets::TicketError;

/// A refusal on its way to the client.
#[derive(Debug)]
pub struct HttpError {
    problem: Problem,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What most routes return.
pub type HttpResult<T> = Result<T, HttpError>;

impl HttpError {
    /// A refusal with a sentence that helps. Refusals for load carry `Retry-After`.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let refusal = Self { problem: Problem::new(kind, detail), headers: Vec::new() };
        match kind {
            ProblemKind::TooMany | ProblemKind::Overloaded | ProblemKind::Stopping => {
                refusal.with_header(RETRY_AFTER, RETRY_AFTER_SECONDS.into())
            }
            ProblemKind::SignIn => {
                refusal.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            ProblemKind::BadRequest
            | ProblemKind::BadName
            | ProblemKind::BadCursor
            | ProblemKind::Forbidden
            | ProblemKind::ForeignOrigin
            | ProblemKind::NotFound
            | ProblemKind::MethodNotAllowed
            | ProblemKind::CursorGone
            | ProblemKind::Gone
            | ProblemKind::RoomFull
            | ProblemKind::RoomEnded
            | ProblemKind::BadTicket
            | ProblemKind::ProtocolVersion
            | ProblemKind::BadUpgrade
            | ProblemKind::NotAcceptable
            | ProblemKind::TooLarge
            | ProblemKind::Internal => refusal,
        }
    }

    /// The same refusal under a status that fits better than its kind's own.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.problem.status = status.as_u16();
        self
    }

    /// With one more header, or in place of one that is there.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
        self
    }

    /// Too often, and when one more may come.
    #[must_use]
    pub fn too_often(detail: &'static str, wait: Duration) -> Self {
        Self::new(ProblemKind::TooMany, detail)
            .with_header(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)))
    }

    /// Nothing by that name.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ProblemKind::NotFound, format!("There is no such {what}."))
    }

    /// What the client is told, as data.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers);
        response
    }
}

impl From<StoreError> for HttpError {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        Self::new(ProblemKind::Internal, "The data could not be read or written. Try again later.")
    }
}

impl From<TicketError> for HttpError {
    fn from(error: TicketError) -> Self {
        let kind = match error {
            TicketError::TooMany => ProblemKind::Overloaded,
            TicketError::Invalid => ProblemKind::BadTicket,
        };
        Self::new(kind, sentence(&error.to_string()))
    }
}

impl From<DeviceLinkError> for HttpError {
    fn from(error: DeviceLinkError) -> Self {
        let kind = match error {
            DeviceLinkError::TooMany => ProblemKind::Overloaded,
            DeviceLinkError::Invalid => ProblemKind::BadTicket,
        };
        Self::new(kind, sentence(&error.to_string()))
    }
}

impl From<JsonRejection> for HttpError {
    fn from(rejection: JsonRejection) -> Self {
        let detail = sentence(&rejection.body_text());
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(ProblemKind::TooLarge, detail),
            status @ StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Self::new(ProblemKind::BadRequest, detail).with_status(status)
            }
            _ => Self::new(ProblemKind::BadRequest, detail),
        }
    }
}

impl From<PathRejection> for HttpError {
    fn from(_: PathRejection) -> Self {
        Self::not_found("thing: no id looks like the one in the address")
    }
}

impl From<QueryRejection> for HttpError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(ProblemKind::BadRequest, sentence(&rejection.body_text()))
    }
}

/// An error's text as a sentence for people.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

/// What a panic in a handler becomes.
pub(super) fn internal() -> HttpError {
    HttpError::new(ProblemKind::Internal, "The request could not be answered. The log says more.")
}

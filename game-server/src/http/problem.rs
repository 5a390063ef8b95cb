//! Refusals as `application/problem+json` (RFC 9457): the body and the headers of every answer from 400 on.
//!
//! A [`ProblemResponse`] leaves a handler without its body: `finish` writes it outside of all routes, where the id of
//! the request is known.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shared::api::{Problem, ProblemKind};
use tower_http::request_id::RequestId;

use super::refusal::Refusal;
use crate::limits::RETRY_AFTER_SECONDS;
use crate::node::NodeName;

/// The media type of every refusal.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal on its way to the client.
#[derive(Debug)]
pub struct ProblemResponse {
    document: Document,
    headers: HeaderMap,
    /// The node that knows more.
    node: Option<NodeName>,
    /// Whether any other node does what was asked for.
    is_for_another: bool,
}

/// What was asked for is on another node. [`super::guard`] sends the client there.
#[derive(Debug, Clone)]
pub(super) struct OnNode(pub(super) NodeName);

/// This node does not do what was asked for, and any other one does. [`super::guard`] sends the client there.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnAnother;

/// The body, until `finish` writes it.
#[derive(Debug, Clone)]
struct Document {
    problem: Problem,
    /// A JSON object: its members follow those of the problem.
    members: Option<Bytes>,
}

impl ProblemResponse {
    /// A refusal. `detail` is a sentence for the user about this case and a way out of it. Refusals for load carry
    /// `Retry-After`.
    #[must_use]
    pub fn new(refusal: Refusal, detail: impl Into<String>) -> Self {
        let mut problem = Problem::new(refusal.kind, detail);
        problem.status = refusal.status;
        let response = Self {
            document: Document { problem, members: None },
            headers: HeaderMap::new(),
            node: None,
            is_for_another: false,
        };
        match refusal.kind {
            ProblemKind::TooMany
            | ProblemKind::Overloaded
            | ProblemKind::Starting
            | ProblemKind::Busy
            | ProblemKind::Stopping => {
                response.with_header(RETRY_AFTER, RETRY_AFTER_SECONDS.into())
            }
            ProblemKind::SignIn => {
                response.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            ProblemKind::BadRequest
            | ProblemKind::BadName
            | ProblemKind::BadCursor
            | ProblemKind::Forbidden
            | ProblemKind::ForeignOrigin
            | ProblemKind::UnknownHost
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
            | ProblemKind::HeadTooLarge
            | ProblemKind::Internal => response,
        }
    }

    /// A refusal whose detail is the text of an error.
    #[must_use]
    pub fn of(refusal: Refusal, error: &impl std::error::Error) -> Self {
        Self::new(refusal, sentence(&error.to_string()))
    }

    /// With one more header, or in place of one that is there.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With the time after which one more request may come.
    #[must_use]
    pub fn with_wait(self, wait: Duration) -> Self {
        self.with_header(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)))
    }

    /// Sends the client to another node instead, unless its request named this one.
    #[must_use]
    pub(super) fn on_node(self, node: NodeName) -> Self {
        Self { node: Some(node), ..self }
    }

    /// Sends the client to any other node instead, if there is one, unless its request named this one.
    #[must_use]
    pub(super) fn on_another(self) -> Self {
        Self { is_for_another: true, ..self }
    }

    /// With the members of a JSON object after the problem's own (RFC 9457 §3.2).
    #[must_use]
    pub(super) fn with_members(mut self, object: Bytes) -> Self {
        self.document.members = Some(object);
        self
    }

    /// Whether this is the declared refusal.
    pub(super) fn is(&self, refusal: &Refusal) -> bool {
        let problem = &self.document.problem;
        problem.kind == refusal.kind.uri() && problem.status == refusal.status
    }
}

impl IntoResponse for ProblemResponse {
    fn into_response(mut self) -> Response {
        let status = self.document.problem.status;
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        self.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let mut response = Response::default();
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = self.headers;
        response.extensions_mut().insert(self.document);
        if let Some(node) = self.node {
            response.extensions_mut().insert(OnNode(node));
        }
        if self.is_for_another {
            response.extensions_mut().insert(OnAnother);
        }
        response
    }
}

/// Writes the body of a refusal, with the id of the request that it answers. Other answers pass as they are.
pub(super) fn finish(mut response: Response) -> Response {
    let Some(mut document) = response.extensions_mut().remove::<Document>() else {
        return response;
    };
    let id = response.extensions().get::<RequestId>();
    let id = id.and_then(|id| id.header_value().to_str().ok());
    document.problem.request_id = id.map(str::to_owned);
    tracing::debug!(
        kind = document.problem.kind,
        detail = document.problem.detail,
        "a request is refused"
    );
    *response.body_mut() = Body::from(document.encode());
    response
}

impl Document {
    fn encode(self) -> Vec<u8> {
        let mut body = serde_json::to_vec(&self.problem).unwrap_or_default();
        if let Some([b'{', members @ ..]) = self.members.as_deref() {
            // Two JSON objects become one.
            body.pop();
            body.push(b',');
            body.extend_from_slice(members);
        }
        body
    }
}

/// An error's text as a sentence for people.
#[must_use]
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use bytes::Bytes;
    use http::HeaderValue;
    use serde_json::{Value, json};
    use tower_http::request_id::RequestId;

    use super::{ProblemResponse, finish};
    use crate::http::refusal::CURSOR_GONE;

    #[tokio::test]
    async fn a_problem_carries_the_id_of_its_request_and_further_members() {
        let problem = ProblemResponse::new(CURSOR_GONE, "Go on from here.")
            .with_members(Bytes::from_static(br#"{"cursor":"1-2"}"#));
        let mut response = problem.into_response();
        let id = RequestId::new(HeaderValue::from_static("ab-1"));
        response.extensions_mut().insert(id);

        let body = axum::body::to_bytes(finish(response).into_body(), 1024).await.unwrap();

        let body: Value = serde_json::from_slice(&body).unwrap();
        let title = CURSOR_GONE.kind.title();
        assert_eq!(
            body,
            json!({"type": "/problems/cursor-gone", "title": title, "status": 410,
                "detail": "Go on from here.", "request_id": "ab-1", "cursor": "1-2"})
        );
    }
}

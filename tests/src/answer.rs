//! The answer to an HTTP request, read to its end.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use shared::api::{Problem, ProblemKind};

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// Reads an answer to its end.
    ///
    /// # Errors
    /// When the connection breaks before the end of the body.
    pub async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Self { status, headers, body: response.bytes().await? })
    }

    /// A header as text; empty when the answer does not have it.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or("(not text)"))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or("(not text)")
    }

    /// The body of a successful answer.
    ///
    /// # Panics
    /// When the status is an error, or the body is not a `T`.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "refused: {} {}", self.status, self.text());
        self.json_of_any_status()
    }

    /// The body of an answer of any status.
    ///
    /// # Panics
    /// When the body is not a `T`.
    #[must_use]
    pub fn json_of_any_status<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {} {}", self.status, self.text()))
    }

    /// Asserts that this is a refusal of this kind, in the format of RFC 9457, with a helpful sentence.
    ///
    /// # Panics
    /// When it is something else.
    pub fn assert_refused(&self, kind: ProblemKind) -> Problem {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem: Problem = self.json_of_any_status();
        assert_eq!(problem.known_kind(), Some(kind), "{problem:?}");
        assert_eq!(problem.status, self.status.as_u16(), "{problem:?}");
        assert_eq!(problem.title, kind.title());
        let detail = problem.detail.as_str();
        assert!(detail.len() >= 15 && detail.contains(' '), "no help: {detail:?}");
        problem
    }
}

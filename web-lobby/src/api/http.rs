//! One request, one answer: JSON in, JSON out, refusals as the sentences that the server sent.
//!
//! The session travels in the cookie that the server set, so no code here ever holds the token.

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::api::{Problem, ProblemKind};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit, Response};

/// Why a request has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
    /// No answer came: the server or the network is away.
    Offline,
    /// The server refused. `retry_in_s` when it said how long to wait, in seconds.
    Refused {
        /// What it said.
        problem: Problem,
        /// Its `Retry-After`.
        retry_in_s: Option<u32>,
    },
    /// The answer is not what this page was built for: the server is newer or older.
    Unreadable,
}

impl ApiError {
    /// What happened and what helps, as a sentence for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Offline => "The server does not answer.".to_owned(),
            Self::Refused { problem, retry_in_s: None } => problem.detail.clone(),
            Self::Refused { problem, retry_in_s: Some(seconds) } => {
                format!("{} Try again in {seconds} s.", problem.detail)
            }
            Self::Unreadable => {
                "The server speaks another version than this page: reload it.".to_owned()
            }
        }
    }

    /// The reason, when the server gave one that this build knows.
    #[must_use]
    pub fn kind(&self) -> Option<ProblemKind> {
        match self {
            Self::Refused { problem, .. } => problem.known_kind(),
            Self::Offline | Self::Unreadable => None,
        }
    }

    /// Whether the call needs a session and there is none (any more).
    #[must_use]
    pub fn is_sign_in(&self) -> bool {
        self.kind() == Some(ProblemKind::SignIn)
    }
}

/// A good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its HTTP status, 200 to 299.
    pub status: u16,
    /// Its body as text; empty when it has none.
    pub body: String,
}

impl Answer {
    /// The body as data.
    ///
    /// # Errors
    /// When it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_str(&self.body).or(Err(ApiError::Unreadable))
    }
}

/// Asks for data.
///
/// # Errors
/// When there is none: see [`ApiError`].
pub async fn get<T: DeserializeOwned>(path: &str) -> Result<T, ApiError> {
    ask("GET", path, None, None).await?.json()
}

/// Asks for an answer that may take long and may be given up.
///
/// # Errors
/// When there is none: see [`ApiError`]. Given up: [`ApiError::Offline`].
pub async fn hold(path: &str, until: &AbortSignal) -> Result<Answer, ApiError> {
    ask("GET", path, None, Some(until)).await
}

/// Sends data and reads the answer's.
///
/// # Errors
/// When the server refused or did not answer.
pub async fn post<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, ApiError> {
    let body = serde_json::to_string(body).or(Err(ApiError::Unreadable))?;
    ask("POST", path, Some(&body), None).await?.json()
}

/// Removes something.
///
/// # Errors
/// When the server refused or did not answer.
pub async fn delete(path: &str) -> Result<(), ApiError> {
    ask("DELETE", path, None, None).await.map(drop)
}

async fn ask(
    method: &str,
    path: &str,
    body: Option<&str>,
    until: Option<&AbortSignal>,
) -> Result<Answer, ApiError> {
    let response = send(method, path, body, until).await.or(Err(ApiError::Offline))?;
    let status = response.status();
    let text = read(&response).await.or(Err(ApiError::Offline))?;
    if response.ok() {
        return Ok(Answer { status, body: text });
    }
    let problem = serde_json::from_str(&text).unwrap_or_else(|_| unexplained(status));
    let retry_in_s = response.headers().get("retry-after").ok().flatten();
    Err(ApiError::Refused { problem, retry_in_s: retry_in_s.and_then(|text| text.parse().ok()) })
}

async fn send(
    method: &str,
    path: &str,
    body: Option<&str>,
    until: Option<&AbortSignal>,
) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set("accept", "application/json")?;
    let request = RequestInit::new();
    request.set_method(method);
    if let Some(body) = body {
        headers.set("content-type", "application/json")?;
        request.set_body(&JsValue::from_str(body));
    }
    request.set_headers(&headers);
    request.set_signal(until);
    let answer = JsFuture::from(super::page::window().fetch_with_str_and_init(path, &request));
    answer.await?.dyn_into()
}

async fn read(response: &Response) -> Result<String, JsValue> {
    Ok(JsFuture::from(response.text()?).await?.as_string().unwrap_or_default())
}

/// A refusal from something that is not the game's server, such as a proxy before it.
fn unexplained(status: u16) -> Problem {
    let detail = match status {
        502..=504 => "The server does not answer.".to_owned(),
        _ => format!("The server refused with status {status}."),
    };
    let problem = Problem::new(ProblemKind::Internal, detail);
    Problem { status, ..problem }
}

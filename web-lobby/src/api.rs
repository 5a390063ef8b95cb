//! Everything that asks the server: requests here, one file below for each transport. Pages and components
//! get signals. The session travels in the cookie that the server set: no script ever holds its token.

pub mod link;

pub mod session;

pub mod handover;

pub mod sse;

pub mod long_poll;

pub mod chat;

pub mod directory;

pub mod stream;

pub mod glimpses;

pub mod clipboard;
pub mod clock;
pub mod invitation;
pub mod storage;
pub mod wake;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::api::{Problem, ProblemKind};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, Request, RequestInit, Response};

/// A request that is not answered for so long, beyond what the server may hold it, has failed.
const ANSWER_MS_MAX: u32 = 15_000;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    /// No server answers.
    #[error("The server cannot be reached.")]
    Offline,
    /// The server says no, and why.
    #[error("{}", .problem.detail)]
    Refused {
        /// What it says.
        problem: Problem,
        /// Seconds after which it can be tried again.
        retry_after_s: Option<u32>,
    },
    /// The answer is not what this build expects.
    #[error(
        "The server's answer cannot be read. Reload the page: it may be older than the server."
    )]
    Unreadable,
}

impl ApiError {
    /// The kind of a refusal.
    pub(crate) fn kind(&self) -> Option<ProblemKind> {
        match self {
            Self::Refused { problem, .. } => problem.known_kind(),
            Self::Offline | Self::Unreadable => None,
        }
    }

    /// Whether the same request can succeed later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Offline => true,
            Self::Refused { problem, .. } => problem.status == 429 || problem.status >= 500,
            Self::Unreadable => false,
        }
    }

    /// Seconds that the server asked to wait.
    pub(crate) const fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Refused { retry_after_s, .. } => *retry_after_s,
            Self::Offline | Self::Unreadable => None,
        }
    }
}

/// `GET`, and the answer read as JSON.
pub(crate) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, ApiError> {
    let response = ask("GET", path, None, ANSWER_MS_MAX).await?;
    read(&response).await
}

/// `POST` with a JSON body, and the answer read as JSON.
pub(crate) async fn post<T: DeserializeOwned>(
    path: &str,
    body: &impl Serialize,
) -> Result<T, ApiError> {
    let body = serde_json::to_string(body).map_err(|_unencodable| ApiError::Unreadable)?;
    let response = ask("POST", path, Some(&body), ANSWER_MS_MAX).await?;
    read(&response).await
}

/// `POST` without a body.
pub(crate) async fn post_empty<T: DeserializeOwned>(path: &str) -> Result<T, ApiError> {
    let response = ask("POST", path, None, ANSWER_MS_MAX).await?;
    read(&response).await
}

/// `DELETE`; what the answer says does not matter.
pub(crate) async fn delete(path: &str) -> Result<(), ApiError> {
    ask("DELETE", path, None, ANSWER_MS_MAX).await.map(drop)
}

/// `GET` that the server may hold for `wait_s` seconds. Nothing: the wait ended without news.
pub(crate) async fn hold<T: DeserializeOwned>(
    path: &str,
    wait_s: u32,
) -> Result<Option<T>, ApiError> {
    let response = ask("GET", path, None, wait_s * 1_000 + ANSWER_MS_MAX).await?;
    if response.status() == 204 { Ok(None) } else { read(&response).await.map(Some) }
}

async fn ask(
    method: &str,
    path: &str,
    body: Option<&str>,
    limit_ms: u32,
) -> Result<Response, ApiError> {
    let init = RequestInit::new();
    init.set_method(method);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(limit_ms)));
    if let Some(body) = body {
        init.set_body(&JsValue::from_str(body));
        let headers = Headers::new().map_err(offline)?;
        headers.set("Content-Type", "application/json").map_err(offline)?;
        init.set_headers(&headers);
    }
    accepted(fetch(path, &init).await?).await
}

async fn fetch(path: &str, init: &RequestInit) -> Result<Response, ApiError> {
    let request = Request::new_with_str_and_init(path, init).map_err(offline)?;
    let window = web_sys::window().ok_or(ApiError::Offline)?;
    let response = JsFuture::from(window.fetch_with_request(&request)).await.map_err(offline)?;
    response.dyn_into().map_err(offline)
}

fn offline(_exception: JsValue) -> ApiError {
    ApiError::Offline
}

/// Lets a good answer through and reads the reason of a refusal.
async fn accepted(response: Response) -> Result<Response, ApiError> {
    if response.ok() {
        return Ok(response);
    }
    let retry_after_s = response
        .headers()
        .get("Retry-After")
        .ok()
        .flatten()
        .and_then(|seconds| seconds.parse().ok());
    // A proxy in between may refuse in its own words.
    let problem = read(&response).await.unwrap_or_else(|_| Problem {
        kind: String::new(),
        title: response.status_text(),
        status: response.status(),
        detail: format!("The server answered with status {}.", response.status()),
    });
    Err(ApiError::Refused { problem, retry_after_s })
}

async fn read<T: DeserializeOwned>(response: &Response) -> Result<T, ApiError> {
    let text = response.text().map_err(offline)?;
    let text = JsFuture::from(text).await.map_err(offline)?.as_string().unwrap_or_default();
    serde_json::from_str(&text).map_err(|_malformed| ApiError::Unreadable)
}

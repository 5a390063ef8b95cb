//! Everything that talks to the server: requests here, and a file below for each transport. Pages and components get
//! signals. The session travels in a cookie that the server set, so no script ever holds its token.
//!
//! Requests use the browser's `fetch` as it is. gloo-net 0.6, which the router brings, was looked at: it builds every
//! request twice, appends `&` to a path that has a query, panics where [`ApiError`] has a value, and has nothing for
//! bodies that arrive piece by piece, which [`stream`] needs.

pub mod transport;

pub mod session;

pub mod device_link;

pub mod pull;

pub mod long_poll;

pub mod sse;

pub mod stream;

pub mod thumbnails;

pub mod chat;

pub mod private_room;

pub mod clipboard;
pub mod clock;
pub mod invitation;
pub mod storage;

pub mod notify;
pub mod retry;
pub mod visibility;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::api::{Problem, ProblemKind};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, Request, RequestInit, Response};

/// How long a request may take beyond the time for which the server may hold it, in milliseconds.
const ANSWER_MS_MAX: u32 = 15_000;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    /// The server did not answer.
    #[error("The server cannot be reached.")]
    Offline,
    /// The server refused the request.
    #[error("{}", .problem.detail)]
    Refused {
        /// The server's reason.
        problem: Problem,
        /// Seconds after which the same request may succeed.
        retry_after_s: Option<u32>,
    },
    /// This build cannot read the answer.
    #[error(
        "The server's answer cannot be read. Reload the page: it may be older than the server."
    )]
    Unreadable,
}

impl ApiError {
    /// The kind of a refusal that this build knows.
    pub(crate) fn kind(&self) -> Option<ProblemKind> {
        match self {
            Self::Refused { problem, .. } => problem.known_kind(),
            Self::Offline | Self::Unreadable => None,
        }
    }

    /// Whether the same request can succeed later.
    pub(crate) fn may_succeed_later(&self) -> bool {
        match self {
            Self::Offline => true,
            Self::Refused { problem, .. } => problem.status == 429 || problem.status >= 500,
            Self::Unreadable => false,
        }
    }

    /// How many seconds the server asked to wait.
    pub(crate) const fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Refused { retry_after_s, .. } => *retry_after_s,
            Self::Offline | Self::Unreadable => None,
        }
    }
}

/// Sends a `GET` and reads the answer as JSON.
pub(crate) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, ApiError> {
    let response = request("GET", path, None, ANSWER_MS_MAX).await?;
    read(&response).await
}

/// Sends a `POST` with a JSON body and reads the answer as JSON.
pub(crate) async fn post<T: DeserializeOwned>(
    path: &str,
    body: &impl Serialize,
) -> Result<T, ApiError> {
    let body = serde_json::to_string(body).map_err(|_unencodable| ApiError::Unreadable)?;
    let response = request("POST", path, Some(&body), ANSWER_MS_MAX).await?;
    read(&response).await
}

/// Sends a `POST` without a body and reads the answer as JSON.
pub(crate) async fn post_empty<T: DeserializeOwned>(path: &str) -> Result<T, ApiError> {
    let response = request("POST", path, None, ANSWER_MS_MAX).await?;
    read(&response).await
}

/// Sends a `DELETE` and ignores the body of the answer.
pub(crate) async fn delete(path: &str) -> Result<(), ApiError> {
    request("DELETE", path, None, ANSWER_MS_MAX).await.map(drop)
}

/// Sends a `GET` that the server may hold for `wait_s` seconds. `None` when that time ended without news.
pub(crate) async fn long_poll<T: DeserializeOwned>(
    path: &str,
    wait_s: u32,
) -> Result<Option<T>, ApiError> {
    let response = request("GET", path, None, wait_s * 1_000 + ANSWER_MS_MAX).await?;
    if response.status() == 204 { Ok(None) } else { read(&response).await.map(Some) }
}

async fn request(
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
        let headers = Headers::new().map_err(to_offline)?;
        headers.set("Content-Type", "application/json").map_err(to_offline)?;
        init.set_headers(&headers);
    }
    check_status(fetch(path, &init).await?).await
}

async fn fetch(path: &str, init: &RequestInit) -> Result<Response, ApiError> {
    let request = Request::new_with_str_and_init(path, init).map_err(to_offline)?;
    let window = web_sys::window().ok_or(ApiError::Offline)?;
    let response = JsFuture::from(window.fetch_with_request(&request)).await.map_err(to_offline)?;
    response.dyn_into().map_err(to_offline)
}

fn to_offline(_exception: JsValue) -> ApiError {
    ApiError::Offline
}

/// Passes on a success and reads the reason of a refusal.
async fn check_status(response: Response) -> Result<Response, ApiError> {
    if response.ok() {
        return Ok(response);
    }
    let retry_after_s = response
        .headers()
        .get("Retry-After")
        .ok()
        .flatten()
        .and_then(|seconds| seconds.parse().ok());
    // A proxy in between may refuse with a body of its own.
    let problem = read(&response).await.unwrap_or_else(|_| Problem {
        kind: String::new(),
        title: response.status_text(),
        status: response.status(),
        detail: format!("The server answered with status {}.", response.status()),
        request_id: None,
    });
    Err(ApiError::Refused { problem, retry_after_s })
}

async fn read<T: DeserializeOwned>(response: &Response) -> Result<T, ApiError> {
    let text = response.text().map_err(to_offline)?;
    let text = JsFuture::from(text).await.map_err(to_offline)?.as_string().unwrap_or_default();
    serde_json::from_str(&text).map_err(|_malformed| ApiError::Unreadable)
}

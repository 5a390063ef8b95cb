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

pub mod line;
pub mod share;

pub mod attention;
pub mod clipboard;
pub mod clock;
pub mod invitation;
pub mod lenient;
pub mod server_address;
pub mod storage;

pub mod notify;
pub mod retry;
pub mod visibility;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::api::{Problem, ProblemKind};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, Headers, Request, RequestInit, Response};

/// How long a request may take beyond the time for which the server may hold it, in milliseconds.
const ANSWER_MS_MAX: u32 = 15_000;
/// The same for a request that the server holds: with its wait, less than two heartbeats of a stream.
const HELD_ANSWER_MS_MAX: u32 = 8_000;

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
    /// The server signed the visitor in, and the next request came without the session.
    #[error(
        "This browser did not keep the cookie that signs you in. Allow cookies for this site, and if it is served \
         over HTTPS, open it by its https:// address. Watching and replays work without."
    )]
    NoCookies,
    /// The browser lacks what the request needs.
    #[error("This browser is too old for this. A newer one shows it.")]
    OldBrowser,
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
            Self::Offline | Self::NoCookies | Self::OldBrowser | Self::Unreadable => None,
        }
    }

    /// Whether the same request can succeed later.
    pub(crate) fn may_succeed_later(&self) -> bool {
        match self {
            Self::Offline => true,
            Self::Refused { problem, .. } => problem.status == 429 || problem.status >= 500,
            Self::NoCookies | Self::OldBrowser | Self::Unreadable => false,
        }
    }

    /// How many seconds the server asked to wait.
    pub(crate) const fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Refused { retry_after_s, .. } => *retry_after_s,
            Self::Offline | Self::NoCookies | Self::OldBrowser | Self::Unreadable => None,
        }
    }
}

/// Sends a `GET` and reads the answer as JSON.
pub(crate) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, ApiError> {
    read(&request("GET", path, None, ANSWER_MS_MAX).await?)
}

/// Sends a `GET` and reads the answer as an object, without those items of its list `key` that are no `I`.
pub(crate) async fn get_list<T: DeserializeOwned, I: DeserializeOwned>(
    path: &str,
    key: &str,
) -> Result<T, ApiError> {
    let text = request("GET", path, None, ANSWER_MS_MAX).await?;
    lenient::read::<T, I>(&text, key).ok_or(ApiError::Unreadable)
}

/// Sends a `POST` with a JSON body and reads the answer as JSON.
pub(crate) async fn post<T: DeserializeOwned>(
    path: &str,
    body: &impl Serialize,
) -> Result<T, ApiError> {
    let body = serde_json::to_string(body).map_err(|_unencodable| ApiError::Unreadable)?;
    read(&request("POST", path, Some(body), ANSWER_MS_MAX).await?)
}

/// Sends a `POST` without a body and reads the answer as JSON.
pub(crate) async fn post_empty<T: DeserializeOwned>(path: &str) -> Result<T, ApiError> {
    read(&request("POST", path, None, ANSWER_MS_MAX).await?)
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
    let text = request("GET", path, None, wait_s * 1_000 + HELD_ANSWER_MS_MAX).await?;
    if text.is_empty() { Ok(None) } else { read(&text).map(Some) }
}

/// Sends a request and reads the whole answer. Written once for all types: the browser downloads it.
async fn request(
    method: &str,
    path: &str,
    body: Option<String>,
    limit_ms: u32,
) -> Result<String, ApiError> {
    let init = RequestInit::new();
    init.set_method(method);
    init.set_signal(Some(&abort_after(limit_ms)?));
    if let Some(body) = body {
        init.set_body(&JsValue::from_str(&body));
        let headers = Headers::new().map_err(to_offline)?;
        headers.set("Content-Type", "application/json").map_err(to_offline)?;
        init.set_headers(&headers);
    }
    text_of(&check_status(fetch(path, &init).await?).await?).await
}

/// A signal that aborts a request after this many milliseconds. `AbortSignal.timeout` is missing in browsers that can do
/// all the rest.
fn abort_after(limit_ms: u32) -> Result<AbortSignal, ApiError> {
    let request = AbortController::new().or(Err(ApiError::OldBrowser))?;
    let signal = request.signal();
    notify::later(limit_ms, move || request.abort());
    Ok(signal)
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
    if let Some(date) = response.headers().get("Date").ok().flatten() {
        clock::heard_date(&date);
    }
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
    let problem =
        text_of(&response).await.and_then(|text| read(&text)).unwrap_or_else(|_| Problem {
            kind: String::new(),
            title: response.status_text(),
            status: response.status(),
            detail: format!("The server answered with status {}.", response.status()),
            request_id: None,
        });
    Err(ApiError::Refused { problem, retry_after_s })
}

async fn text_of(response: &Response) -> Result<String, ApiError> {
    let text = response.text().map_err(to_offline)?;
    Ok(JsFuture::from(text).await.map_err(to_offline)?.as_string().unwrap_or_default())
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, ApiError> {
    serde_json::from_str(text).map_err(|_malformed| ApiError::Unreadable)
}

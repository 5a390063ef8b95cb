//! Requests that may fail at any time, because what they go to may.

use std::time::Duration;

use anyhow::Result;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::site::Site;

/// Longer than the longest wait that is asked for.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// An answer: its status, and its body when it is a success.
#[derive(Debug)]
pub(super) enum Answered<T> {
    Done(T),
    /// 204.
    Nothing,
    Refused(StatusCode),
}

/// A request to a site, with a token when there is one.
pub(super) fn request(site: &Site, method: Method, path: &str, token: &str) -> RequestBuilder {
    let request = site.request(method, path).timeout(ANSWER_WITHIN);
    if token.is_empty() { request } else { request.bearer_auth(token) }
}

/// Sends a request.
///
/// # Errors
/// When no answer comes, or it is not a `T`.
pub(super) async fn send<T: DeserializeOwned>(request: RequestBuilder) -> Result<Answered<T>> {
    let response = request.send().await?;
    let status = response.status();
    Ok(match status {
        StatusCode::NO_CONTENT => Answered::Nothing,
        status if status.is_success() => Answered::Done(response.json().await?),
        status => Answered::Refused(status),
    })
}

/// Posts a body.
///
/// # Errors
/// As for [`send`].
pub(super) async fn post<T: DeserializeOwned>(
    site: &Site,
    path: &str,
    token: &str,
    body: &impl Serialize,
) -> Result<Answered<T>> {
    send(request(site, Method::POST, path, token).json(body)).await
}

//! What wraps every route: the check of where a page comes from, headers that keep browsers careful, and
//! refusals for what no route answers.

use std::any::Any;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue};
use shared::api::ProblemKind;

use super::error::{HttpError, HttpResult, internal};
use super::upgrade;
use crate::app::SharedApp;
use crate::config::Config;
use crate::metrics::Measured;

/// Pages run their own scripts and talk to their own server, nothing else.
const CONTENT_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; \
    frame-ancestors 'none'";

/// The same for the lobby's page, which also runs WebAssembly and the given scripts of its own.
pub(super) fn content_policy(scripts: &str) -> String {
    format!("{CONTENT_POLICY}; script-src 'self' 'wasm-unsafe-eval'{scripts}")
}

/// Surrounds every route. One layer and not three: a request that waits in a long-poll holds on to each.
pub(super) async fn around(State(app): State<SharedApp>, request: Request, next: Next) -> Response {
    let measured = Measured::begin(&request);
    let mut response = match check_site(&request, &app.config) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    add_security_headers(response.headers_mut());
    measured.end(&response);
    response
}

/// Refuses upgrades and changes that a page of another site asks for. Browsers send `Origin` with both;
/// what sends none is no browser.
fn check_site(request: &Request, config: &Config) -> HttpResult<()> {
    let headers = request.headers();
    let guarded = !request.method().is_safe() || upgrade::is_wanted(headers);
    if !guarded || is_own_site(headers, config) {
        return Ok(());
    }
    let detail = "Ask from a page of this server. Its operator can allow other sites.";
    Err(HttpError::new(ProblemKind::ForeignOrigin, detail))
}

fn is_own_site(headers: &HeaderMap, config: &Config) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let is_listed = config
        .allowed_origins
        .iter()
        .chain(&config.public_url)
        .any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_host = origin.split_once("://").is_some_and(|(_, authority)| {
        host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
    });
    is_listed || is_host
}

/// Keeps a browser from guessing types and, for pages, from framing and from running what others slipped in.
fn add_security_headers(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        // The lobby's page has its own.
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_POLICY));
    }
}

/// The address is known, the method is not.
pub(super) async fn wrong_method() -> HttpError {
    HttpError::new(ProblemKind::MethodNotAllowed, "See the Allow header for what it takes.")
}

/// A handler panicked. The panic itself was logged by the hook.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let what = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("something that is no text");
    tracing::error!(what, "a handler panicked");
    internal().into_response()
}

#[cfg(test)]
mod tests {
    use http::header::{HOST, ORIGIN};
    use http::{HeaderMap, HeaderValue};

    use super::is_own_site;
    use crate::config::Config;

    fn asked_from(origin: &'static str) -> bool {
        let config = Config {
            allowed_origins: vec!["https://friend.example".to_owned()],
            public_url: Some("https://play.example/".to_owned()),
            ..Config::default()
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("127.0.0.1:7777"));
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
        is_own_site(&headers, &config)
    }

    #[test]
    fn only_own_and_listed_sites_may_ask() {
        assert!(is_own_site(&HeaderMap::new(), &Config::default()));
        assert!(asked_from("http://127.0.0.1:7777"));
        assert!(asked_from("https://friend.example"));
        assert!(asked_from("https://play.example"));

        assert!(!asked_from("http://127.0.0.1:8888"));
        assert!(!asked_from("https://evil.example"));
        assert!(!asked_from("null"));
    }
}

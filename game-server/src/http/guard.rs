//! Around every route: the check of the page's origin, security headers for browsers, and refusals for requests that no
//! handler answers.

use std::any::Any;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

use super::cookie_renewal::CookieRenewal;
use super::error::{HttpResult, Refuse, Refused};
use super::failures::Fault;
use super::problem::ProblemResponse;
use super::refusal::{FOREIGN_ORIGIN, METHOD_NOT_ALLOWED, Refusal};
use super::state::HttpSettings;
use super::upgrade;
use crate::metrics::{Measured, Metrics};
use crate::tasks::Tasks;

/// The policy of every page: it runs its own scripts and connects to its own server, nothing else.
const CONTENT_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; \
    frame-ancestors 'none'";

/// The same policy for the lobby's page, which also runs WebAssembly and the given inline scripts.
pub(super) fn content_policy(scripts: &str) -> String {
    format!("{CONTENT_POLICY}; script-src 'self' 'wasm-unsafe-eval'{scripts}")
}

/// Measures a request, checks its origin and adds security headers. One layer instead of three: a request that waits in a
/// long-poll holds the memory of each layer.
pub(super) async fn around(
    State(settings): State<Arc<HttpSettings>>,
    State(metrics): State<Arc<Metrics>>,
    mut request: Request,
    next: Next,
) -> Response {
    let measured = Measured::begin(&request);
    let renewal = CookieRenewal::attach(&mut request);
    let mut response = match check_site(&request, &settings) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    add_security_headers(response.headers_mut());
    if let Some(renewal) = renewal {
        renewal.send(response.headers_mut());
    }
    measured.end(&response, &metrics.http);
    response
}

/// Refuses upgrades and changes that a page of another site asks for. Browsers send `Origin` with both, so a request
/// without it comes from another kind of client.
fn check_site(request: &Request, settings: &HttpSettings) -> HttpResult<(), ForeignOrigin> {
    let headers = request.headers();
    let guarded = !request.method().is_safe() || upgrade::is_wanted(headers);
    if !guarded || is_own_site(headers, settings) {
        return Ok(());
    }
    Err(ForeignOrigin.into())
}

/// A page of another site asks.
#[derive(Debug)]
struct ForeignOrigin;

impl Refuse for ForeignOrigin {
    fn refusals() -> Vec<Refusal> {
        vec![FOREIGN_ORIGIN]
    }

    fn into_problem(self) -> ProblemResponse {
        let detail = "Ask from a page of this server. Its operator can allow other sites.";
        ProblemResponse::new(FOREIGN_ORIGIN, detail)
    }
}

fn is_own_site(headers: &HeaderMap, settings: &HttpSettings) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let is_listed =
        settings.allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_host = origin.split_once("://").is_some_and(|(_, authority)| {
        host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
    });
    is_listed || is_host
}

/// Keeps a browser from guessing content types, and a page from being framed and from running injected scripts.
fn add_security_headers(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        // The lobby's page brings its own policy.
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_POLICY));
    }
}

/// Answers a known address with an unknown method.
pub(super) async fn wrong_method() -> ProblemResponse {
    ProblemResponse::new(METHOD_NOT_ALLOWED, "The Allow header lists the methods that it takes.")
}

/// Answers for a handler that panicked. The panic hook has logged where.
pub(super) fn panicked(tasks: &Tasks, panic: &(dyn Any + Send)) -> Response {
    tasks.note_panic("request", panic);
    Refused(Fault).into_response()
}

#[cfg(test)]
mod tests {
    use http::header::{HOST, ORIGIN};
    use http::{HeaderMap, HeaderValue};

    use super::{HttpSettings, is_own_site};
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
        is_own_site(&headers, &HttpSettings::from(&config))
    }

    #[test]
    fn only_own_and_listed_sites_may_ask() {
        assert!(is_own_site(&HeaderMap::new(), &HttpSettings::from(&Config::default())));
        assert!(asked_from("http://127.0.0.1:7777"));
        assert!(asked_from("https://friend.example"));
        assert!(asked_from("https://play.example"));

        assert!(!asked_from("http://127.0.0.1:8888"));
        assert!(!asked_from("https://evil.example"));
        assert!(!asked_from("null"));
    }
}

//! Around every route: the checks of the host and of the page's origin, security headers for browsers, and refusals for
//! requests that no handler answers.

use std::any::Any;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Response};
use http::header::{
    ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use shared::api::ProblemKind;

use super::cookie_renewal::CookieRenewal;
use super::elsewhere::Elsewhere;
use super::error::Refused;
use super::failures::Fault;
use super::problem::ProblemResponse;
use super::refusal::{FOREIGN_ORIGIN, METHOD_NOT_ALLOWED, UNKNOWN_HOST};
use super::sites::{Sites, Stranger};
use super::state::HttpSettings;
use super::upgrade;
use crate::cluster::nodes::Nodes;
use crate::feeds::Feeds;
use crate::metrics::{Measured, Metrics};
use crate::plain_page::plain_page;
use crate::tasks::Tasks;

/// Paths that are answered under every name: an orchestrator asks them under the one that it gave, and they tell nothing.
const FOR_ANYONE: [&str; 2] = ["/healthz", "/readyz"];

/// The policy of every page: it runs its own scripts and connects to its own server, nothing else.
const CONTENT_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; \
    frame-ancestors 'none'";

/// The same policy for the lobby's page, which also runs WebAssembly and the given inline scripts.
pub(super) fn content_policy(scripts: &str) -> String {
    format!("{CONTENT_POLICY}; script-src 'self' 'wasm-unsafe-eval'{scripts}")
}

/// Lets readers of feeds go first, measures a request, checks its host and origin, and adds security headers. All of it is
/// one layer: a request that waits in a long-poll holds the memory of each layer.
pub(super) async fn around(
    State(settings): State<Arc<HttpSettings>>,
    State(metrics): State<Arc<Metrics>>,
    State(feeds): State<Arc<Feeds>>,
    State(nodes): State<Option<Nodes>>,
    mut request: Request,
    next: Next,
) -> Response {
    let measured = Measured::begin(&request);
    feeds.served().await;
    let renewal = CookieRenewal::attach(&mut request);
    let elsewhere = nodes.and_then(|nodes| Some((Elsewhere::of(&request)?, nodes)));
    let mut response = match check_site(&request, &settings.sites) {
        Ok(()) => next.run(request).await,
        Err(stranger) => refuse(&stranger, request.headers()),
    };
    if let Some((elsewhere, nodes)) = elsewhere {
        response = elsewhere.send_on(response, &nodes);
    }
    add_security_headers(response.headers_mut());
    if let Some(renewal) = renewal {
        renewal.send(response.headers_mut());
    }
    measured.end(&response, &metrics.http);
    response
}

/// Refuses requests for other hosts, and upgrades and changes that a page of another site asks for.
fn check_site(request: &Request, sites: &Sites) -> Result<(), Stranger> {
    let headers = request.headers();
    if !FOR_ANYONE.contains(&request.uri().path()) {
        sites.check_host(request.uri(), headers)?;
    }
    let is_guarded = !request.method().is_safe() || upgrade::is_wanted(headers);
    if is_guarded { sites.check_origin(headers) } else { Ok(()) }
}

/// The answer to a stranger: a page for a person who looks at it, a problem for a program.
fn refuse(stranger: &Stranger, headers: &HeaderMap) -> Response {
    let is_read = |accept: &HeaderValue| accept.to_str().is_ok_and(|a| a.contains("text/html"));
    match stranger {
        Stranger::Host { .. } if headers.get(ACCEPT).is_some_and(is_read) => {
            let page = plain_page(ProblemKind::UnknownHost.title(), &stranger.advice());
            (StatusCode::MISDIRECTED_REQUEST, Html(page)).into_response()
        }
        Stranger::Host { .. } => {
            ProblemResponse::new(UNKNOWN_HOST, stranger.advice()).into_response()
        }
        Stranger::Origin { .. } => {
            ProblemResponse::new(FOREIGN_ORIGIN, stranger.advice()).into_response()
        }
    }
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

//! The routes that are served now: a few while the server starts, then all of them.
//!
//! A path that begins with `/@NODE` and the name of this node is the rest of it: so a balancer sends a client to one node of
//! many, and no route has to know.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures_util::future::{BoxFuture, Either};
use http::uri::PathAndQuery;
use http::{Request, Uri};
use tokio::sync::SetOnce;
use tokio::time::timeout;
use tower::ServiceExt as _;
use tower::util::Oneshot;

use crate::client_address::ClientAddress;
use crate::node::NodeName;

/// How long a request waits for the end of the start, which mostly takes a moment, before it is refused.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Proxies refuse this path to everybody else: it has no second address.
const METRICS: &str = "/metrics";
/// These are answered at once.
const FOR_OPERATORS: [&str; 3] = ["/healthz", "/readyz", METRICS];

/// The routes of a server that starts. Cheap to clone.
#[derive(Clone)]
pub struct Routes(Arc<Inner>);

struct Inner {
    /// What addresses of this node begin with.
    prefix: String,
    while_starting: Router,
    all: SetOnce<Router>,
}

/// The address of a request named this node: nobody is to send it on.
#[derive(Debug, Clone, Copy)]
pub struct ForThisNode;

/// The answer to a request.
pub(super) type Answer =
    Either<Oneshot<Router, Request<Body>>, BoxFuture<'static, Result<Response, Infallible>>>;

impl Routes {
    /// Serves these until [`Routes::complete`], as the node of this name.
    #[must_use]
    pub fn starting_with(while_starting: Router, node: &NodeName) -> Self {
        let prefix = node.prefix();
        Self(Arc::new(Inner { prefix, while_starting, all: SetOnce::new() }))
    }

    /// Serves these from the next request on, on connections that are open already, too.
    pub fn complete(&self, all: Router) {
        // The second time changes nothing.
        self.0.all.set(all).ok();
    }

    /// Answers a request of the client at this address.
    pub(super) fn answer(&self, mut request: Request<Body>, address: ClientAddress) -> Answer {
        request.extensions_mut().insert(address);
        if let Some(rest) = without_prefix(request.uri(), &self.0.prefix) {
            *request.uri_mut() = rest;
            request.extensions_mut().insert(ForThisNode);
        }
        match self.0.all.get() {
            Some(all) => Either::Left(all.clone().oneshot(request)),
            None => Either::Right(Box::pin(self.clone().answer_while_starting(request))),
        }
    }

    async fn answer_while_starting(self, request: Request<Body>) -> Result<Response, Infallible> {
        let Inner { while_starting, all, .. } = &*self.0;
        if !FOR_OPERATORS.contains(&request.uri().path()) {
            timeout(WAIT_MAX, all.wait()).await.ok();
        }
        all.get().unwrap_or(while_starting).clone().oneshot(request).await
    }
}

impl From<Router> for Routes {
    fn from(all: Router) -> Self {
        let routes = Self::starting_with(Router::new(), &NodeName::default());
        routes.complete(all);
        routes
    }
}

/// The address without its beginning. `None` when it has another one.
fn without_prefix(uri: &Uri, prefix: &str) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(prefix)?;
    let rest = match rest.bytes().next() {
        Some(b'/') => PathAndQuery::try_from(rest),
        None => Ok(PathAndQuery::from_static("/")),
        Some(b'?') => PathAndQuery::try_from(format!("/{rest}")),
        // Another node, whose name is longer.
        Some(_) => return None,
    };
    let rest = rest.ok().filter(|rest| rest.path() != METRICS)?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::without_prefix;

    #[test]
    fn the_name_of_this_node_is_taken_from_the_beginning_of_an_address() {
        for (whole, rest) in [
            ("/@a/api/rooms?x=1", Some("/api/rooms?x=1")),
            ("/@a/", Some("/")),
            ("/@a", Some("/")),
            ("/@a?x=1", Some("/?x=1")),
            ("http://example.org/@a/x", Some("http://example.org/x")),
            ("/@ab/api/rooms", None),
            ("/@b/api/rooms", None),
            ("/api/rooms/@a/", None),
            ("/@a/metrics", None),
            ("/@a/metrics?x=1", None),
            ("/@a/@a/metrics", Some("/@a/metrics")),
        ] {
            let uri: Uri = whole.parse().unwrap();
            let found = without_prefix(&uri, "/@a").map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), rest, "{whole}");
        }
    }
}

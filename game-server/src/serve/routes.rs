//! The routes that are served now: a few while the server starts, then all of them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures_util::future::{BoxFuture, Either};
use http::Request;
use tokio::sync::SetOnce;
use tokio::time::timeout;
use tower::ServiceExt as _;
use tower::util::Oneshot;

use crate::client_address::ClientAddress;

/// How long a request waits for the end of the start, which mostly takes a moment, before it is refused.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// These are answered at once.
const FOR_OPERATORS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The routes of a server that starts. Cheap to clone.
#[derive(Clone)]
pub struct Routes(Arc<Inner>);

struct Inner {
    while_starting: Router,
    all: SetOnce<Router>,
}

/// The answer to a request.
pub(super) type Answer =
    Either<Oneshot<Router, Request<Body>>, BoxFuture<'static, Result<Response, Infallible>>>;

impl Routes {
    /// Serves these until [`Routes::complete`].
    #[must_use]
    pub fn starting_with(while_starting: Router) -> Self {
        Self(Arc::new(Inner { while_starting, all: SetOnce::new() }))
    }

    /// Serves these from the next request on, on connections that are open already, too.
    pub fn complete(&self, all: Router) {
        // The second time changes nothing.
        self.0.all.set(all).ok();
    }

    /// Answers a request of the client at this address.
    pub(super) fn answer(&self, mut request: Request<Body>, address: ClientAddress) -> Answer {
        request.extensions_mut().insert(address);
        match self.0.all.get() {
            Some(all) => Either::Left(all.clone().oneshot(request)),
            None => Either::Right(Box::pin(self.clone().answer_while_starting(request))),
        }
    }

    async fn answer_while_starting(self, request: Request<Body>) -> Result<Response, Infallible> {
        let Inner { while_starting, all } = &*self.0;
        if !FOR_OPERATORS.contains(&request.uri().path()) {
            timeout(WAIT_MAX, all.wait()).await.ok();
        }
        all.get().unwrap_or(while_starting).clone().oneshot(request).await
    }
}

impl From<Router> for Routes {
    fn from(all: Router) -> Self {
        let routes = Self::starting_with(Router::new());
        routes.complete(all);
        routes
    }
}

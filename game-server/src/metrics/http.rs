//! Requests, by route and status.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;

use super::text::Text;
use super::value::{Counter, Family, Histogram};

/// The route of a request that matches none.
const OTHER: &str = "other";

/// Requests of a server.
#[derive(Debug, Default)]
pub struct HttpMetrics {
    requests: Family<Labels, Counter>,
    /// By route: from a request to the head of its response.
    head: Family<String, Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Labels {
    route: String,
    method: &'static str,
    status: u16,
}

/// A request without a response yet.
pub struct Measured {
    began: Instant,
    route: Option<MatchedPath>,
    method: &'static str,
}

impl Measured {
    /// Starts the clock.
    #[must_use]
    pub fn begin(request: &Request) -> Self {
        Self {
            began: Instant::now(),
            route: request.extensions().get().cloned(),
            method: method_label(request.method()),
        }
    }

    /// Counts the request and the time until the head of its response.
    pub fn end(self, response: &Response, metrics: &HttpMetrics) {
        let took = self.began.elapsed();
        let route = self.route.as_ref().map_or(OTHER, MatchedPath::as_str).to_owned();
        let (method, status) = (self.method, response.status().as_u16());
        metrics.head.of(route.clone()).record(took);
        metrics.requests.of(Labels { route, method, status }).add(1);
    }
}

/// Clients may invent methods; labels must not grow with them.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "DELETE" => "DELETE",
        _ => OTHER,
    }
}

impl HttpMetrics {
    pub(super) fn render(&self, text: &mut Text) {
        text.counters("pushback_http_requests_total", &self.requests, |of, labels| {
            labels.push("route", &of.route);
            labels.push("method", of.method);
            labels.push("status", of.status);
        });
        text.histograms("pushback_http_head_seconds", &self.head, |route, labels| {
            labels.push("route", route);
        });
    }
}

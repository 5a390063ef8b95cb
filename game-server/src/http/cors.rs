//! Cross-origin requests of the listed sites (the Fetch standard's CORS protocol): what their pages may send and read.
//!
//! Their requests may bring credentials. The session's cookie is `SameSite=Lax`, so it comes along from sites of the
//! same registrable domain (`www.example.org` beside `play.example.org`); pages of other sites send the token as
//! `Authorization`. Feeds need neither, so an `EventSource` works from both.

use std::time::Duration;

use http::header::{
    ACCEPT, ACCEPT_RANGES, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_MATCH, IF_NONE_MATCH, IF_RANGE, LOCATION, RANGE, RETRY_AFTER,
};
use http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::sites::Sites;
use crate::feeds::poll::CURSOR_HEADER;

/// How long a browser may keep the answer to a preflight.
const PREFLIGHT_KEPT: Duration = Duration::from_secs(600);

/// The layer. `None` when no site is listed.
pub(super) fn layer(sites: &Sites) -> Option<CorsLayer> {
    let origins: Vec<_> = sites
        .allowed_origins()
        .iter()
        .filter_map(|site| HeaderValue::from_str(site).ok())
        .collect();
    if origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
        .allow_headers([
            ACCEPT,
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_MATCH,
            IF_NONE_MATCH,
            IF_RANGE,
            RANGE,
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([
            ACCEPT_RANGES,
            CONTENT_LENGTH,
            CONTENT_RANGE,
            ETAG,
            LOCATION,
            RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
            CURSOR_HEADER,
        ])
        .max_age(PREFLIGHT_KEPT);
    Some(layer)
}

//! `/api/about`: what a page needs to know of this server before it writes links to it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared::api::ServerInfo;

use super::state::HttpSettings;

/// Describes this server.
#[utoipa::path(
    get, path = "/api/about", operation_id = "readAbout", tag = "operation",
    responses((status = 200, description = "Its version, and the address for links to it", body = ServerInfo))
)]
pub async fn read(State(settings): State<Arc<HttpSettings>>) -> Json<ServerInfo> {
    let (version, url) = (env!("CARGO_PKG_VERSION").to_owned(), settings.public_url.clone());
    Json(ServerInfo { version, url })
}

//! The API described: `/api/openapi.json`, readable at `/api/docs`.

use axum::Router;
use utoipa::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

use crate::app::SharedApp;

/// Every call of the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Pushback",
        description = "Rooms, matchmaking, live feeds, chat and replays. Refusals are \
            `application/problem+json` (RFC 9457); responses below name the problem's type. Sign in with \
            `POST /api/session` and send the token as `Authorization: Bearer`, or keep the cookie.",
    ),
    paths(
        super::session::begin,
        super::session::look,
        super::session::end,
        super::feeds::read,
        super::players::profile,
        super::chat::ticket,
        super::chat::connect,
        super::rooms::list,
        super::rooms::create,
        super::rooms::look,
        super::rooms::ticket,
        super::rooms::live,
        super::play::connect,
        super::matchmaking::ask,
        super::matchmaking::follow,
        super::matchmaking::cancel,
        super::replays::list,
        super::replays::look,
        super::replays::file,
        super::ops::alive,
        super::ops::ready,
        super::ops::metrics,
    )
)]
pub struct ApiDoc;

/// The description and its reader.
pub(super) fn routes() -> Router<SharedApp> {
    SwaggerUi::new("/api/docs").url("/api/openapi.json", ApiDoc::openapi()).into()
}

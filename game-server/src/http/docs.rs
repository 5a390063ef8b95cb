//! The API described: `/api/openapi.json`, readable at `/api/docs`.
//!
//! Each route describes itself beside its code, the bodies describe themselves in `shared`. Here is what
//! belongs to no route: the tags, the ways to sign in, the refusals that all have in common.

mod bodies;
mod refusals;

use axum::Router;
use shared::protocol::chat::{ChatClientMessage, ChatServerMessage};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

pub use bodies::{CursorGone, FeedEnvelope, FeedName, FeedPage, ServerSentEvent};

use crate::app::SharedApp;
use crate::sessions::COOKIE_NAME;
use refusals::Refusals;

const ABOUT: &str = "Rooms, matchmaking, live feeds, chat and replays of the game.\n\n\
    - **Sign in** with `POST /api/session` and send the token as `Authorization: Bearer`, or keep the cookie.\n\
    - **Refusals** are `application/problem+json` (RFC 9457); a type never changes its meaning.\n\
    - **WebSockets** take a ticket that a session gets just before, never the session's token. What they speak \
    is named by `x-websocket`.\n\
    - Fields and events that are new may appear: ignore what you do not know.";

/// Every call of the API.
#[derive(OpenApi)]
#[openapi(
    // What came with it: a schema for each item of a stream.
    version = "3.2.0",
    info(title = "Pushback", description = ABOUT),
    tags(
        (name = "session", description = "Becoming somebody: a guest with a name and a secret"),
        (name = "feeds", description = "What happens, live: one address, five transports, cursors to resume from"),
        (name = "rooms", description = "Rooms, and the ways into one"),
        (name = "matchmaking", description = "Finding others to play with, by long-polling"),
        (name = "chat", description = "Lines of text over a WebSocket: to all, to a room, to a team, to one"),
        (name = "players", description = "Ratings and totals"),
        (name = "replays", description = "Recorded rounds, and the match stream as a file"),
        (name = "operation", description = "For operators: is it alive, can it serve, how is it doing"),
    ),
    modifiers(&SignIn, &Refusals),
    components(schemas(FeedEnvelope, ServerSentEvent, ChatClientMessage, ChatServerMessage)),
    paths(
        super::session::begin,
        super::session::look,
        super::session::end,
        super::session::hand_over,
        super::feeds::read,
        super::rooms::list,
        super::rooms::create,
        super::rooms::look,
        super::rooms::ticket,
        super::rooms::live,
        super::recent::read,
        super::play::connect,
        super::matchmaking::ask,
        super::matchmaking::follow,
        super::matchmaking::cancel,
        super::chat::ticket,
        super::chat::connect,
        super::players::profile,
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
    let reader = Config::default().display_operation_id(true).show_extensions(true);
    SwaggerUi::new("/api/docs").config(reader).url("/api/openapi.json", ApiDoc::openapi()).into()
}

/// The two ways to say who one is.
struct SignIn;

impl Modify for SignIn {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.description = Some("The token of `POST /api/session`.".to_owned());
        let cookie = ApiKeyValue::with_description(COOKIE_NAME, "Set by `POST /api/session`.");
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use shared::replay::MEDIA_TYPE;
    use utoipa::OpenApi as _;

    use super::ApiDoc;
    use super::refusals::PROBLEM_JSON;

    /// Every operation as it is served.
    fn operations() -> Vec<Value> {
        let api = serde_json::to_value(ApiDoc::openapi()).unwrap();
        let paths = api["paths"].as_object().unwrap().values();
        paths.flat_map(|path| path.as_object().unwrap().values().cloned()).collect()
    }

    #[test]
    fn every_operation_has_a_name_and_a_place() {
        let api = serde_json::to_value(ApiDoc::openapi()).unwrap();
        let tags: Vec<_> = api["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
        let mut names = BTreeSet::new();
        for operation in operations() {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() < 90), "{name}");
            assert!(tags.contains(&&operation["tags"][0]), "{name}");
            assert!(names.insert(name), "two of {operation}");
        }
    }

    #[test]
    fn every_refusal_is_a_problem_with_a_known_type() {
        for operation in operations() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                if status.starts_with(['4', '5']) {
                    let content = &response["content"][PROBLEM_JSON];
                    assert!(content["schema"].is_object(), "{status} of {operation}");
                    assert!(response["description"].as_str().unwrap().starts_with('`'));
                }
            }
        }
    }

    #[test]
    fn the_text_is_for_people_who_do_not_see_the_source() {
        let text = serde_json::to_string(&ApiDoc::openapi()).unwrap();
        assert!(!text.contains("[`"), "a link of rustdoc");
        assert!(text.contains(MEDIA_TYPE));
    }
}

//! Refusals in the description: each with its body, an example and its headers.

use std::collections::BTreeMap;

use serde_json::json;
use shared::api::{Problem, ProblemKind};
use utoipa::ToSchema as _;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Response};

use crate::http::problem::{PROBLEM_JSON, sentence};
use crate::http::refusal::{FOREIGN_ORIGIN, INTERNAL, Refusal, STARTING, UNKNOWN_HOST};

/// The beginning of every problem type.
const TYPES: &str = "/problems/";

/// Refusals of any request, by the connection limiter and by the layers around all routes.
const TO_ANY_REQUEST: [Refusal; 6] = [
    UNKNOWN_HOST,
    Refusal::new(ProblemKind::HeadTooLarge),
    Refusal::new(ProblemKind::TooMany).when("too many connections from one address"),
    INTERNAL,
    Refusal::new(ProblemKind::Overloaded).when("too many connections in all"),
    STARTING,
];

/// Adds the refusals of a handler to its operations, and those that any request may get.
pub(super) fn describe(item: &mut PathItem, of_handler: &[Refusal]) {
    let changes = [&mut item.post, &mut item.delete].into_iter().flatten();
    changes.for_each(|operation| complete(operation, &[of_handler, &[FOREIGN_ORIGIN]].concat()));
    if let Some(operation) = &mut item.get {
        let opens_socket = operation
            .extensions
            .as_ref()
            .is_some_and(|extensions| extensions.contains_key("x-websocket"));
        let to_pages = if opens_socket { &[FOREIGN_ORIGIN][..] } else { &[] };
        complete(operation, &[of_handler, to_pages].concat());
    }
}

/// The refusals of an operation with one status: for each kind, the words that say when it happens.
type Meanings = BTreeMap<&'static str, (ProblemKind, Vec<&'static str>)>;

fn complete(operation: &mut Operation, refusals: &[Refusal]) {
    let mut by_status: BTreeMap<u16, Meanings> = BTreeMap::new();
    for refusal in refusals.iter().chain(&TO_ANY_REQUEST) {
        let of_status = by_status.entry(refusal.status).or_default();
        let (_, meanings) =
            of_status.entry(word(refusal.kind)).or_insert((refusal.kind, Vec::new()));
        if !refusal.when.is_empty() && !meanings.contains(&refusal.when) {
            meanings.push(refusal.when);
        }
    }
    for (status, meanings) in by_status {
        let named: Vec<_> =
            meanings.into_values().map(|(kind, when)| (kind, when.join(", or "))).collect();
        let responses = &mut operation.responses.responses;
        let entry = responses.entry(status.to_string());
        let RefOr::T(response) = entry.or_insert_with(|| RefOr::T(Response::new(""))) else {
            continue;
        };
        response.description = prose(&named);
        for (kind, _) in &named {
            if let Some((name, header)) = header_of(*kind, status) {
                response.headers.insert(name.to_owned(), RefOr::T(header));
            }
        }
        // A refusal that carries more than a problem describes its body beside its route.
        let content = || RefOr::T(content(status, &named).build());
        response.content.entry(PROBLEM_JSON.to_owned()).or_insert_with(content);
    }
}

/// The last part of a problem type.
fn word(kind: ProblemKind) -> &'static str {
    kind.uri().trim_start_matches(TYPES)
}

fn prose(named: &[(ProblemKind, String)]) -> String {
    let lines = named.iter().map(|(kind, when)| {
        let (gap, title) = (if when.is_empty() { "" } else { ": " }, kind.title());
        format!("`{}` {title}{gap}{when}.", word(*kind))
    });
    lines.collect::<Vec<_>>().join("\n\n")
}

fn content(status: u16, named: &[(ProblemKind, String)]) -> ContentBuilder {
    let kinds = named.iter().map(|(kind, _)| kind.uri());
    let kinds = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(kinds));
    let statuses = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status]));
    let here = ObjectBuilder::new().property("type", kinds).property("status", statuses);
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(Problem::name())).item(here);
    let examples = named.iter().map(|(kind, when)| {
        let (uri, title) = (kind.uri(), kind.title());
        let detail = sentence(if when.is_empty() { title } else { when });
        let value = json!({ "type": uri, "title": title, "status": status, "detail": detail });
        (word(*kind), ExampleBuilder::new().summary(title).value(Some(value)))
    });
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples)
}

/// The header that comes with a refusal.
fn header_of(kind: ProblemKind, status: u16) -> Option<(&'static str, Header)> {
    let (name, header_type, description) = match (kind, status) {
        (
            ProblemKind::TooMany
            | ProblemKind::Overloaded
            | ProblemKind::Starting
            | ProblemKind::Busy
            | ProblemKind::Stopping,
            _,
        ) => ("Retry-After", Type::Integer, "Seconds until another try can succeed."),
        (ProblemKind::SignIn, _) => ("WWW-Authenticate", Type::String, "`Bearer`"),
        (ProblemKind::BadUpgrade, 426) => ("Sec-WebSocket-Version", Type::String, "`13`"),
        (ProblemKind::BadRequest, 416) => {
            ("Content-Range", Type::String, "How many bytes there are")
        }
        _ => return None,
    };
    let schema = ObjectBuilder::new().schema_type(header_type).build();
    let mut header = Header::new(schema);
    header.description = Some(description.to_owned());
    Some((name, header))
}

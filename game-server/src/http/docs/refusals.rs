//! Refusals in the description: each with its body, an example and its headers.
//!
//! A route names the problems of a status where others describe a response: `room-full`, or
//! `gone: it has ended` with what it means there. What any route may answer is added here, so no route
//! repeats it.

use std::collections::BTreeMap;

use serde_json::json;
use shared::api::{Problem, ProblemKind};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, Ref, RefOr, Response};
use utoipa::{Modify, ToSchema as _};

/// The media type of every refusal.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";
/// What every type begins with.
const TYPES: &str = "/problems/";

/// What a route may answer although it does nothing for it.
const ANYWHERE: [(u16, &str); 3] = [
    (429, "too-many: too many connections from one address"),
    (500, "internal"),
    (503, "overloaded: too many connections in all"),
];
/// What any change is asked: whether it comes from a page of this server.
const OF_CHANGES: [(u16, &str); 1] = [(403, "foreign-origin")];
/// What can be wrong with a body before its content is looked at.
const OF_BODIES: [(u16, &str); 3] = [
    (400, "bad-request: the body is no JSON, or not what the call takes"),
    (413, "too-large"),
    (415, "bad-request: the body is not announced as JSON"),
];

/// Completes the refusals of every operation.
pub(super) struct Refusals;

impl Modify for Refusals {
    fn modify(&self, api: &mut OpenApi) {
        for path in api.paths.paths.values_mut() {
            let changes = [&mut path.post, &mut path.delete].into_iter().flatten();
            changes.for_each(|operation| add(operation, &OF_CHANGES));
            for operation in [&mut path.get, &mut path.post, &mut path.delete].into_iter().flatten()
            {
                add(operation, &ANYWHERE);
                if operation.request_body.is_some() {
                    add(operation, &OF_BODIES);
                }
                complete(operation);
            }
        }
    }
}

/// Adds what may be answered besides. The texts of a status are joined by a line feed.
fn add(operation: &mut Operation, answers: &[(u16, &str)]) {
    let responses = &mut operation.responses.responses;
    for (status, text) in answers {
        let entry = responses.entry(status.to_string());
        let known = entry.or_insert_with(|| RefOr::T(Response::new("")));
        if let RefOr::T(response) = known {
            let gap = if response.description.is_empty() { "" } else { "\n" };
            response.description.push_str(&format!("{gap}{text}"));
        }
    }
}

fn complete(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let Ok(status @ 400..) = status.parse() else { continue };
        let named = named(&response.description);
        response.description = prose(&named);
        for (kind, _) in &named {
            if let Some((name, header)) = header_of(*kind) {
                response.headers.insert(name.to_owned(), RefOr::T(header));
            }
        }
        // A refusal that carries more than a problem describes itself.
        let content = || RefOr::T(content(status, &named).build());
        response.content.entry(PROBLEM_JSON.to_owned()).or_insert_with(content);
    }
}

/// The problems that a description names, and what each means there.
fn named(description: &str) -> Vec<(ProblemKind, String)> {
    let mut found = BTreeMap::new();
    for line in description.lines() {
        let (names, meaning) = line.split_once(": ").unwrap_or((line, ""));
        for name in names.split(", ") {
            let known = ProblemKind::ALL.into_iter().find(|kind| word(*kind) == name);
            debug_assert!(known.is_some(), "{name} is no problem");
            let Some(kind) = known else { continue };
            let (_, meanings) = found.entry(word(kind)).or_insert((kind, Vec::new()));
            meanings.extend((!meaning.is_empty()).then_some(meaning));
        }
    }
    found.into_values().map(|(kind, meanings)| (kind, meanings.join(", or "))).collect()
}

/// The last part of a type.
fn word(kind: ProblemKind) -> &'static str {
    kind.uri().trim_start_matches(TYPES)
}

fn prose(named: &[(ProblemKind, String)]) -> String {
    let lines = named.iter().map(|(kind, meaning)| {
        let (gap, title) = (if meaning.is_empty() { "" } else { ": " }, kind.title());
        format!("`{}` {title}{gap}{meaning}.", word(*kind))
    });
    lines.collect::<Vec<_>>().join("\n\n")
}

fn content(status: u16, named: &[(ProblemKind, String)]) -> ContentBuilder {
    let kinds = named.iter().map(|(kind, _)| kind.uri());
    let kinds = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(kinds));
    let statuses = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status]));
    let here = ObjectBuilder::new().property("type", kinds).property("status", statuses);
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(Problem::name())).item(here);
    let examples = named.iter().map(|(kind, meaning)| {
        let (uri, title) = (kind.uri(), kind.title());
        let detail =
            super::super::error::sentence(if meaning.is_empty() { title } else { meaning });
        let value = json!({ "type": uri, "title": title, "status": status, "detail": detail });
        (word(*kind), ExampleBuilder::new().summary(title).value(Some(value)))
    });
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples)
}

fn header_of(kind: ProblemKind) -> Option<(&'static str, Header)> {
    let (name, header_type, description) = match kind {
        ProblemKind::TooMany | ProblemKind::Overloaded | ProblemKind::Stopping => {
            ("Retry-After", Type::Integer, "Seconds until another try can succeed.")
        }
        ProblemKind::SignIn => ("WWW-Authenticate", Type::String, "`Bearer`"),
        _ => return None,
    };
    let schema = ObjectBuilder::new().schema_type(header_type).build();
    let mut header = Header::new(schema);
    header.description = Some(description.to_owned());
    Some((name, header))
}

//! Tests of the whole description: it is complete, and readable without the source.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::replay::MEDIA_TYPE;
use utoipa::openapi::OpenApi;

use super::problem::PROBLEM_JSON;
use super::table;

fn api() -> OpenApi {
    table("pushback_session_test").into_openapi()
}

/// Every operation as it is served.
fn operations() -> Vec<Value> {
    let api = serde_json::to_value(api()).unwrap();
    let paths = api["paths"].as_object().unwrap().values();
    paths.flat_map(|path| path.as_object().unwrap().values().cloned()).collect()
}

#[test]
fn every_operation_has_a_name_and_a_place() {
    let api = serde_json::to_value(api()).unwrap();
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
fn the_text_is_readable_without_the_source() {
    let text = serde_json::to_string(&api()).unwrap();
    assert!(!text.contains("[`"), "a link of rustdoc");
    assert!(text.contains(MEDIA_TYPE));
}

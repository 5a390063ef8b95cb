//! The description in the form that generators of clients read.
//!
//! The derives write `oneOf` for every enum. Where a value may fit several of the branches, that is wrong, and it becomes
//! `anyOf`. A branch that is made of several schemas gets a name. The schema of one item of a stream is a member of a later
//! version than most generators know, and the problem types of one answer narrow an enum, which few of them can do: both
//! become extensions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::http::problem::PROBLEM_JSON;

/// The schema of one item of a stream, under the media type of the stream.
const ITEM_SCHEMA: (&str, &str) = ("itemSchema", "x-item-schema");

/// The problem types of an answer, beside the schema of its body.
const PROBLEM_TYPES: &str = "x-problem-types";

/// The description as it is served.
pub(super) fn portable(api: &OpenApi) -> Value {
    let mut api = serde_json::to_value(api).expect("a description of plain data encodes");
    change(&mut api);
    if let Some(schemas) = api["components"]["schemas"].as_object_mut() {
        name_branches(schemas);
    }
    api
}

/// Moves each branch that is made of several schemas into a schema of its own, named by its tag.
fn name_branches(schemas: &mut Map<String, Value>) {
    let mut named = Map::new();
    for (name, schema) in schemas.iter_mut() {
        let branches = schema.get_mut("oneOf").and_then(Value::as_array_mut);
        for branch in branches.into_iter().flatten() {
            let Some(tag) = tags(branch).into_values().next() else { continue };
            if branch["allOf"].is_array() {
                let name = format!("{name}{}", capital(tag.trim_matches('"')));
                let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
                named.insert(name, core::mem::replace(branch, reference));
            }
        }
    }
    schemas.extend(named);
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// The body of a refusal: any problem, with the types of this answer beside it.
fn widen_problem(media_type: &mut Map<String, Value>) {
    let schema = &mut media_type["schema"]["allOf"];
    let (any, types) = (schema[0].take(), schema[1]["properties"]["type"]["enum"].take());
    media_type.insert("schema".to_owned(), any);
    media_type.insert(PROBLEM_TYPES.to_owned(), types);
}

fn change(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("oneOf").is_some_and(|branches| !are_exclusive(branches)) {
                rename(members, ("oneOf", "anyOf"));
            }
            rename(members, ITEM_SCHEMA);
            if let Some(Value::Object(media_type)) = members.get_mut(PROBLEM_JSON)
                && media_type.get("schema").is_some_and(is_narrowed)
            {
                widen_problem(media_type);
            }
            members.values_mut().for_each(change);
        }
        Value::Array(items) => items.iter_mut().for_each(change),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_narrowed(schema: &Value) -> bool {
    schema["allOf"][1]["properties"]["type"]["enum"].is_array()
}

fn rename(members: &mut Map<String, Value>, (from, to): (&str, &str)) {
    if let Some(value) = members.remove(from) {
        members.insert(to.to_owned(), value);
    }
}

/// Whether no value fits two branches: all but `null` have a tag, a required member with one value of its own.
fn are_exclusive(branches: &Value) -> bool {
    let branches = branches.as_array().map(Vec::as_slice).unwrap_or_default();
    let others: Vec<_> =
        branches.iter().filter(|branch| branch["type"] != "null").map(tags).collect();
    let Some(first) = others.first().filter(|_| others.len() > 1) else { return true };
    first.keys().any(|name| {
        let values: BTreeSet<_> = others.iter().filter_map(|tags| tags.get(name)).collect();
        values.len() == others.len()
    })
}

/// The required members of an object that have one value, with this value.
fn tags(schema: &Value) -> BTreeMap<String, String> {
    let list = |name: &str| schema[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut tags: BTreeMap<_, _> = list("allOf").iter().flat_map(tags).collect();
    for name in list("required").iter().filter_map(Value::as_str) {
        let values = schema["properties"][name]["enum"].as_array();
        if let Some([value]) = values.map(Vec::as_slice) {
            tags.insert(name.to_owned(), value.to_string());
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{are_exclusive, change, name_branches};

    #[test]
    fn branches_with_tags_are_exclusive_and_others_are_not() {
        let tagged = |value: &str| json!({"type": "object", "required": ["is"], "properties": {"is": {"enum": [value]}}});
        let reference = json!({"$ref": "#/a"});

        assert!(are_exclusive(&json!([tagged("a"), {"allOf": [reference, tagged("b")]}])));
        assert!(are_exclusive(&json!([{"type": "null"}, reference])));
        assert!(!are_exclusive(&json!([tagged("a"), tagged("a")])));
        assert!(!are_exclusive(&json!([reference, {"type": "object"}])));
    }

    #[test]
    fn a_branch_of_several_schemas_gets_a_name() {
        let line = json!({"allOf": [{"$ref": "#/components/schemas/Line"}, {
            "required": ["type"], "properties": {"type": {"enum": ["line"]}}}]});
        let mut schemas = json!({"Message": {"oneOf": [line]}});

        name_branches(schemas.as_object_mut().unwrap());

        let named = json!({"$ref": "#/components/schemas/MessageLine"});
        assert_eq!(schemas, json!({"Message": {"oneOf": [named]}, "MessageLine": line}));
    }

    #[test]
    fn a_refusal_is_any_problem_and_its_types_stand_beside_it() {
        let any = json!({"$ref": "#/components/schemas/Problem"});
        let narrow = json!({"properties": {"type": {"enum": ["/problems/gone"]}}});
        let mut content = json!({"application/problem+json": {"schema": {"allOf": [any, narrow]}, "examples": {}}});

        change(&mut content);

        let wide = json!({"schema": any, "examples": {}, "x-problem-types": ["/problems/gone"]});
        assert_eq!(content, json!({"application/problem+json": wide}));
    }

    #[test]
    fn what_generators_do_not_know_has_another_name() {
        let mut schema =
            json!({"a": [{"oneOf": [{"$ref": "#/b"}, {"$ref": "#/c"}]}], "itemSchema": {}});

        change(&mut schema);

        assert_eq!(
            schema,
            json!({"a": [{"anyOf": [{"$ref": "#/b"}, {"$ref": "#/c"}]}], "x-item-schema": {}})
        );
    }
}

//! The served description, and real answers checked against it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Answer, TestServer};

/// The description at `/api/openapi.json`, and the parts of it that were checked.
pub(super) struct Description {
    api: Value,
    /// Operation and status of the answers that were checked.
    seen: BTreeSet<(String, u16)>,
}

impl Description {
    pub(super) async fn of(server: &TestServer) -> Self {
        let api: Value = server.get("/api/openapi.json").await.json();
        assert_eq!(api["openapi"], "3.1.0");
        Self { api, seen: BTreeSet::new() }
    }

    /// Every operation by its name.
    pub(super) fn operations(&self) -> impl Iterator<Item = (&str, &Value)> {
        let paths = self.api["paths"].as_object().expect("paths").values();
        let operations = paths.flat_map(|path| path.as_object().expect("a path").values());
        operations.map(|operation| (operation["operationId"].as_str().expect("a name"), operation))
    }

    pub(super) fn operation(&self, name: &str) -> &Value {
        let found = self.operations().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("{name} is not described")).1
    }

    /// Checks a complete answer against the description of its operation.
    #[track_caller]
    pub(super) fn check(&mut self, operation: &str, answer: &Answer) {
        let kind = answer.header("content-type");
        let Some(media_type) = self.check_head(operation, answer.status.as_u16(), kind) else {
            assert!(answer.body.is_empty(), "{operation}: a body that is not described");
            return;
        };
        if kind.ends_with("json") {
            let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
            self.assert_fits(operation, &media_type["schema"], &body);
            if let Some(types) = media_type["x-problem-types"].as_array() {
                assert!(types.contains(&body["type"]), "{operation}: {body} is not described");
            }
        }
    }

    /// Checks the head of an answer. Returns the schema of a body of this media type.
    #[track_caller]
    pub(super) fn check_head(&mut self, operation: &str, status: u16, kind: &str) -> Option<Value> {
        self.seen.insert((operation.to_owned(), status));
        let response = &self.operation(operation)["responses"][status.to_string()];
        assert!(response.is_object(), "{operation}: {status} is not described");
        let content = response["content"].as_object()?;
        let kind = kind.split(';').next().unwrap_or_default();
        let media_type = content.iter().find(|(name, _)| name.split(';').next() == Some(kind));
        let found = media_type.unwrap_or_else(|| panic!("{operation}: {kind:?} is not described"));
        Some(found.1.clone())
    }

    /// Asserts that a value fits a schema.
    #[track_caller]
    pub(super) fn assert_fits(&self, what: &str, schema: &Value, value: &Value) {
        let errors = self.errors(schema, value);
        assert!(errors.is_empty(), "{what}: {errors:#?} in {value}");
    }

    /// Whether a value fits a schema.
    pub(super) fn fits(&self, schema: &Value, value: &Value) -> bool {
        self.errors(schema, value).is_empty()
    }

    fn errors(&self, schema: &Value, value: &Value) -> Vec<String> {
        assert!(schema.is_object(), "there is no schema");
        // References point into the components, so these are included.
        let schema = json!({ "allOf": [schema], "components": self.api["components"] });
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
        let validator = options.build(&schema).expect("a schema");
        let errors = validator.iter_errors(value);
        errors.map(|error| format!("{error} at {}", error.instance_path())).collect()
    }

    /// A schema by its name.
    pub(super) fn schema(name: &str) -> Value {
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// Operations without a checked successful answer.
    pub(super) fn unchecked(&self) -> Vec<&str> {
        let good = |name: &str| {
            self.seen.iter().any(|(seen, status)| seen == name && matches!(status, 101 | 200..300))
        };
        self.operations().map(|(name, _)| name).filter(|name| !good(name)).collect()
    }
}

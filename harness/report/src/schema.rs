//! The schema of the lines that `check`, `bench` and `gate` write.

use crate::{
    bench::Line,
    record::{CaseOutcome, Cases, Status, Verdict},
};
use lockstep_formats::OtherFile;
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings, json_schema};

/// JSON Schema (draft 2020-12) of one line: its `kind` says which.
pub fn of_a_line() -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let measured = generator.subschema_for::<Line>();
    let test = test_line(&mut generator);
    let other = other_line(&mut generator);
    let definitions = generator.take_definitions(true);
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a record of lockstep, schema 1",
        "description": "Files are JSON lines. Those of `check` have `test`, `unreadable` and `other` lines and a `summary` last; \
                        those of `bench` begin with `circumstances` and have an `end`. Times are in ns.",
        "anyOf": [measured, test, other, summary_line()],
    });
    schema.insert("$defs".to_owned(), definitions.into());
    schema
}

fn test_line(generator: &mut SchemaGenerator) -> Schema {
    let (status, verdict, cases, outcomes) = (
        generator.subschema_for::<Status>(),
        generator.subschema_for::<Option<Verdict>>(),
        generator.subschema_for::<Cases>(),
        generator.subschema_for::<Vec<CaseOutcome>>(),
    );
    json_schema!({
        "type": "object",
        "required": ["kind", "id", "source", "fork", "status", "verdict", "reason", "differences"],
        "properties": {
            "kind": { "const": "test" },
            "id": { "type": "string" },
            "source": { "type": "string" },
            "fork": { "type": "string" },
            "status": status,
            "verdict": verdict,
            "reason": { "type": ["string", "null"] },
            "differences": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["scope", "field", "candidate", "executor"],
                    "properties": {
                        "scope": { "type": "string" },
                        "field": { "type": "string" },
                        "candidate": { "type": ["string", "null"] },
                        "executor": { "type": "string" },
                    },
                },
            },
            "cases": cases,
            "time_ns": { "type": "integer", "minimum": 0 },
            "outcomes": outcomes,
        },
    })
}

fn other_line(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = generator.root_schema_for::<OtherFile>();
    schema.remove("$schema");
    schema.remove("$defs");
    if let Some(properties) = schema.get_mut("properties").and_then(|value| value.as_object_mut()) {
        properties.insert("kind".to_owned(), json_schema!({ "const": "other" }).into());
    }
    schema.insert("required".to_owned(), serde_json::json!(["kind", "file", "reason"]));
    schema
}

fn summary_line() -> Schema {
    let count = || json_schema!({ "type": "integer", "minimum": 0 });
    let mut properties = serde_json::Map::new();
    properties.insert("kind".to_owned(), json_schema!({ "const": "summary" }).into());
    for name in COUNTS {
        properties.insert(name.to_owned(), count().into());
    }
    properties.insert("seconds".to_owned(), json_schema!({ "type": "number" }).into());
    properties.insert("executors".to_owned(), json_schema!({ "type": "object" }).into());
    let required: Vec<&String> = properties.keys().collect();
    json_schema!({ "type": "object", "required": required, "properties": properties })
}

/// All counts of a summary.
const COUNTS: [&str; 12] = [
    "tests",
    "passed",
    "failed",
    "known",
    "outdated",
    "skipped",
    "cases",
    "agreed",
    "diverged",
    "inconclusive",
    "hung",
    "unreadable",
];

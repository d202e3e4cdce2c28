//! The JSON of a report against its schema: every field is in it, none is missing, each has one of its types.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sample;

use serde_json::{Map, Value};

const SCHEMA: &str = include_str!("../schema/report.schema.json");

/// What does not fit, each with its place. Knows the words of JSON Schema that the schema uses.
fn faults(schema: &Value, rule: &Value, value: &Value, place: &str) -> Vec<String> {
    let rule = match rule["$ref"].as_str() {
        Some(name) => &schema["$defs"][name.trim_start_matches("#/$defs/")],
        None => rule,
    };
    if let Some(rules) = rule["anyOf"].as_array() {
        let all: Vec<_> = rules.iter().map(|rule| faults(schema, rule, value, place)).collect();
        return all.iter().find(|found| found.is_empty()).or(all.first()).cloned().unwrap_or_default();
    }
    let mut found = Vec::new();
    if !type_fits(rule, value) {
        found.push(format!("{place}: {value} is not {rule}"));
    }
    if let Value::Object(fields) = value
        && let Some(known) = rule["properties"].as_object()
    {
        found.extend(object_faults(schema, rule, known, fields, place));
    }
    if let (Value::Array(items), Some(rule)) = (value, rule.get("items")) {
        let each = items.iter().enumerate();
        found.extend(each.flat_map(|(i, item)| faults(schema, rule, item, &format!("{place}[{i}]"))));
    }
    found
}

fn object_faults(
    schema: &Value,
    rule: &Value,
    known: &Map<String, Value>,
    fields: &Map<String, Value>,
    place: &str,
) -> Vec<String> {
    let required: Vec<&str> =
        rule["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut found: Vec<String> = Vec::new();
    found.extend(
        required.iter().filter(|k| !fields.contains_key(**k)).map(|k| format!("{place}.{k} is missing")),
    );
    // A closed object that asks for all it knows: so the schema cannot name what nobody writes.
    if known.keys().any(|k| !required.contains(&k.as_str())) || rule["additionalProperties"] != false {
        found.push(format!("{place}: the schema is open"));
    }
    for (key, value) in fields {
        let place = format!("{place}.{key}");
        match known.get(key) {
            Some(rule) => found.extend(faults(schema, rule, value, &place)),
            None => found.push(format!("{place} is not in the schema")),
        }
    }
    found
}

fn type_fits(rule: &Value, value: &Value) -> bool {
    if let Some(only) = rule.get("const") {
        return only == value;
    }
    if let Some(all) = rule["enum"].as_array() {
        return all.contains(value);
    }
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = |asked: &Value| asked == name || asked == "number" && name == "integer";
    match &rule["type"] {
        Value::Array(any) => any.iter().any(fits),
        one => fits(one),
    }
}

fn check(text: &str) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    faults(&schema, &schema, &serde_json::from_str(text).unwrap(), "report")
}

#[test]
fn every_field_is_in_the_schema() {
    assert_eq!(check(&sample::report("part", 6).to_json()), [""; 0]);
}

#[test]
fn what_may_be_missing_is_null() {
    let mut report = sample::report("part", 6);
    let category = &mut report.categories[0];
    (category.test, category.audit, category.threshold) = (None, None, None);
    assert_eq!(check(&report.to_json()), [""; 0]);
    assert!(report.to_json().contains(r#""test": null"#));
}

#[test]
fn the_check_finds_what_does_not_fit() {
    let good = sample::report("part", 6).to_json();
    for (from, to) in [
        (r#""anomalous": true"#, r#""anomalous": 1"#),
        (r#""oracle": "#, r#""oracel": "#),
        (r#""verdict": "ok""#, r#""verdict": "fine""#),
        (r#""format": 1"#, r#""format": 2"#),
    ] {
        assert!(good.contains(from), "{from}");
        assert!(!check(&good.replacen(from, to, 1)).is_empty(), "{to}");
    }
}

#[test]
fn scores_keep_their_digits() {
    let mut report = sample::report("part", 6);
    report.categories[0].threshold.as_mut().unwrap().image = 0.1;
    assert!(report.to_json().contains("\"image\": 0.1,"), "not 0.10000000149");
}

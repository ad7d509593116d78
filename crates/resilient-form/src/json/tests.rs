use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((any_text(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn any_text() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

fn same(json: &Json, value: &Value) -> bool {
    match (json, value) {
        (Json::Null, Value::Null) => true,
        (Json::Flag(one), Value::Bool(other)) => one == other,
        (Json::Number(one), Value::Number(other)) => *one == other.as_u64(),
        (Json::Text(one), Value::String(other)) => one == other,
        (Json::List(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Json::Object(one), Value::Object(other)) => {
            one.0.len() == other.len()
                && one
                    .0
                    .iter()
                    .all(|(name, json)| other.get(name).is_some_and(|other| same(json, other)))
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn what_serde_wrote_is_read(value in any_json()) {
        for written in [serde_json::to_string(&value), serde_json::to_string_pretty(&value)] {
            let json = Json::read(&written.expect("json")).expect("read");
            prop_assert!(same(&json, &value), "{:?} is not {}", json, value);
        }
    }

    #[test]
    fn text_is_written_as_serde_writes_it(name in any_text(), text in any_text(), number in any::<u64>()) {
        let ours = Object::new().text("name", &name).value("text", Some(&text)).number("number", number).end();
        let serdes = format!("{{\"name\":{},\"text\":{},\"number\":{number}}}", Value::from(name), Value::from(text.clone()));
        prop_assert_eq!(ours, serdes);
        prop_assert_eq!(texts(std::slice::from_ref(&text)), Value::from(vec![text]).to_string());
    }

    #[test]
    fn anything_at_all_is_read_or_refused_as_serde_does(text in "[\\[\\]{}:,\"\\\\untrfalse0-9.eE+ -]{0,24}") {
        // Serde also refuses numbers such as `01` and `1.`; none of ours is affected.
        if serde_json::from_str::<Value>(&text).is_ok() {
            prop_assert!(Json::read(&text).is_some(), "{}", text);
        }
    }
}

#[test]
fn half_a_pair_costs_its_own_character_alone() {
    let read = |json: &str| Json::read(json).and_then(Json::text);
    assert_eq!(read(r#""a\ud83d\ude00b""#).as_deref(), Some("a😀b"));
    assert_eq!(read(r#""a\ud83db""#).as_deref(), Some("a\u{fffd}b"));
    assert_eq!(read(r#""a\ud83d\nb""#).as_deref(), Some("a\u{fffd}\nb"));
    assert_eq!(read(r#""a\ude00b""#).as_deref(), Some("a\u{fffd}b"));
    assert_eq!(read(r#""a\ud83d\u0041""#).as_deref(), Some("a\u{fffd}A"));
}

#[test]
fn what_is_no_json_is_refused() {
    for broken in [
        "",
        "nul",
        "[1,",
        "[1,]",
        "{\"a\"}",
        "{\"a\":1,}",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u+123\"",
        "1 2",
        "\"a\nb\"",
        "-",
        "é",
    ] {
        assert_eq!(Json::read(broken), None, "{broken}");
    }
    assert_eq!(Json::read(&"[".repeat(100_000)), None);
}

#[test]
fn a_number_that_is_none_of_ours_is_still_a_number() {
    for other in ["-1", "1.5", "1e3", "18446744073709551616"] {
        assert_eq!(Json::read(other), Some(Json::Number(None)), "{other}");
    }
    assert_eq!(Json::read("18446744073709551615"), Some(Json::Number(Some(u64::MAX))));
}

#[test]
fn a_field_of_another_kind_is_told_apart_from_one_that_is_absent() {
    let mut fields = Json::read(r#"{"a":null,"b":7,"c":"x"}"#)
        .and_then(Json::object)
        .expect("an object");
    assert_eq!(fields.maybe_text("a"), Some(None));
    assert_eq!(fields.maybe_text("b"), None);
    assert_eq!(fields.maybe_text("d"), Some(None));
    assert_eq!(fields.flag_or_no("c"), None);
}

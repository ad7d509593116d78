//! JSON, with the place where it goes wrong.

use serde::de::IgnoredAny;

/// Where and how `text` stops being JSON.
pub fn refused_json(text: &str) -> Option<String> {
    let error = serde_json::from_str::<IgnoredAny>(text).err()?;
    let (line, column) = (error.line(), error.column());
    if error.is_eof() {
        return Some(format!(
            "This is not valid JSON: it ends too early, in line {line}. A closing quote, bracket or brace is missing."
        ));
    }
    let (before, after) = text.split_at(place(text, line, column));
    let found = after.chars().next();
    let at = found.map_or_else(String::new, |found| format!(", at “{found}”"));
    Some(format!(
        "This is not valid JSON: see line {line}, column {column}{at}. {}",
        advice(&error.to_string(), before, found)
    ))
}

/// The byte of a place counted from 1, columns in bytes.
fn place(text: &str, line: usize, column: usize) -> usize {
    let lines = text.split_inclusive('\n').take(line.saturating_sub(1));
    let start: usize = lines.map(str::len).sum();
    let at = (start + column.saturating_sub(1)).min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// What is usually the matter. `said` are the reader's own words: nothing but the advice depends on them.
fn advice(said: &str, before: &str, found: Option<char>) -> &'static str {
    match found {
        Some('\'') => "Texts stand in double quotes (\").",
        Some('“' | '”' | '„') => "Texts stand in straight double quotes (\").",
        Some('}' | ']') if before.trim_end().ends_with(',') => "Take away the comma before it.",
        _ if said.contains("expected `,`") => "A comma is missing before it.",
        _ if said.contains("expected `:`") => "After a name follows a colon.",
        _ if said.contains("key must be a string") => "Names stand in double quotes (\").",
        _ if said.contains("trailing characters") => "The document is complete before it.",
        _ if said.contains("control character") => "Inside a text, write a line break as \\n and a tab as \\t.",
        _ if said.contains("escape") => "A backslash in a text is written twice.",
        _ => "A value is a text in double quotes, a number, true, false, null, a list or an object.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_json_is_not_refused() {
        for text in [
            "{}",
            " [1, 2.50, 1e400, null] ",
            "\"ä\"",
            "0",
            "{\"a\": {\"b\": [true]}}",
        ] {
            assert_eq!(refused_json(text), None, "{text}");
        }
        assert_eq!(
            refused_json(&format!("{}1{}", "[".repeat(5000), "]".repeat(5000))),
            None
        );
    }

    #[test]
    fn the_place_and_the_remedy_are_told() {
        for (text, words) in [
            (
                "{\"a\": 1,\n  \"b\" 2}",
                "line 2, column 7, at “2”. After a name follows a colon.",
            ),
            (
                "{\"a\": 1 \"b\": 2}",
                "line 1, column 9, at “\"”. A comma is missing before it.",
            ),
            ("{\"a\": 1,}", "at “}”. Take away the comma before it."),
            ("{'a': 1}", "at “'”. Texts stand in double quotes"),
            ("{a: 1}", "Names stand in double quotes"),
            ("{\"a\": 1", "ends too early, in line 1"),
            ("hello", "A value is a text in double quotes"),
            ("{} x", "at “x”. The document is complete before it."),
            ("[\"a\nb\"]", "write a line break as \\n"),
            ("[\"a\\d\"]", "A backslash in a text is written twice."),
            ("{\"ä\": ü}", "line 1"),
        ] {
            let said = refused_json(text).unwrap_or_default();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}

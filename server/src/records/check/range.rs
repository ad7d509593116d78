//! Ranges as PostgreSQL writes them: `[1,10)`, `(,5]`, `empty`, and sets of them, `{[1,3),[5,8)}`.
//!
//! Nothing is refused here that PostgreSQL takes.

const FORM: &str = "Write a lower and an upper bound such as [1,10): a square bracket takes the bound in, a round one \
    leaves it out, and no bound at all means without end.";
const SET: &str = "Write ranges in braces with commas between them, such as {[1,3),[5,8)}.";

pub fn refused_range(text: &str) -> Option<String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("empty") {
        return None;
    }
    let whole = after_range(text).is_some_and(|rest| rest.is_empty());
    (!whole).then(|| FORM.to_owned())
}

pub fn refused_multirange(text: &str) -> Option<String> {
    let inside = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let Some(mut rest) = inside.map(str::trim) else {
        return Some(SET.to_owned());
    };
    while !rest.is_empty() {
        let after = match rest.get(..5) {
            Some(word) if word.eq_ignore_ascii_case("empty") => Some(&rest[5..]),
            _ => after_range(rest),
        };
        let Some(after) = after.map(str::trim_start) else {
            return Some(FORM.to_owned());
        };
        rest = match after.strip_prefix(',') {
            Some(next) if !next.trim().is_empty() => next.trim_start(),
            None if after.is_empty() => after,
            _ => return Some(SET.to_owned()),
        };
    }
    None
}

/// What follows the range that `text` begins with.
fn after_range(text: &str) -> Option<&str> {
    let inside = text.strip_prefix(['[', '('])?;
    let mut letters = inside.char_indices();
    let (mut is_quoted, mut commas) = (false, 0);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => {
                letters.next();
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => commas += 1,
            ']' | ')' if !is_quoted => return (commas == 1).then(|| &inside[at + 1..]),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_two_bounds_in_brackets() {
        for text in [
            "[1,10)",
            "(,5]",
            "[,]",
            "(,)",
            " [1,2] ",
            "empty",
            "EMPTY",
            "[2026-01-01,infinity)",
            "[\"2026-01-31 14:30:00+00\",\"2026-02-01, noon)\")",
            "[a\\,b,c)",
        ] {
            assert_eq!(refused_range(text), None, "{text}");
        }
        for text in ["1,10", "[1,10", "[1 10)", "[1,2,3)", "[1,2) x", "{[1,2)}", "["] {
            assert!(refused_range(text).is_some(), "{text}");
        }
    }

    #[test]
    fn multiranges_are_ranges_in_braces() {
        for text in ["{}", "{ }", "{[1,3)}", "{[1,3), [5,8)}", "{empty,(,2]}"] {
            assert_eq!(refused_multirange(text), None, "{text}");
        }
        for text in ["[1,3)", "{[1,3)", "{[1,3) [5,8)}", "{[1,3),}", "{1}"] {
            assert!(refused_multirange(text).is_some(), "{text}");
        }
    }
}

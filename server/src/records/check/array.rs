//! Arrays as PostgreSQL writes them: `{1,2,NULL}`, `{"two words",one}`, `{{1,2},{3,4}}`.
//!
//! Nothing is refused here that PostgreSQL takes. What it would refuse is said in words and with the
//! place, as far as it can be told without asking; the rest the database says.

/// What PostgreSQL takes. A text of nothing but braces must not use up the stack either.
const DEEPEST: usize = 6;

const FORM: &str = "Write the entries in braces with commas between them, such as {1,2,3}.";

/// Why `text` is no array, or what `refused` says of one of its elements.
pub fn refused_array(text: &str, refused: impl Fn(&str) -> Option<String>) -> Option<String> {
    let elements = match elements(text) {
        Ok(elements) => elements,
        Err(words) => return Some(words),
    };
    elements.into_iter().enumerate().find_map(|(place, element)| {
        let words = refused(&element?)?;
        Some(format!("Entry {}: {words}", place + 1))
    })
}

/// The texts of all elements, whatever the nesting; `None` for NULL.
fn elements(text: &str) -> Result<Vec<Option<String>>, String> {
    let mut reader = Reader {
        rest: without_bounds(text.trim()),
        elements: Vec::new(),
    };
    if !reader.take('{') {
        return Err(FORM.to_owned());
    }
    reader.level(1)?;
    match reader.rest.trim().is_empty() {
        true => Ok(reader.elements),
        false => Err(format!(
            "After the last brace stands more than there should be: {}.",
            near(reader.rest)
        )),
    }
}

/// PostgreSQL tells other first indexes than 1 in front: `[0:2]={1,2,3}`.
fn without_bounds(text: &str) -> &str {
    match text.split_once('=') {
        Some((bounds, rest)) if bounds.starts_with('[') => rest.trim_start(),
        _ => text,
    }
}

struct Reader<'a> {
    rest: &'a str,
    elements: Vec<Option<String>>,
}

impl Reader<'_> {
    /// From behind an opening brace, the `depth`th, to behind its closing one.
    fn level(&mut self, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("At most {DEEPEST} levels of braces are possible."));
        }
        if self.take('}') {
            return Ok(());
        }
        loop {
            self.element(depth)?;
            if self.take('}') {
                return Ok(());
            }
            if !self.take(',') {
                return Err(match self.rest.trim().is_empty() {
                    true => "A closing brace is missing at the end.".to_owned(),
                    false => format!("A comma or a closing brace is missing before {}.", near(self.rest)),
                });
            }
        }
    }

    fn element(&mut self, depth: usize) -> Result<(), String> {
        if self.take('{') {
            return self.level(depth + 1);
        }
        if self.take('"') {
            let text = self.quoted()?;
            self.elements.push(Some(text));
            return Ok(());
        }
        let text = self.plain();
        if text.is_empty() {
            return Err(
                "Between two commas, or at an end, an entry is missing. Write NULL for none, or \"\" for an empty \
                text."
                    .to_owned(),
            );
        }
        self.elements.push((!text.eq_ignore_ascii_case("null")).then_some(text));
        Ok(())
    }

    /// From behind a quote to behind the next one.
    fn quoted(&mut self) -> Result<String, String> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                '\\' => text.extend(letters.next().map(|(_, letter)| letter)),
                _ => text.push(letter),
            }
        }
        Err("A closing quote (\") is missing.".to_owned())
    }

    /// Up to the next comma or brace.
    fn plain(&mut self) -> String {
        let mut text = String::new();
        let mut letters = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, letter)) = letters.next() {
            match letter {
                ',' | '{' | '}' => {
                    end = at;
                    break;
                }
                '\\' => text.extend(letters.next().map(|(_, letter)| letter)),
                _ => text.push(letter),
            }
        }
        self.rest = &self.rest[end..];
        text.trim().to_owned()
    }

    fn take(&mut self, sign: char) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

/// The beginning of a text, to find a place by.
fn near(rest: &str) -> String {
    let beginning: String = rest.trim_start().chars().take(12).collect();
    format!("“{beginning}”")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Option<String>>, String> {
        elements(text)
    }

    #[test]
    fn elements_are_read_as_postgres_reads_them() {
        for (text, expected) in [
            ("{}", vec![]),
            (" { } ", vec![]),
            ("{1,2,NULL}", vec![Some("1"), Some("2"), None]),
            ("{ a b , \"NULL\" , null }", vec![Some("a b"), Some("NULL"), None]),
            (
                r#"{"with, comma","quote \" in","{brace}",""}"#,
                vec![Some("with, comma"), Some("quote \" in"), Some("{brace}"), Some("")],
            ),
            ("{{1,2},{3,4}}", vec![Some("1"), Some("2"), Some("3"), Some("4")]),
            ("[0:1]={a,b}", vec![Some("a"), Some("b")]),
            (r"{a\,b}", vec![Some("a,b")]),
        ] {
            let expected: Vec<Option<String>> = expected.into_iter().map(|text| text.map(str::to_owned)).collect();
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        for (text, words) in [
            ("1,2", "in braces"),
            ("{1,2", "closing brace is missing at the end"),
            ("{\"a}", "closing quote"),
            ("{\"a\" b}", "before “b}”"),
            ("{1,,2}", "an entry is missing"),
            ("{1,}", "an entry is missing"),
            ("{1} 2", "more than there should be: “2”"),
        ] {
            let said = refused_array(text, |_| None).unwrap_or_default();
            assert!(said.contains(words), "{text}: {said}");
        }
        let said = refused_array(&"{".repeat(1_000_000), |_| None);
        assert_eq!(said.as_deref(), Some("At most 6 levels of braces are possible."));
        assert_eq!(refused_array("{{{{{{1}}}}}}", |_| None), None, "PostgreSQL takes six");
        assert!(refused_array("{{{{{{{1}}}}}}}", |_| None).is_some(), "and not seven");
        let said = refused_array("{1,{2,x}}", |text| (text == "x").then(|| "No.".to_owned()));
        assert_eq!(said.as_deref(), Some("Entry 3: No."));
    }
}

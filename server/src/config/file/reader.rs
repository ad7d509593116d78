//! Takes a TOML document apart and notes what is wrong with it, instead of stopping at the first.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub type Value<'i> = Spanned<DeValue<'i>>;

pub struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    pub problems: Vec<String>,
}

/// A key with the line it stands on, and its value.
pub struct Entry<'a, 'i> {
    pub key: &'a str,
    pub line: usize,
    pub value: &'a Value<'i>,
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a Path, text: &'a str) -> Self {
        Self {
            file,
            text,
            problems: Vec::new(),
        }
    }

    /// Counts from 1.
    pub fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().iter().take(offset);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    pub fn problem(&mut self, offset: usize, message: impl AsRef<str>) {
        let line = self.line(offset);
        let message = message.as_ref();
        self.problems.push(format!("{}:{line}: {message}", self.file.display()));
    }

    /// The entries of a table, by what `allowed` says; any other is a problem.
    pub fn entries<'t, 'i>(&mut self, table: &'t DeTable<'i>, what: &str, allowed: &[&str]) -> Vec<Entry<'t, 'i>> {
        let mut known = Vec::new();
        for entry in self.every_entry(table) {
            if allowed.contains(&entry.0.key) {
                known.push(entry.0);
            } else {
                let (key, listed) = (entry.0.key, allowed.join(", "));
                self.problem(entry.1, format!("{what} has no `{key}`; it takes {listed}."));
            }
        }
        known
    }

    /// The entries of a table whose keys are names, each with its place.
    pub fn every_entry<'t, 'i>(&self, table: &'t DeTable<'i>) -> Vec<(Entry<'t, 'i>, usize)> {
        let entry = |(key, value): (&'t Spanned<_>, &'t Value<'i>)| {
            let offset = key.span().start;
            let key: &std::borrow::Cow<'i, str> = key.get_ref();
            let line = self.line(offset);
            (Entry { key, line, value }, offset)
        };
        table.iter().map(entry).collect()
    }

    pub fn table<'t, 'i>(&mut self, value: &'t Value<'i>, key: &str) -> Option<&'t DeTable<'i>> {
        self.expected(value, key, "a table", DeValue::as_table)
    }

    pub fn text(&mut self, value: &Value, key: &str) -> Option<String> {
        self.expected(value, key, "a text in quotes", |value| {
            value.as_str().map(str::to_owned)
        })
    }

    pub fn flag(&mut self, value: &Value, key: &str) -> Option<bool> {
        self.expected(value, key, "true or false", DeValue::as_bool)
    }

    /// A whole number from 1 to `most`.
    pub fn count(&mut self, value: &Value, key: &str, most: u32) -> Option<u32> {
        let words = format!("a whole number from 1 to {most}");
        self.expected(value, key, &words, |value| {
            let number = value.as_integer()?;
            let number = u32::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()?;
            (1..=most).contains(&number).then_some(number)
        })
    }

    /// Texts, each with its place.
    pub fn texts(&mut self, value: &Value, key: &str) -> Option<Vec<(String, usize)>> {
        let words = "a list of texts, as in [\"a\", \"b\"]";
        let items = self.expected(value, key, words, DeValue::as_array)?;
        let mut texts = Vec::new();
        for item in items.iter() {
            let text = self.expected(item, key, words, |item| item.as_str().map(str::to_owned))?;
            texts.push((text, item.span().start));
        }
        Some(texts)
    }

    fn expected<'v, 'i, T>(
        &mut self,
        value: &'v Value<'i>,
        key: &str,
        words: &str,
        read: impl FnOnce(&'v DeValue<'i>) -> Option<T>,
    ) -> Option<T> {
        let found = read(value.get_ref());
        if found.is_none() {
            self.problem(value.span().start, format!("`{key}` takes {words}."));
        }
        found
    }
}

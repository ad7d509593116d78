//! From values to text.

use resilient_core::draft::{Text, Values};

use super::Json;

/// An object being written, field after field.
pub struct Object(String);

impl Object {
    pub fn new() -> Self {
        Self("{".to_owned())
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        quote(&mut self.0, name);
        self.0.push(':');
    }

    /// A value that is JSON already.
    pub fn json(mut self, name: &str, json: &str) -> Self {
        self.name(name);
        self.0.push_str(json);
        self
    }

    pub fn text(mut self, name: &str, text: &str) -> Self {
        self.name(name);
        quote(&mut self.0, text);
        self
    }

    pub fn value(mut self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(text) => self.text(name, text),
            None => {
                self.name(name);
                self.0.push_str("null");
                self
            }
        }
    }

    pub fn number(self, name: &str, number: u64) -> Self {
        self.json(name, &number.to_string())
    }

    pub fn flag(self, name: &str, flag: bool) -> Self {
        self.json(name, if flag { "true" } else { "false" })
    }

    pub fn values(self, name: &str, values: &Values) -> Self {
        let column = |object: Self, (column, value): (&String, &Text)| object.value(column, value.as_deref());
        let values = values.iter().fold(Self::new(), column).end();
        self.json(name, &values)
    }

    pub fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// A list of what is JSON already.
pub fn list(items: &[String]) -> String {
    let mut json = "[".to_owned();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        json.push_str(item);
    }
    json.push(']');
    json
}

/// A list of texts.
pub fn texts(texts: &[String]) -> String {
    let quoted = |text: &String| {
        let mut json = String::new();
        quote(&mut json, text);
        json
    };
    list(&texts.iter().map(quoted).collect::<Vec<_>>())
}

impl Json {
    /// What [`texts`] wrote.
    pub fn read_texts(json: &str) -> Option<Vec<String>> {
        Self::read(json)?.list()?.into_iter().map(Self::text).collect()
    }
}

fn quote(json: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    json.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            8 => b'b',
            12 => b'f',
            0..=31 => b'u',
            _ => continue,
        };
        json.push_str(text.get(plain..at).unwrap_or_default());
        plain = at + 1;
        json.push('\\');
        json.push(char::from(short));
        if short == b'u' {
            json.push_str("00");
            json.push(char::from(HEX[usize::from(byte >> 4)]));
            json.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    json.push_str(text.get(plain..).unwrap_or_default());
    json.push('"');
}

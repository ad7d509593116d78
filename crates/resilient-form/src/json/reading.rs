//! From text to values.

use super::{Fields, Json};

/// Ours are nested four deep.
const DEEPEST: u32 = 32;

pub fn read(text: &str) -> Option<Json> {
    let mut reader = Reader { text, at: 0 };
    let json = reader.value(DEEPEST)?;
    reader.skip_space();
    (reader.at == text.len()).then_some(json)
}

struct Reader<'a> {
    text: &'a str,
    /// A byte offset, always between two characters.
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Goes past `byte`, and space before it, if it comes next.
    fn passes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn word(&mut self, word: &str, json: Json) -> Option<Json> {
        let is_next = self.text.get(self.at..)?.starts_with(word);
        self.at += word.len();
        is_next.then_some(json)
    }

    fn value(&mut self, depth: u32) -> Option<Json> {
        let depth = depth.checked_sub(1)?;
        self.skip_space();
        match self.peek()? {
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Flag(true)),
            b'f' => self.word("false", Json::Flag(false)),
            b'"' => Some(Json::Text(self.string()?)),
            b'[' => Some(Json::List(self.list(depth)?)),
            b'{' => Some(Json::Object(self.object(depth)?)),
            _ => self.number(),
        }
    }

    fn list(&mut self, depth: u32) -> Option<Vec<Json>> {
        self.at += 1;
        let mut list = Vec::new();
        if self.passes(b']') {
            return Some(list);
        }
        loop {
            list.push(self.value(depth)?);
            if self.passes(b']') {
                return Some(list);
            }
            self.passes(b',').then_some(())?;
        }
    }

    fn object(&mut self, depth: u32) -> Option<Fields> {
        self.at += 1;
        let mut fields = Vec::new();
        if self.passes(b'}') {
            return Some(Fields(fields));
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            self.passes(b':').then_some(())?;
            fields.push((name, self.value(depth)?));
            if self.passes(b'}') {
                return Some(Fields(fields));
            }
            self.passes(b',').then_some(())?;
        }
    }

    fn number(&mut self) -> Option<Json> {
        let rest = self.text.get(self.at..)?;
        let end = rest
            .find(|letter: char| !matches!(letter, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        self.at += end;
        let written = rest.get(..end)?;
        let begins = written.strip_prefix('-').unwrap_or(written);
        begins
            .starts_with(|letter: char| letter.is_ascii_digit())
            .then(|| Json::Number(written.parse().ok()))
    }

    fn string(&mut self) -> Option<String> {
        if self.peek()? != b'"' {
            return None;
        }
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = self.text.get(self.at..)?;
            let end = rest
                .bytes()
                .position(|byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
            string.push_str(rest.get(..end)?);
            self.at += end + 1;
            match rest.as_bytes()[end] {
                b'"' => return Some(string),
                b'\\' => string.push(self.escaped()?),
                _ => return None,
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => return None,
        })
    }

    /// Half of a pair is what a browser makes of text cut inside a character: it is read as U+FFFD, as the
    /// browser itself reads it, and the rest of the text stays.
    fn code_point(&mut self) -> Option<char> {
        let unit = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&unit) {
            return Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let after = self.at;
        if self.text.get(after..)?.starts_with("\\u") {
            self.at += 2;
            let low = self.four_digits()?;
            if (0xdc00..0xe000).contains(&low) {
                return char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
            }
            self.at = after;
        }
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
        u32::from_str_radix(digits, 16).ok()
    }
}

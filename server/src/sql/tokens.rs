//! SQL cut into tokens, as far as constraint expressions and CREATE TABLE need it.

use std::ops::Range;

/// What `[` stands for: SQLite takes `[name]` for a name, PostgreSQL writes arrays with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brackets {
    QuoteNames,
    HoldElements,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A keyword or an unquoted name.
    Word(String),
    /// A quoted name, without its quotes.
    Name(String),
    /// A string literal's text.
    Text(String),
    Number(String),
    /// Any other character, and `::`.
    Sign(&'static str),
    Unknown,
}

impl Token {
    /// Whether this is the keyword, in any case.
    pub fn is_word(&self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    pub fn is_sign(&self, sign: &str) -> bool {
        matches!(self, Token::Sign(own) if *own == sign)
    }

    /// The name a bare or quoted word stands for.
    pub fn as_name(&self) -> Option<&str> {
        match self {
            Token::Word(name) | Token::Name(name) => Some(name),
            _ => None,
        }
    }
}

const SIGNS: [&str; 15] = [
    "::", "(", ")", ",", "[", "]", "=", "-", "+", ".", "<", ">", "|", "*", ";",
];

/// The tokens of `sql` with their places in it. Comments are left out. Nothing is ever an error:
/// what is not understood is [`Token::Unknown`].
pub fn tokens(sql: &str, brackets: Brackets) -> Vec<(Token, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let length = blank_length(&sql[at..]);
        if length > 0 {
            at += length;
            continue;
        }
        let (token, length) = token(&sql[at..], first, brackets);
        found.push((token, at..at + length));
        at += length;
    }
    found
}

/// Bytes of white space or comment at the start of `sql`.
fn blank_length(sql: &str) -> usize {
    if sql.starts_with("--") {
        return sql.find('\n').map_or(sql.len(), |end| end + 1);
    }
    if sql.starts_with("/*") {
        return sql.find("*/").map_or(sql.len(), |end| end + 2);
    }
    sql.len() - sql.trim_start().len()
}

/// The token at the start of `sql`, and its length in bytes.
fn token(sql: &str, first: char, brackets: Brackets) -> (Token, usize) {
    match first {
        '\'' => quoted(sql, '\'').map_or((Token::Unknown, sql.len()), |(text, length)| {
            (Token::Text(text), length)
        }),
        '"' | '`' => quoted(sql, first).map_or((Token::Unknown, sql.len()), |(name, length)| {
            (Token::Name(name), length)
        }),
        '[' if brackets == Brackets::QuoteNames => sql.find(']').map_or((Token::Unknown, sql.len()), |end| {
            (Token::Name(sql[1..end].to_owned()), end + 1)
        }),
        'E' | 'e' if sql[1..].starts_with('\'') => escaped(&sql[1..]),
        _ if first.is_ascii_digit() || (first == '.' && sql[1..].starts_with(|next: char| next.is_ascii_digit())) => {
            let length = number_length(sql);
            (Token::Number(sql[..length].to_owned()), length)
        }
        _ if first.is_alphabetic() || first == '_' => {
            let length = sql.find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '$'));
            let word = &sql[..length.unwrap_or(sql.len())];
            (Token::Word(word.to_owned()), word.len())
        }
        _ => SIGNS
            .into_iter()
            .find(|sign| sql.starts_with(sign))
            .map_or((Token::Unknown, first.len_utf8()), |sign| {
                (Token::Sign(sign), sign.len())
            }),
    }
}

/// A text in `quote`s, which stand doubled inside; `None` if it has no end.
fn quoted(sql: &str, quote: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut letters = sql.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != quote {
            text.push(letter);
        } else if letters.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Some((text, at + 1));
        }
    }
    None
}

/// PostgreSQL's `E'…'`, as it writes texts with a backslash: only `\\` occurs in them.
fn escaped(sql: &str) -> (Token, usize) {
    quoted(sql, '\'').map_or((Token::Unknown, sql.len() + 1), |(text, length)| {
        (Token::Text(text.replace("\\\\", "\\")), length + 1)
    })
}

fn number_length(sql: &str) -> usize {
    let digits = sql
        .find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '.'))
        .unwrap_or(sql.len());
    let signed_exponent = sql[..digits].ends_with(['e', 'E']) && sql[digits..].starts_with(['+', '-']);
    if !signed_exponent {
        return digits;
    }
    let rest = &sql[digits + 1..];
    digits + 1 + rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(sql: &str) -> Vec<Token> {
        tokens(sql, Brackets::QuoteNames)
            .into_iter()
            .map(|(token, _)| token)
            .collect()
    }

    #[test]
    fn quotes_comments_and_numbers_are_told_apart() {
        let found = only("a_1 IN ('it''s', \"x\"\"y\", [b c], `d`) -- no\n/* nor this */ 1.5e-3 ::");
        let texts = [
            Token::Word("a_1".into()),
            Token::Word("IN".into()),
            Token::Sign("("),
            Token::Text("it's".into()),
            Token::Sign(","),
            Token::Name("x\"y".into()),
            Token::Sign(","),
            Token::Name("b c".into()),
            Token::Sign(","),
            Token::Name("d".into()),
            Token::Sign(")"),
            Token::Number("1.5e-3".into()),
            Token::Sign("::"),
        ];
        assert_eq!(found, texts);
    }

    #[test]
    fn postgres_texts_with_backslashes_are_unescaped() {
        assert_eq!(only(r"E'a\\b'"), [Token::Text(r"a\b".into())]);
    }

    proptest! {
        #[test]
        fn any_text_ends_and_every_place_is_within_it(sql in ".{0,60}") {
            for brackets in [Brackets::QuoteNames, Brackets::HoldElements] {
                for (_, place) in tokens(&sql, brackets) {
                    prop_assert!(sql.get(place).is_some());
                }
            }
        }
    }
}

//! What statements have in common that differ in their values: their text without any value in it.

mod tokens;

use tokens::{ELIDED, Token};

pub use tokens::Syntax;

/// A shape has no more bytes than this; what is longer ends with `…`.
pub const LONGEST_SHAPE: usize = 8_000;

/// Words after which a parenthesis is no call.
const NO_FUNCTIONS: [&str; 26] = [
    "ALL",
    "AND",
    "ANY",
    "AS",
    "BY",
    "CASE",
    "ELSE",
    "EXCEPT",
    "EXISTS",
    "FROM",
    "IN",
    "INTERSECT",
    "JOIN",
    "NOT",
    "ON",
    "OR",
    "OVER",
    "RETURNING",
    "SELECT",
    "SET",
    "THEN",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
];

/// The statement without comments, with `?` for each literal and each parameter, one item for a list of the same
/// ones, and one way to space it. `IN (1)` and `IN (1, 2, 3)` are both `IN (?, …)`. Two that differ only beyond
/// [`LONGEST_SHAPE`] have the same.
///
/// No literal is ever part of it. (SQLite takes a name in double quotes that no column has for a text; here it is a
/// name.)
pub fn shape_of(sql: &str, syntax: Syntax) -> String {
    let mut shaping = Shaping::default();
    let mut rest = sql;
    // At most half of `length` is spaces: beyond this, the end is cut off in any case.
    while !rest.is_empty() && shaping.length <= 2 * LONGEST_SHAPE {
        let (token, read) = tokens::next(rest, syntax, shaping.tokens.last().copied());
        rest = &rest[read..];
        if let Some(token) = token {
            shaping.take(token);
        }
    }
    if rest.is_empty() {
        shaping.end();
    }
    written(&shaping.tokens)
}

/// Whether the statement's first word says that it only asks.
pub(crate) fn only_asks(shape: &str) -> bool {
    let first = shape
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .find(|word| !word.is_empty());
    let asks = [
        "SELECT", "WITH", "VALUES", "SHOW", "EXPLAIN", "PRAGMA", "TABLE", "DESCRIBE",
    ];
    first.is_some_and(|first| asks.iter().any(|asks| first.eq_ignore_ascii_case(asks)))
}

/// Tokens so far, lists of the same already one item.
#[derive(Default)]
struct Shaping<'a> {
    tokens: Vec<Token<'a>>,
    /// Bytes of `tokens`, spaces included, or a little more.
    length: usize,
    lists: Vec<List>,
    outermost: List,
}

/// A list that has not ended yet; places in `tokens`.
#[derive(Clone, Copy, Default)]
struct List {
    /// After IN: how many there are says nothing.
    is_in: bool,
    /// The item before this one, and whether more of it were left out.
    last: Option<(usize, usize)>,
    elided: bool,
    /// Where this item begins, and the comma before it.
    begin: usize,
    comma: usize,
}

impl<'a> Shaping<'a> {
    fn take(&mut self, token: Token<'a>) {
        match token {
            Token::Open(_) => {
                let is_in = matches!(self.tokens.last(), Some(Token::Word(word)) if word.eq_ignore_ascii_case("IN"));
                self.push(token);
                let begin = self.tokens.len();
                self.lists.push(List {
                    is_in,
                    begin,
                    ..List::default()
                });
            }
            Token::Close(_) => {
                self.end_item();
                if let Some(list) = self.lists.pop()
                    && list.is_in
                    && list.comma == 0
                    && self.tokens[list.begin..].contains(&Token::Value)
                {
                    self.push(Token::Comma);
                    self.push(Token::Elided);
                }
                self.push(token);
            }
            Token::Comma => {
                self.end_item();
                self.push(token);
                let places = (self.tokens.len(), self.tokens.len() - 1);
                let list = self.list();
                (list.begin, list.comma) = places;
            }
            Token::Word(word) if word.eq_ignore_ascii_case("VALUES") => {
                self.push(token);
                self.begin_item();
            }
            Token::Sign(";") => {
                self.end_item();
                self.push(token);
                self.begin_item();
            }
            other => self.push(other),
        }
    }

    /// The first of a new list.
    fn begin_item(&mut self) {
        let begin = self.tokens.len();
        let list = self.list();
        (list.begin, list.last, list.elided) = (begin, None, false);
    }

    /// Nothing follows.
    fn end(&mut self) {
        self.end_item();
        while self.tokens.last() == Some(&Token::Sign(";")) {
            self.tokens.pop();
        }
    }

    /// An item that is the one before it again is left out, once it is known to hold a value.
    fn end_item(&mut self) {
        let end = self.tokens.len();
        let List {
            last,
            elided,
            begin,
            comma,
            ..
        } = *self.list();
        let item = &self.tokens[begin..end];
        let again = last.is_some_and(|(from, to)| self.tokens[from..to] == *item && item.contains(&Token::Value));
        if !again {
            let list = self.list();
            (list.last, list.elided) = (Some((begin, end)), false);
            return;
        }
        let left_out: usize = self.tokens[comma..].iter().map(length).sum();
        self.length -= left_out;
        self.tokens.truncate(comma);
        if !elided {
            self.push(Token::Comma);
            self.push(Token::Elided);
            self.list().elided = true;
        }
    }

    fn list(&mut self) -> &mut List {
        self.lists.last_mut().unwrap_or(&mut self.outermost)
    }

    fn push(&mut self, token: Token<'a>) {
        self.length += length(&token);
        self.tokens.push(token);
    }
}

fn length(token: &Token) -> usize {
    text(token).len() + 1
}

fn text<'a>(token: &Token<'a>) -> &'a str {
    match token {
        Token::Word(text) | Token::Open(text) | Token::Close(text) | Token::Sign(text) => text,
        Token::Value => "?",
        Token::Comma => ",",
        Token::Elided => ELIDED,
    }
}

fn written(tokens: &[Token]) -> String {
    let mut written = String::with_capacity(tokens.iter().map(length).sum::<usize>().min(LONGEST_SHAPE));
    let mut before = None;
    for token in tokens {
        let (space, text) = (needs_space(before, token), text(token));
        // Room for the mark that there is more.
        let room = if *token == Token::Elided { 0 } else { 1 + ELIDED.len() };
        if written.len() + usize::from(space) + text.len() + room > LONGEST_SHAPE {
            if before != Some(Token::Elided) {
                written.push_str(if needs_space(before, &Token::Elided) { " " } else { "" });
                written.push_str(ELIDED);
            }
            break;
        }
        if space {
            written.push(' ');
        }
        written.push_str(text);
        before = Some(*token);
    }
    written
}

fn needs_space(before: Option<Token>, token: &Token) -> bool {
    let tight = |sign: &str| matches!(sign, "." | "::" | ";");
    match (before, token) {
        (None | Some(Token::Open(_)), _) | (_, Token::Comma | Token::Close(_)) => false,
        (_, Token::Sign(sign)) if tight(sign) => false,
        (Some(Token::Sign("." | "::")), _) => false,
        (Some(Token::Word(word)), Token::Open("(")) => {
            NO_FUNCTIONS.iter().any(|other| word.eq_ignore_ascii_case(other))
        }
        (Some(Token::Word(_) | Token::Close(_)), Token::Open("[")) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests;

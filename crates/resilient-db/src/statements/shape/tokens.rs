//! SQL cut into tokens, as far as telling values from everything else takes it. Nothing is ever an error: what has no
//! end is a value, because a value is never shown.

/// Whose SQL it is: what stands in quotes, and what is a comment, differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syntax {
    Postgres,
    /// MySQL and MariaDB, as they come: texts may stand in double quotes, with backslashes in them.
    MySql,
    Sqlite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or a name, as it is written.
    Word(&'a str),
    /// A literal or a parameter.
    Value,
    /// `(` or `[`.
    Open(&'a str),
    Close(&'a str),
    Comma,
    Sign(&'a str),
    /// More of the same.
    Elided,
}

pub(super) const ELIDED: &str = "…";
const OPERATORS: &str = "+-*/<>=~!@#%^&|";

/// The token at the start of `rest`, where there is one, and how many bytes were read. `before` is the token before it.
pub(super) fn next<'a>(rest: &'a str, syntax: Syntax, before: Option<Token>) -> (Option<Token<'a>>, usize) {
    let blank = blank_length(rest, syntax);
    if blank > 0 {
        return (None, blank);
    }
    let Some(first) = rest.chars().next() else {
        return (None, rest.len());
    };
    let one = &rest[..first.len_utf8()];
    let (token, length) = match first {
        '(' | '[' if first == '(' || syntax != Syntax::Sqlite => (Token::Open(one), 1),
        ')' | ']' => (Token::Close(one), 1),
        ',' => (Token::Comma, 1),
        '…' => (Token::Elided, one.len()),
        '\'' => (Token::Value, text_length(rest, '\'', syntax == Syntax::MySql)),
        '"' if syntax == Syntax::MySql => (Token::Value, text_length(rest, '"', true)),
        '"' | '`' => name(rest, text_length(rest, first, false), first),
        '[' => name(rest, rest.find(']').map_or(rest.len(), |end| end + 1), ']'),
        '?' => (Token::Value, 1 + digits(&rest[1..])),
        '$' => dollar(rest, syntax),
        ':' | '@' if syntax == Syntax::Sqlite && word_length(&rest[1..], syntax) > 0 => {
            (Token::Value, 1 + word_length(&rest[1..], syntax))
        }
        ':' if rest.starts_with("::") => (Token::Sign("::"), 2),
        '+' | '-' if may_be_signed(before) && is_number(&rest[1..]) => (Token::Value, 1 + number_length(&rest[1..])),
        _ if is_number(rest) => (Token::Value, number_length(rest)),
        _ if starts_word(first, syntax) => word(rest, syntax),
        _ if OPERATORS.contains(first) => operator(rest, syntax),
        _ => (Token::Sign(one), one.len()),
    };
    (Some(token), length.min(rest.len()))
}

/// Bytes of white space, control characters or one comment at the start.
fn blank_length(rest: &str, syntax: Syntax) -> usize {
    let is_blank = |letter: char| letter.is_whitespace() || letter.is_control();
    if is_comment(rest, syntax) {
        return match rest.starts_with("/*") {
            true => block_length(rest, syntax),
            false => rest.find('\n').map_or(rest.len(), |end| end + 1),
        };
    }
    rest.len() - rest.trim_start_matches(is_blank).len()
}

fn is_comment(rest: &str, syntax: Syntax) -> bool {
    let dashes = || {
        // MySQL takes two dashes for a comment only before a space: `5--3` is 8.
        let after = rest[2..].chars().next();
        syntax != Syntax::MySql || after.is_none_or(|after| after.is_whitespace() || after.is_control())
    };
    rest.starts_with("/*") || (rest.starts_with("--") && dashes()) || (rest.starts_with('#') && syntax == Syntax::MySql)
}

/// PostgreSQL's comments hold comments.
fn block_length(rest: &str, syntax: Syntax) -> usize {
    if syntax != Syntax::Postgres {
        return rest[2..].find("*/").map_or(rest.len(), |end| end + 4);
    }
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let bytes = &rest.as_bytes()[at..];
        if bytes.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if bytes.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// What stands in `quote`s, which stand doubled inside, the quotes included; all of it where it has no end.
fn text_length(rest: &str, quote: char, backslashes: bool) -> usize {
    let (bytes, quote) = (rest.as_bytes(), quote as u8);
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if backslashes => at += 2,
            byte if byte == quote && bytes.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A quoted name that has an end.
fn name(rest: &str, length: usize, quote: char) -> (Token<'_>, usize) {
    let name = &rest[..length];
    match length > 1 && name.ends_with(quote) {
        true => (Token::Word(name), length),
        false => (Token::Value, length),
    }
}

/// `$1`, SQLite's `$name`, and PostgreSQL's `$tag$…$tag$`.
fn dollar(rest: &str, syntax: Syntax) -> (Token<'_>, usize) {
    let numbered = digits(&rest[1..]);
    if numbered > 0 {
        return (Token::Value, 1 + numbered);
    }
    let tag = word_length(&rest[1..], Syntax::Sqlite);
    match syntax {
        Syntax::Postgres if rest[1 + tag..].starts_with('$') => {
            let fence = &rest[..tag + 2];
            let end = rest[fence.len()..].find(fence);
            (Token::Value, end.map_or(rest.len(), |end| end + 2 * fence.len()))
        }
        Syntax::Sqlite if tag > 0 => (Token::Value, 1 + tag),
        _ => (Token::Sign("$"), 1),
    }
}

/// A word, or the text that it is the first letter of: `E'…'`, `x'…'`, `U&'…'`.
fn word(rest: &str, syntax: Syntax) -> (Token<'_>, usize) {
    let length = word_length(rest, syntax);
    let (word, after) = rest.split_at(length);
    let is = |prefix: &str| word.eq_ignore_ascii_case(prefix);
    if after.starts_with('\'') && ["e", "b", "x", "n"].into_iter().any(is) {
        let backslashes = syntax == Syntax::MySql || is("e");
        return (Token::Value, length + text_length(after, '\'', backslashes));
    }
    if after.starts_with("&'") && is("u") {
        return (Token::Value, length + 1 + text_length(&after[1..], '\'', false));
    }
    (Token::Word(word), length)
}

/// Up to a sign before a number, and up to a comment.
fn operator(rest: &str, syntax: Syntax) -> (Token<'_>, usize) {
    let mut length = 1;
    while let Some(letter) = rest[length..].chars().next() {
        let is_sign = matches!(letter, '+' | '-') && is_number(&rest[length + 1..]);
        if !OPERATORS.contains(letter) || is_sign || is_comment(&rest[length..], syntax) {
            break;
        }
        length += 1;
    }
    (Token::Sign(&rest[..length]), length)
}

/// After these a `-` belongs to the number that follows; after a name it takes something away.
fn may_be_signed(before: Option<Token>) -> bool {
    matches!(
        before,
        None | Some(Token::Open(_) | Token::Comma | Token::Sign(_) | Token::Elided)
    )
}

fn starts_word(first: char, syntax: Syntax) -> bool {
    first.is_alphabetic() || first == '_' || (first == '@' && syntax == Syntax::MySql)
}

fn word_length(rest: &str, syntax: Syntax) -> usize {
    let belongs = |letter: char| {
        letter.is_alphanumeric()
            || letter == '_'
            || (letter == '$' && syntax != Syntax::Sqlite)
            || (letter == '@' && syntax == Syntax::MySql)
    };
    rest.find(|letter| !belongs(letter)).unwrap_or(rest.len())
}

fn is_number(rest: &str) -> bool {
    let digits = rest.strip_prefix('.').unwrap_or(rest);
    digits.starts_with(|digit: char| digit.is_ascii_digit())
}

fn digits(rest: &str) -> usize {
    rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len())
}

/// With everything that is written together with it: `1.5e-3`, `0xff`, `12abc`.
fn number_length(rest: &str) -> usize {
    let belongs = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_');
    let length = rest.find(|letter| !belongs(letter)).unwrap_or(rest.len());
    let has_exponent = rest[..length].ends_with(['e', 'E']) && rest[length..].starts_with(['+', '-']);
    match has_exponent {
        true => length + 1 + digits(&rest[length + 1..]),
        false => length,
    }
}

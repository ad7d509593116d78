//! Column defaults that are plain literals.

use app::records::model::ColumnKind;

use super::tokens::{Brackets, Token, tokens};

/// The text of a default such as `'open'::text`, `(-1)` or `true`; `None` for NULL and for
/// anything that has to be computed.
pub fn literal_text(expression: &str) -> Option<String> {
    let all: Vec<Token> = tokens(expression, Brackets::HoldElements)
        .into_iter()
        .map(|(token, _)| token)
        .collect();
    let mut item = all.as_slice();
    while let [open, inner @ .., close] = item
        && open.is_sign("(")
        && close.is_sign(")")
    {
        item = inner;
    }
    match without_cast(item)? {
        [Token::Text(text)] | [Token::Number(text)] => Some(text.clone()),
        [Token::Word(word)] if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") => {
            Some(word.to_ascii_lowercase())
        }
        [sign, Token::Number(number)] if sign.is_sign("-") => Some(format!("-{number}")),
        [sign, Token::Number(number)] if sign.is_sign("+") => Some(number.clone()),
        _ => None,
    }
}

/// SQLite and MySQL have no booleans of their own: `TRUE` is another way to write 1, and 1 may mean true.
pub fn as_kept(text: String, kind: &ColumnKind) -> String {
    match (*kind == ColumnKind::Boolean, text.as_str()) {
        (true, "1") => "true".to_owned(),
        (true, "0") => "false".to_owned(),
        (false, "true") => "1".to_owned(),
        (false, "false") => "0".to_owned(),
        _ => text,
    }
}

/// What stands before the only `::`, if nothing but a type's name follows it.
fn without_cast(item: &[Token]) -> Option<&[Token]> {
    let Some(cast) = item.iter().position(|token| token.is_sign("::")) else {
        return Some(item);
    };
    let names_a_type = item[cast + 1..].iter().all(|token| {
        token.as_name().is_some()
            || matches!(token, Token::Number(_))
            || ["(", ")", "[", "]", ".", ","].iter().any(|sign| token.is_sign(sign))
    });
    names_a_type.then_some(&item[..cast])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_literals_are_read_and_nothing_else() {
        for (expression, text) in [
            ("'open'::text", Some("open")),
            ("'it''s'", Some("it's")),
            ("'-1'::integer", Some("-1")),
            ("(-1)", Some("-1")),
            ("0", Some("0")),
            ("1.50", Some("1.50")),
            ("TRUE", Some("true")),
            (
                "'2020-01-01 00:00:00'::timestamp without time zone",
                Some("2020-01-01 00:00:00"),
            ),
            ("'x'::character varying(3)", Some("x")),
            ("'{}'::text[]", Some("{}")),
            ("NULL::character varying", None),
            ("NULL", None),
            ("now()", None),
            ("CURRENT_TIMESTAMP", None),
            ("nextval('a_id_seq'::regclass)", None),
            ("('a'::text || 'b'::text)", None),
            ("(1 + 2)", None),
            ("", None),
        ] {
            assert_eq!(literal_text(expression).as_deref(), text, "{expression}");
        }
    }
}

//! CHECK constraints that list the values of a column.
//!
//! Understood are equality with literals, `IN`, `= ANY (ARRAY[…])`, `IS NULL`, and these joined by
//! OR, all on one column, with any casts and parentheses: what people write, and what PostgreSQL
//! makes of it. Anything else is no list.

use app::records::model::ColumnKind;

use super::tokens::{Brackets, Token, tokens};

/// A condition as a person would have written it: without the casts PostgreSQL adds and the parentheses
/// around single names.
pub fn readable(expression: &str) -> String {
    let all = tokens(expression, Brackets::HoldElements);
    let only: Vec<Token> = all.iter().map(|(token, _)| token.clone()).collect();
    let mut left_out = vec![false; all.len()];
    for (at, token) in only.iter().enumerate() {
        if token.is_sign("::") {
            let end = only.len() - after_type(&only[at + 1..]).len();
            left_out[at..end].fill(true);
        }
    }
    let mut kept: Vec<usize> = (0..all.len()).filter(|at| !left_out[*at]).collect();
    while let Some(at) = kept.windows(3).enumerate().position(|(at, parts)| {
        let is_call = at > 0 && only[kept[at - 1]].as_name().is_some_and(|name| !is_operator(name));
        let is_single = !matches!(only[parts[1]], Token::Sign(_) | Token::Unknown);
        only[parts[0]].is_sign("(") && is_single && only[parts[2]].is_sign(")") && !is_call
    }) {
        kept.remove(at + 2);
        kept.remove(at);
    }
    if is_wrapped(&kept, &only) {
        kept = kept[1..kept.len() - 1].to_vec();
    }
    let mut text = String::new();
    let mut next = 0;
    for at in kept {
        // A parenthesis that went leaves the blank that stood before it.
        let is_apart = (next..=at).any(|at| !left_out[at] && expression[..all[at].1.start].ends_with(' '));
        if is_apart && !text.is_empty() && !text.ends_with('(') {
            text.push(' ');
        }
        text.push_str(&expression[all[at].1.clone()]);
        next = at + 1;
    }
    text
}

/// A word after which a parenthesis is no call.
fn is_operator(word: &str) -> bool {
    ["AND", "OR", "NOT", "IN", "IS", "BETWEEN", "LIKE"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}

/// Whether the first parenthesis ends with the last token.
fn is_wrapped(kept: &[usize], all: &[Token]) -> bool {
    let mut depth = 0;
    for (at, token) in kept.iter().map(|at| &all[*at]).enumerate() {
        depth += i32::from(token.is_sign("(")) - i32::from(token.is_sign(")"));
        if depth == 0 {
            return at > 0 && at + 1 == kept.len();
        }
    }
    false
}

/// A choice from the values a CHECK lists, where a select can stand for them.
pub fn choice_of(kind: &ColumnKind, values: Vec<String>) -> Option<ColumnKind> {
    let is_plain = matches!(kind, ColumnKind::Integer | ColumnKind::Text | ColumnKind::LongText);
    // A select could not tell the empty text from no value.
    (is_plain && !values.iter().any(String::is_empty)).then_some(ColumnKind::Choice(values))
}

/// The values a CHECK lists, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// As written; `VALUE` in a domain's constraint.
    pub column: String,
    pub values: Vec<String>,
}

pub fn listed_values(expression: &str, brackets: Brackets) -> Option<Listed> {
    let all: Vec<Token> = tokens(expression, brackets)
        .into_iter()
        .map(|(token, _)| token)
        .collect();
    // Parentheses may go: with nothing but OR between the terms they cannot change the meaning.
    let plain: Vec<Token> = without_casts(&all)
        .into_iter()
        .filter(|token| !token.is_sign("(") && !token.is_sign(")"))
        .collect();
    let mut listed: Option<Listed> = None;
    for term in plain.split(|token| token.is_word("OR")) {
        let (column, values) = term_values(term)?;
        let listed = listed.get_or_insert_with(|| Listed {
            column: column.to_owned(),
            values: Vec::new(),
        });
        if !listed.column.eq_ignore_ascii_case(column) {
            return None;
        }
        listed.values.extend(values);
    }
    listed.filter(|listed| !listed.values.is_empty())
}

/// `column IS NULL`, `column = literal`, `column = ANY ARRAY [literals]`, `column IN literals`.
fn term_values(term: &[Token]) -> Option<(&str, Vec<String>)> {
    let (column, rest) = term.split_first()?;
    let column = column.as_name()?;
    match rest {
        [is, null] if is.is_word("IS") && null.is_word("NULL") => Some((column, Vec::new())),
        [is, any, array, open, items @ .., close]
            if is.is_sign("=")
                && any.is_word("ANY")
                && array.is_word("ARRAY")
                && open.is_sign("[")
                && close.is_sign("]") =>
        {
            Some((column, literals(items)?))
        }
        [is, items @ ..] if is.is_word("IN") => Some((column, literals(items)?)),
        [is, item @ ..] if is.is_sign("=") => Some((column, vec![literal(item)?])),
        _ => None,
    }
}

fn literals(items: &[Token]) -> Option<Vec<String>> {
    items.split(|token| token.is_sign(",")).map(literal).collect()
}

fn literal(item: &[Token]) -> Option<String> {
    match item {
        [Token::Text(text)] | [Token::Number(text)] => Some(text.clone()),
        [minus, Token::Number(number)] if minus.is_sign("-") => Some(format!("-{number}")),
        _ => None,
    }
}

/// Leaves out `::type`, with its modifier and array brackets.
fn without_casts(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        if token.is_sign("::") {
            rest = after_type(after);
        } else {
            kept.push(token.clone());
        }
    }
    kept
}

fn after_type(tokens: &[Token]) -> &[Token] {
    let names = tokens
        .iter()
        .take_while(|token| {
            let joins = token.is_word("OR") || token.is_word("AND") || token.is_word("IS") || token.is_word("IN");
            (token.as_name().is_some() && !joins) || token.is_sign(".")
        })
        .count();
    let mut rest = &tokens[names..];
    if let [open, Token::Number(_), close, after @ ..] = rest
        && open.is_sign("(")
        && close.is_sign(")")
    {
        rest = after;
    }
    while let [open, close, after @ ..] = rest
        && open.is_sign("[")
        && close.is_sign("]")
    {
        rest = after;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(expression: &str) -> Option<(String, Vec<String>)> {
        listed_values(expression, Brackets::HoldElements).map(|listed| (listed.column, listed.values))
    }

    fn values(column: &str, values: &[&str]) -> Option<(String, Vec<String>)> {
        Some((
            column.to_owned(),
            values.iter().map(|value| (*value).to_owned()).collect(),
        ))
    }

    #[test]
    fn conditions_are_made_readable() {
        for (expression, expected) in [
            ("((sku)::text = upper((sku)::text))", "sku = upper(sku)"),
            ("(low < high)", "low < high"),
            ("((a > 0) AND (b < 1))", "(a > 0) AND (b < 1)"),
            (
                "((VALUE >= (0)::numeric) AND (VALUE <= (100)::numeric))",
                "(VALUE >= 0) AND (VALUE <= 100)",
            ),
            ("(code ~ '^[A-Z]{3}$'::text)", "code ~ '^[A-Z]{3}$'"),
            ("(VALUE <> 'sad'::mood)", "VALUE <> 'sad'"),
            (
                "((kind)::text = 'it''s ::x'::character varying(9))",
                "kind = 'it''s ::x'",
            ),
            ("(cardinality(VALUE) <= 4)", "cardinality(VALUE) <= 4"),
            ("length(title) <= 200", "length(title) <= 200"),
            ("(days @> '[1,2)'::int4range)", "days @> '[1,2)'"),
            ("(\"Odd Name\" IS NOT NULL)", "\"Odd Name\" IS NOT NULL"),
            (
                "((a)::text <> ALL ((ARRAY['x'::character varying])::text[]))",
                "a <> ALL ((ARRAY['x']))",
            ),
            ("", ""),
        ] {
            assert_eq!(readable(expression), expected, "{expression}");
        }
    }

    #[test]
    fn every_way_postgres_writes_a_list_is_understood() {
        let open_done = values("status", &["open", "done"]);
        assert_eq!(listed("(status = ANY (ARRAY['open'::text, 'done'::text]))"), open_done);
        assert_eq!(
            listed("((status)::text = ANY ((ARRAY['open'::character varying, 'done'::character varying])::text[]))"),
            open_done
        );
        assert_eq!(
            listed(
                "((status)::text = ANY (ARRAY[('open'::character varying(9))::text, ('done'::character varying)::text]))"
            ),
            open_done
        );
        assert_eq!(
            listed("((status IS NULL) OR (status = ANY (ARRAY['open'::text, 'done'::text])))"),
            open_done
        );
        assert_eq!(
            listed("((status = 'open'::text) OR (status = 'done'::text))"),
            open_done
        );
        assert_eq!(
            listed("(level = ANY (ARRAY[1, 2, '-3'::integer, -4]))"),
            values("level", &["1", "2", "-3", "-4"])
        );
        assert_eq!(listed("((VALUE)::text = 'x'::text)"), values("VALUE", &["x"]));
        assert_eq!(
            listed("(\"Odd Name\" = ANY (ARRAY['it''s'::my.kind]))"),
            values("Odd Name", &["it's"])
        );
    }

    #[test]
    fn every_way_people_write_a_list_is_understood() {
        assert_eq!(listed("status IN ('a','b')"), values("status", &["a", "b"]));
        assert_eq!(
            listed("`status` in ('a', 'b') or `status` is null"),
            values("status", &["a", "b"])
        );
        let bracketed = listed_values("[my status] IN ('a')", Brackets::QuoteNames);
        assert_eq!(bracketed.map(|listed| listed.column), Some("my status".to_owned()));
    }

    #[test]
    fn other_conditions_are_no_list() {
        for expression in [
            "a > 0",
            "status <> 'a'",
            "status IN ('a') AND length(status) > 1",
            "NOT (status IN ('a'))",
            "lower(status) IN ('a')",
            "a = 'x' OR b = 'y'",
            "status IN (SELECT x FROM y)",
            "a = b",
            "status IS NULL",
            "status NOT IN ('a')",
            "",
        ] {
            assert_eq!(listed(expression), None, "{expression}");
        }
    }
}

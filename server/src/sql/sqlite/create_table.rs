//! CHECK constraints, which SQLite keeps only in the text of CREATE TABLE.

use crate::sql::tokens::{Brackets, Token, tokens};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// As SQLite names it when it is broken: the constraint's name, else its expression.
    pub name: String,
    pub expression: String,
    /// Every word and quoted name in it; columns are among them.
    pub names: Vec<String>,
}

pub fn checks(create_table: &str) -> Vec<Check> {
    let all = tokens(create_table, Brackets::QuoteNames);
    let mut found = Vec::new();
    for (place, (token, _)) in all.iter().enumerate() {
        if token.is_word("CHECK")
            && let Some(last) = closing(&all[place + 1..]).map(|length| place + 1 + length)
        {
            let expression = create_table[all[place + 1].1.end..all[last].1.start].trim().to_owned();
            let names = all[place + 2..last]
                .iter()
                .filter_map(|(token, _)| token.as_name())
                .map(str::to_owned)
                .collect();
            let name = constraint_name(&all[..place]).unwrap_or_else(|| expression.clone());
            found.push(Check {
                name,
                expression,
                names,
            });
        }
    }
    found
}

/// The place of the parenthesis that closes the one `all` begins with.
fn closing<P>(all: &[(Token, P)]) -> Option<usize> {
    if !all.first()?.0.is_sign("(") {
        return None;
    }
    let mut open = 0_usize;
    for (place, (token, _)) in all.iter().enumerate() {
        if token.is_sign("(") {
            open += 1;
        } else if token.is_sign(")") {
            open -= 1;
            if open == 0 {
                return Some(place);
            }
        }
    }
    None
}

/// `CONSTRAINT name` right before.
fn constraint_name<P>(before: &[(Token, P)]) -> Option<String> {
    match before {
        [.., (constraint, _), (name, _)] if constraint.is_word("CONSTRAINT") => name.as_name().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_found_with_their_names_whatever_stands_around() {
        let sql = "CREATE TABLE \"t (x)\" ( -- CHECK (not this)
            status TEXT NOT NULL DEFAULT 'CHECK (nor this)' CHECK (status IN ('a', 'b)')),
            [odd name] INTEGER CONSTRAINT positive CHECK ( [odd name] > (0) ) REFERENCES other(id),
            CONSTRAINT \"both ok\" CHECK (status = 'a' OR \"odd name\" > 1)
        )";
        let found = checks(sql);
        let seen: Vec<_> = found
            .iter()
            .map(|check| (check.name.as_str(), check.expression.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("status IN ('a', 'b)')", "status IN ('a', 'b)')"),
                ("positive", "[odd name] > (0)"),
                ("both ok", "status = 'a' OR \"odd name\" > 1"),
            ]
        );
        assert_eq!(found[2].names, ["status", "OR", "odd name"]);
    }

    #[test]
    fn a_text_that_does_not_close_holds_no_check() {
        assert_eq!(checks("CREATE TABLE t (a CHECK (a > 0"), []);
        assert_eq!(checks("CREATE TABLE t (a CHECK"), []);
    }
}

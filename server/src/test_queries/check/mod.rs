//! Whether a statement is a single query of what a person may see, told from its grammar alone.
//!
//! What is not known to be harmless is refused: each part of the tree is taken out and looked at, and what is left of
//! the tree then must be what is left of `SELECT 1`. Each table is replaced by a query of those of its columns that are
//! shown. What passes is written anew from the tree, so that the database reads what was understood here, and no
//! comment or odd quotation means something else to it.

mod expressions;
mod from;
mod grammar;
mod query;
mod visible;

use std::ops::ControlFlow;
use std::thread;

use sqlparser::ast::{Query, Statement, Value, ValueWithSpan, VisitMut, VisitorMut};
use sqlparser::parser::Parser;

pub use self::grammar::Grammar;
use self::query::{Plain, Walk};
pub use self::visible::Visible;

/// In bytes.
const LONGEST: usize = 8 * 1024;
/// How deep brackets may go.
const DEEPEST: usize = 40;
/// `1 + 1 + 1 …` makes a tree as deep as it is long, and whatever looks at a tree goes down with it.
const STACK: usize = 64 * 1024 * 1024;

/// Why a statement is not even sent. The names in it are the person's own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("This is longer than {LONGEST} bytes.")]
    TooLong,
    #[error("This is not understood as a query.")]
    NotUnderstood,
    #[error("It takes one SELECT, and nothing else.")]
    NotOneQuery,
    #[error("{0} is not among what may be asked here.")]
    NotAllowed(String),
    #[error("There is no table {0} that may be asked about.")]
    NoSuchTable(String),
    #[error("The function {0} is not among those that may be used.")]
    Function(String),
    #[error("{0} is kept from everybody, or may hold what is: name the columns that are shown.")]
    Kept(String),
}

/// The statement as it may be run. `default_schema`: where tables are whose names stand alone.
///
/// # Errors
/// Whatever is not known to be harmless; see [`Refused`].
pub fn check(grammar: Grammar, visible: &Visible, default_schema: &str, sql: &str) -> Result<String, Refused> {
    if sql.len() > LONGEST {
        return Err(Refused::TooLong);
    }
    on_a_large_stack(|| {
        let mut query = parsed(grammar, sql)?;
        let plain = Plain::of(grammar).ok_or(Refused::NotUnderstood)?;
        let mut walk = Walk::new(grammar, visible, default_schema, &plain);
        walk.query(&mut query)?;
        walk.names_are_of_what_is_shown()?;
        let written = query.to_string();
        // Read back, it has to be what was checked: else the writing means something else than the tree.
        let mut again = parsed(grammar, &written)?;
        let _ = again.visit(&mut OwnTexts(grammar));
        if again == query {
            Ok(written)
        } else {
            Err(Refused::NotUnderstood)
        }
    })
}

/// For the log: the statement with `?` for each value in it. `None` where it is not understood.
pub fn without_values(grammar: Grammar, sql: &str) -> Option<String> {
    if sql.len() > LONGEST {
        return None;
    }
    on_a_large_stack(|| {
        let mut query = parsed(grammar, sql).ok()?;
        let _ = query.visit(&mut Blank);
        Some(query.to_string())
    })
}

fn parsed(grammar: Grammar, sql: &str) -> Result<Box<Query>, Refused> {
    if sql.contains('\0') {
        return Err(Refused::NotUnderstood);
    }
    let words = grammar.words(sql).ok_or(Refused::NotUnderstood)?;
    let dialect = grammar.dialect();
    let parser = Parser::new(&*dialect).with_recursion_limit(DEEPEST);
    let statements = parser.with_tokens_with_locations(words).parse_statements();
    let mut statements = statements.map_err(|_| Refused::NotUnderstood)?;
    match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) => Ok(query),
        _ => Err(Refused::NotOneQuery),
    }
}

fn on_a_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let thread = thread.expect("a thread can be started");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A text as it is written here. The library leaves a quote alone that has a backslash or another quote before it, and
/// such a text would end where nobody thought.
fn own_text(grammar: Grammar, text: &str) -> Value {
    Value::Placeholder(grammar.text(text))
}

struct OwnTexts(Grammar);

impl VisitorMut for OwnTexts {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        if let Value::SingleQuotedString(text) = &value.value {
            value.value = own_text(self.0, text);
        }
        ControlFlow::Continue(())
    }
}

struct Blank;

impl VisitorMut for Blank {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        value.value = Value::Placeholder("?".to_owned());
        ControlFlow::Continue(())
    }
}

fn not_allowed<T>(what: impl ToString) -> Result<T, Refused> {
    let what = what.to_string();
    Err(Refused::NotAllowed(cut(&what)))
}

/// As much of the person's own words as is needed to find the place.
fn cut(words: &str) -> String {
    let mut chars = words.chars();
    let cut: String = chars.by_ref().take(60).collect();
    if chars.next().is_some() { cut + "…" } else { cut }
}

#[cfg(test)]
mod tests;

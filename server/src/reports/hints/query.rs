//! What a statement asks for, as far as hints need it: which tables, by which columns, in which order.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, JoinConstraint, JoinOperator, OrderByExpr, OrderByKind, OrderBySort, Query, Select,
    SetExpr, Statement, TableFactor, Visit, Visitor,
};
use sqlparser::dialect::Dialect;
use sqlparser::parser::Parser;

/// One SELECT, or each of those within another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub tables: Vec<AskedTable>,
    pub has_condition: bool,
    /// Columns that are compared as they are, so that an index on them could be used.
    pub compared: Vec<AskedColumn>,
    /// Those that join tables.
    pub joined: Vec<AskedColumn>,
    /// By these; empty where it is sorted by something that no plain index has.
    pub sorted: Vec<AskedColumn>,
    pub is_limited: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedTable {
    /// What the statement calls it.
    pub called: String,
    /// For people.
    pub name: String,
    /// As it stands in the statement, quotes included.
    pub written: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedColumn {
    /// What the statement calls its table, where it says which.
    pub of: Option<String>,
    pub name: String,
}

impl Asked {
    /// Whether a column is one of this table's, as far as the statement says.
    pub fn belongs(&self, column: &AskedColumn, called: &str) -> bool {
        match &column.of {
            Some(of) => of == called,
            None => self.tables.len() == 1,
        }
    }
}

/// `None` where it cannot be read, or is no single query.
pub fn asked(sql: &str, dialect: &dyn Dialect) -> Option<Vec<Asked>> {
    let mut statements = Parser::parse_sql(dialect, sql).ok()?;
    let (Some(statement @ Statement::Query(_)), true) = (statements.pop(), statements.is_empty()) else {
        return None;
    };
    let mut reading = Reading::default();
    let _ = statement.visit(&mut reading);
    Some(reading.asked)
}

#[derive(Default)]
struct Reading {
    asked: Vec<Asked>,
}

impl Visitor for Reading {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let SetExpr::Select(select) = &*query.body {
            self.asked.push(of_select(query, select));
        }
        ControlFlow::Continue(())
    }
}

fn of_select(query: &Query, select: &Select) -> Asked {
    let mut asked = Asked {
        has_condition: select.selection.is_some(),
        is_limited: query.limit_clause.is_some() || query.fetch.is_some(),
        ..Asked::default()
    };
    for join in select.from.iter().flat_map(|from| &from.joins) {
        if let Some(condition) = joined_on(&join.join_operator) {
            compare(condition, &mut asked.joined);
        }
    }
    let tables = select.from.iter().flat_map(|from| {
        let joins = from.joins.iter().map(|join| &join.relation);
        std::iter::once(&from.relation).chain(joins)
    });
    asked.tables = tables.filter_map(table).collect();
    if let Some(condition) = &select.selection {
        compare(condition, &mut asked.compared);
    }
    if let Some(OrderByKind::Expressions(terms)) = query.order_by.as_ref().map(|order| &order.kind) {
        // One term that no index has, and none is of use.
        let columns: Option<Vec<_>> = terms.iter().map(plainly_sorted).collect();
        asked.sorted = columns.unwrap_or_default();
    }
    asked
}

fn table(factor: &TableFactor) -> Option<AskedTable> {
    let TableFactor::Table {
        name,
        alias,
        args: None,
        ..
    } = factor
    else {
        return None;
    };
    let parts: Vec<_> = name
        .0
        .iter()
        .filter_map(|part| part.as_ident())
        .map(|ident| ident.value.clone())
        .collect();
    Some(AskedTable {
        called: match alias {
            Some(alias) => alias.name.value.clone(),
            None => parts.last()?.clone(),
        },
        name: parts.join("."),
        written: name.to_string(),
    })
}

fn joined_on(join: &JoinOperator) -> Option<&Expr> {
    use JoinOperator::{Inner, Join, Left, LeftOuter, Right, RightOuter};
    match join {
        Join(on) | Inner(on) | Left(on) | LeftOuter(on) | Right(on) | RightOuter(on) => match on {
            JoinConstraint::On(condition) => Some(condition),
            _ => None,
        },
        _ => None,
    }
}

/// The columns that stand alone on one side of a comparison.
fn compare(condition: &Expr, found: &mut Vec<AskedColumn>) {
    use BinaryOperator::{And, Eq, Gt, GtEq, Lt, LtEq, Or};
    match condition {
        Expr::Nested(inside) => compare(inside, found),
        Expr::BinaryOp {
            left,
            op: And | Or,
            right,
        } => {
            compare(left, found);
            compare(right, found);
        }
        Expr::BinaryOp {
            left,
            op: Eq | Lt | LtEq | Gt | GtEq,
            right,
        } => {
            add(left, found);
            add(right, found);
        }
        Expr::In { expr, .. } | Expr::Between { expr, .. } | Expr::IsNull(expr) => {
            add(expr, found);
        }
        _ => {}
    }
}

fn add(expression: &Expr, found: &mut Vec<AskedColumn>) {
    if let Some(column) = column(expression).filter(|column| !found.contains(column)) {
        found.push(column);
    }
}

fn column(expression: &Expr) -> Option<AskedColumn> {
    let named = |parts: &[Ident]| {
        let (name, of) = parts.split_last()?;
        Some(AskedColumn {
            of: of.last().map(|of| of.value.clone()),
            name: name.value.clone(),
        })
    };
    match expression {
        Expr::Nested(inside) => column(inside),
        Expr::Identifier(name) => named(std::slice::from_ref(name)),
        Expr::CompoundIdentifier(parts) => named(parts),
        _ => None,
    }
}

/// As an index has it, from one end or from the other.
fn plainly_sorted(term: &OrderByExpr) -> Option<AskedColumn> {
    let is_descending = matches!(term.options.sort, Some(OrderBySort::Desc));
    match term.options.nulls_first {
        Some(first) if first != is_descending => None,
        _ => column(&term.expr),
    }
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect};

    use super::*;

    fn names(columns: &[AskedColumn]) -> Vec<&str> {
        columns.iter().map(|column| column.name.as_str()).collect()
    }

    #[test]
    fn tables_comparisons_and_order_are_found_in_every_select() {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM plant.\"site\" AS listed WHERE \"a\" = CAST($1::text AS int) AND (b IN \
                   ($2) OR lower(c) = $3) AND d ILIKE $4 ORDER BY listed.e DESC, id LIMIT 9) AS counted";
        let asked = asked(sql, &PostgreSqlDialect {}).expect("a query");
        assert_eq!(asked.len(), 2);
        let inner = &asked[1];
        let table = &inner.tables[0];
        assert_eq!(
            (&*table.called, &*table.name, &*table.written),
            ("listed", "plant.site", "plant.\"site\"")
        );
        assert_eq!(names(&inner.compared), ["a", "b"]);
        assert_eq!(names(&inner.sorted), ["e", "id"]);
        assert!(inner.is_limited && inner.has_condition && !asked[0].has_condition);
    }

    #[test]
    fn what_no_index_has_is_no_order_to_make_one_for() {
        for (sql, dialect, sorted) in [
            (
                "SELECT a FROM t ORDER BY a DESC NULLS LAST",
                &PostgreSqlDialect {} as &dyn Dialect,
                &[][..],
            ),
            (
                "SELECT a FROM t ORDER BY a NULLS LAST, b",
                &PostgreSqlDialect {},
                &["a", "b"],
            ),
            ("SELECT a FROM t ORDER BY a IS NULL, a", &MySqlDialect {}, &[]),
            (
                "SELECT a FROM t WHERE b = ? ORDER BY `a` DESC",
                &MySqlDialect {},
                &["a"],
            ),
            ("SELECT a FROM `t` WHERE b = ?1 ORDER BY a", &SQLiteDialect {}, &["a"]),
        ] {
            let asked = asked(sql, dialect).unwrap_or_else(|| panic!("{sql}"));
            assert_eq!(names(&asked[0].sorted), sorted, "{sql}");
        }
    }

    #[test]
    fn what_is_no_single_query_is_not_read() {
        for sql in ["DELETE FROM t", "SELECT 1; SELECT 2", "SELECT FROM WHERE", ""] {
            assert_eq!(asked(sql, &PostgreSqlDialect {}), None, "{sql}");
        }
    }
}

//! Queries, their parts, and what is known at the end of the walk.

use std::mem;

use sqlparser::ast::{
    Cte, Distinct, Expr, Fetch, GroupByExpr, Ident, LimitClause, NamedWindowExpr, OrderBy, OrderByExpr, OrderByKind,
    Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetQuantifier, TableFactor,
    WildcardAdditionalOptions, With,
};

use super::visible::{Shown, Visible};
use super::{Grammar, Refused, cut, not_allowed, parsed};

/// What is left of the simplest query when everything that is looked at is taken out.
pub struct Plain {
    query: Query,
    select: Select,
    pub table: TableFactor,
    pub function: sqlparser::ast::Function,
}

pub struct Walk<'a> {
    pub grammar: Grammar,
    pub visible: &'a Visible,
    pub default_schema: &'a str,
    pub plain: &'a Plain,
    /// Names of common tables that are known where the walk is.
    pub common: Vec<String>,
    /// Every table of the catalog that is asked about, by the name it has in the statement (folded).
    pub asked: Vec<(String, &'a Shown)>,
    /// Names of subqueries and common tables in FROM (folded).
    pub derived: Vec<String>,
    /// Every name that stands alone where a column may stand, and the last part of every longer one; folded.
    pub names: Vec<String>,
    /// Columns named with what they are of; folded.
    pub qualified: Vec<(String, String)>,
}

impl Plain {
    pub fn of(grammar: Grammar) -> Option<Self> {
        let mut query = parsed(grammar, "SELECT f() FROM t").ok()?;
        let SetExpr::Select(select) = &mut *query.body else {
            return None;
        };
        let Some(SelectItem::UnnamedExpr(Expr::Function(function))) = select.projection.pop() else {
            return None;
        };
        let table = select.from.pop()?.relation;
        let select = (**select).clone();
        Some(Self {
            query: *query,
            select,
            table,
            function,
        })
    }
}

impl<'a> Walk<'a> {
    pub fn new(grammar: Grammar, visible: &'a Visible, default_schema: &'a str, plain: &'a Plain) -> Self {
        Self {
            grammar,
            visible,
            default_schema,
            plain,
            common: Vec::new(),
            asked: Vec::new(),
            derived: Vec::new(),
            names: Vec::new(),
            qualified: Vec::new(),
        }
    }

    pub fn query(&mut self, query: &mut Query) -> Result<(), Refused> {
        let known = self.common.len();
        let mut with = query.with.take();
        let mut body = mem::replace(&mut query.body, self.plain.query.body.clone());
        let mut order_by = query.order_by.take();
        let mut limit = query.limit_clause.take();
        let mut fetch = query.fetch.take();
        if *query != self.plain.query {
            return not_allowed(&query);
        }
        if let Some(with) = &mut with {
            self.with(with)?;
        }
        self.body(&mut body)?;
        if let Some(order_by) = &mut order_by {
            self.order_by(order_by)?;
        }
        self.limit(&mut limit, &mut fetch)?;
        self.common.truncate(known);
        *query = Query {
            with,
            body,
            order_by,
            limit_clause: limit,
            fetch,
            ..query.clone()
        };
        Ok(())
    }

    fn with(&mut self, with: &mut With) -> Result<(), Refused> {
        for cte in &mut with.cte_tables {
            let name = self.common_name(&cte.alias.name)?;
            let Cte { alias, query, from, .. } = cte;
            if from.is_some() || alias.at.is_some() || alias.columns.iter().any(|column| column.data_type.is_some()) {
                return not_allowed(cte);
            }
            alias.columns.iter().for_each(|column| self.note(&column.name));
            // It knows itself only where that is said; and nothing here knows what comes after it.
            if with.recursive {
                self.common.push(name);
                self.query(query)?;
            } else {
                self.query(query)?;
                self.common.push(name);
            }
        }
        Ok(())
    }

    /// A name that means this common table to every database and nothing else to any: small letters, and no table's.
    fn common_name(&self, name: &Ident) -> Result<String, Refused> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let reserved = ["pg_", "sqlite_", "inkfast"];
        let is_fit = name.value.bytes().all(plain)
            && !reserved.iter().any(|prefix| name.value.starts_with(prefix))
            && !self.visible.has_one_called(&name.value);
        if is_fit {
            Ok(name.value.clone())
        } else {
            not_allowed(format!("The name {name} for a common table"))
        }
    }

    fn body(&mut self, body: &mut SetExpr) -> Result<(), Refused> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation {
                set_quantifier: SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None,
                left,
                right,
                ..
            } => {
                self.body(left)?;
                self.body(right)
            }
            SetExpr::Values(values) => values
                .rows
                .iter_mut()
                .try_for_each(|row| self.expressions(&mut row.content)),
            other => not_allowed(other),
        }
    }

    fn select(&mut self, select: &mut Select) -> Result<(), Refused> {
        let plain = &self.plain.select;
        let mut distinct = select.distinct.take();
        let mut projection = mem::take(&mut select.projection);
        let mut from = mem::take(&mut select.from);
        let mut selection = select.selection.take();
        let mut group_by = mem::replace(&mut select.group_by, plain.group_by.clone());
        let mut having = select.having.take();
        let mut windows = mem::take(&mut select.named_window);
        // Nobody asks for QUALIFY, so it does not matter what it would come after.
        select.window_before_qualify = plain.window_before_qualify;
        if select != plain {
            return not_allowed(&select);
        }
        if let Some(Distinct::On(expressions)) = &mut distinct {
            self.expressions(expressions)?;
        }
        projection.iter_mut().try_for_each(|item| self.item(item))?;
        from.iter_mut().try_for_each(|tables| self.tables(tables))?;
        selection
            .iter_mut()
            .try_for_each(|expression| self.expression(expression))?;
        match &mut group_by {
            GroupByExpr::Expressions(expressions, modifiers) if modifiers.is_empty() => {
                self.expressions(expressions)?
            }
            other => return not_allowed(other),
        }
        having
            .iter_mut()
            .try_for_each(|expression| self.expression(expression))?;
        for window in &mut windows {
            match &mut window.1 {
                NamedWindowExpr::WindowSpec(window) => self.window(window)?,
                NamedWindowExpr::NamedWindow(_) => return not_allowed(window),
            }
        }
        *select = Select {
            distinct,
            projection,
            from,
            selection,
            group_by,
            having,
            named_window: windows,
            ..select.clone()
        };
        Ok(())
    }

    fn item(&mut self, item: &mut SelectItem) -> Result<(), Refused> {
        match item {
            SelectItem::UnnamedExpr(expression) => self.expression(expression),
            SelectItem::ExprWithAlias { expr, alias } => {
                self.note(alias);
                self.expression(expr)
            }
            SelectItem::Wildcard(options) if *options == WildcardAdditionalOptions::default() => Ok(()),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options)
                if *options == WildcardAdditionalOptions::default() =>
            {
                name.0.drain(..name.0.len().saturating_sub(1));
                Ok(())
            }
            other => not_allowed(other),
        }
    }

    fn order_by(&mut self, order_by: &mut OrderBy) -> Result<(), Refused> {
        match order_by {
            OrderBy {
                kind: OrderByKind::Expressions(expressions),
                interpolate: None,
            } => self.ordered(expressions),
            other => not_allowed(other),
        }
    }

    pub fn ordered(&mut self, expressions: &mut [OrderByExpr]) -> Result<(), Refused> {
        expressions.iter_mut().try_for_each(|ordered| match ordered {
            OrderByExpr {
                expr, with_fill: None, ..
            } => self.expression(expr),
            other => not_allowed(other),
        })
    }

    fn limit(&mut self, limit: &mut Option<LimitClause>, fetch: &mut Option<Fetch>) -> Result<(), Refused> {
        match limit {
            None => {}
            Some(LimitClause::LimitOffset {
                limit,
                offset,
                limit_by,
            }) if limit_by.is_empty() => {
                limit
                    .iter_mut()
                    .try_for_each(|expression| self.expression(expression))?;
                offset
                    .iter_mut()
                    .try_for_each(|offset| self.expression(&mut offset.value))?;
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                self.expression(offset)?;
                self.expression(limit)?;
            }
            Some(other) => return not_allowed(other),
        }
        let quantity = fetch.iter_mut().filter_map(|fetch| fetch.quantity.as_mut());
        quantity
            .into_iter()
            .try_for_each(|expression| self.expression(expression))
    }

    pub fn folded(&self, name: &Ident) -> String {
        self.grammar.folded(&name.value, name.quote_style.is_some())
    }

    /// A name that stands where a column, or what is called like one, may stand.
    pub fn note(&mut self, name: &Ident) {
        let name = self.folded(name);
        self.names.push(name);
    }

    /// What is kept cannot be reached, as each table stands in FROM with the columns that are shown and no others;
    /// here it is said in words. And what stands behind a table's name is one of its columns: PostgreSQL takes `t.f`
    /// for `f(t)` where `t` has none of that name.
    pub fn names_are_of_what_is_shown(&self) -> Result<(), Refused> {
        for (table, column) in &self.qualified {
            let mut of = self.asked.iter().filter(|(alias, _)| alias == table).peekable();
            let is_known = of.peek().is_some() || self.derived.contains(table);
            let has_it = |shown: &Shown| shown.columns.iter().any(|own| self.grammar.same(own, column));
            if !is_known || !of.all(|(_, shown)| has_it(shown)) {
                return Err(Refused::Kept(cut(&format!("{table}.{column}"))));
            }
        }
        let kept = self.asked.iter().flat_map(|(_, shown)| &shown.kept);
        let named = |kept: &&String| self.names.iter().any(|name| name.to_lowercase() == **kept);
        match kept.into_iter().find(named) {
            Some(kept) => Err(Refused::Kept(cut(kept))),
            None => Ok(()),
        }
    }
}

//! What stands behind FROM: tables of the catalog, subqueries, and joins of them.

use sqlparser::ast::{
    Ident, JoinConstraint, JoinOperator, ObjectNamePart, Query, TableAlias, TableFactor, TableWithJoins,
};

use super::query::Walk;
use super::visible::Shown;
use super::{Refused, cut, not_allowed, parsed};

impl Walk<'_> {
    pub fn tables(&mut self, tables: &mut TableWithJoins) -> Result<(), Refused> {
        self.factor(&mut tables.relation)?;
        for join in &mut tables.joins {
            if join.global {
                return not_allowed(join);
            }
            self.factor(&mut join.relation)?;
            match &mut join.join_operator {
                JoinOperator::Join(constraint)
                | JoinOperator::Inner(constraint)
                | JoinOperator::Left(constraint)
                | JoinOperator::LeftOuter(constraint)
                | JoinOperator::Right(constraint)
                | JoinOperator::RightOuter(constraint)
                | JoinOperator::FullOuter(constraint)
                | JoinOperator::CrossJoin(constraint) => self.constraint(constraint)?,
                _ => return not_allowed(join),
            }
        }
        Ok(())
    }

    /// NATURAL compares columns that nobody has named.
    fn constraint(&mut self, constraint: &mut JoinConstraint) -> Result<(), Refused> {
        match constraint {
            JoinConstraint::None => Ok(()),
            JoinConstraint::On(expression) => self.expression(expression),
            JoinConstraint::Using(columns) => columns.iter().try_for_each(|column| match &column.0[..] {
                [ObjectNamePart::Identifier(column)] => {
                    self.note(column);
                    Ok(())
                }
                _ => not_allowed(column),
            }),
            JoinConstraint::Natural => not_allowed("NATURAL JOIN"),
            JoinConstraint::UsingAlias(..) => not_allowed("USING with a name of its own"),
        }
    }

    fn factor(&mut self, factor: &mut TableFactor) -> Result<(), Refused> {
        match factor {
            TableFactor::Table { .. } => self.table(factor),
            TableFactor::Derived {
                subquery,
                alias,
                sample: None,
                ..
            } => {
                if let Some(alias) = alias {
                    if alias.at.is_some() || alias.columns.iter().any(|column| column.data_type.is_some()) {
                        return not_allowed(alias);
                    }
                    let name = self.folded(&alias.name);
                    self.derived.push(name);
                    alias.columns.iter().for_each(|column| self.note(&column.name));
                }
                self.query(subquery)
            }
            // With a name of its own it would be a row of all columns of all of them.
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => self.tables(table_with_joins),
            other => not_allowed(other),
        }
    }

    fn table(&mut self, factor: &mut TableFactor) -> Result<(), Refused> {
        let mut rest = factor.clone();
        if let (
            TableFactor::Table { name, alias, .. },
            TableFactor::Table {
                name: plain_name,
                alias: plain_alias,
                ..
            },
        ) = (&mut rest, &self.plain.table)
        {
            name.clone_from(plain_name);
            alias.clone_from(plain_alias);
        }
        let TableFactor::Table { name, alias, .. } = factor else {
            return not_allowed(factor);
        };
        if let Some(alias) = alias
            && (alias.at.is_some() || !alias.columns.is_empty())
        {
            return not_allowed(alias);
        }
        if rest != self.plain.table {
            return not_allowed(format!("{name} with more than a name"));
        }
        let parts = name.0.iter().map(|part| match part {
            ObjectNamePart::Identifier(part) => Ok(part),
            ObjectNamePart::Function(_) => not_allowed(part),
        });
        let parts: Vec<&Ident> = parts.collect::<Result<_, _>>()?;
        if let [name] = parts[..]
            && self.common.contains(&name.value)
        {
            let called = alias.as_ref().map_or(name, |alias| &alias.name);
            let called = self.folded(called);
            self.derived.push(called);
            return Ok(());
        }
        let folded: Vec<_> = parts.iter().map(|part| self.folded(part)).collect();
        let Some(shown) = self.visible.find(self.grammar, self.default_schema, &folded) else {
            return Err(Refused::NoSuchTable(cut(&name.to_string())));
        };
        let alias = alias.take().unwrap_or_else(|| TableAlias {
            explicit: true,
            name: Ident::with_quote(self.grammar.quote(), shown.name.name.as_str()),
            columns: Vec::new(),
            at: None,
        });
        self.asked.push((self.folded(&alias.name), shown));
        *factor = TableFactor::Derived {
            lateral: false,
            subquery: self.shown_columns(shown)?,
            alias: Some(alias),
            sample: None,
        };
        Ok(())
    }

    /// Stands for the table: what is kept from this person is not there, whatever is asked of it. Named in full, so
    /// that it means this table whatever the search path, and no temporary one.
    fn shown_columns(&self, shown: &Shown) -> Result<Box<Query>, Refused> {
        let quoted = |name: &String| self.grammar.quoted(name);
        let columns: Vec<_> = shown.columns.iter().map(quoted).collect();
        let schema = shown.name.schema.as_deref().unwrap_or(self.default_schema);
        let (schema, table) = (self.grammar.quoted(schema), self.grammar.quoted(&shown.name.name));
        parsed(
            self.grammar,
            &format!("SELECT {} FROM {schema}.{table}", columns.join(", ")),
        )
    }
}

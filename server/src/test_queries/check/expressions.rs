//! Values, columns, operators and functions: those that compute from what they are given, and no others.

use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DataType, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArgumentList, FunctionArguments, InTarget, Interval, ObjectNamePart, TypedString,
    UnaryOperator, Value, WindowFrameBound, WindowSpec, WindowType,
};

use super::query::Walk;
use super::{Grammar, Refused, cut, not_allowed, own_text};

impl Walk<'_> {
    pub fn expressions(&mut self, expressions: &mut [Expr]) -> Result<(), Refused> {
        expressions
            .iter_mut()
            .try_for_each(|expression| self.expression(expression))
    }

    fn each<'e>(&mut self, expressions: impl IntoIterator<Item = &'e mut Box<Expr>>) -> Result<(), Refused> {
        expressions
            .into_iter()
            .try_for_each(|expression| self.expression(expression))
    }

    pub fn expression(&mut self, expression: &mut Expr) -> Result<(), Refused> {
        match expression {
            Expr::Identifier(name) => {
                self.note(name);
                Ok(())
            }
            Expr::CompoundIdentifier(parts) => {
                // A schema in front of it says nothing more: what stands in FROM has one name.
                parts.drain(..parts.len().saturating_sub(2));
                let [table, column] = &parts[..] else {
                    return not_allowed(expression);
                };
                let (table, folded) = (self.folded(table), self.folded(column));
                self.qualified.push((table, folded));
                self.note(column);
                Ok(())
            }
            Expr::Value(value) => self.value(&mut value.value),
            Expr::Nested(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner)
            | Expr::UnaryOp {
                op: UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not,
                expr: inner,
            } => self.expression(inner),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => self.each([left, right]),
            Expr::BinaryOp { left, op, right } if is_known(op) => self.each([left, right]),
            Expr::Between { expr, low, high, .. } => self.each([expr, low, high]),
            Expr::In {
                expr,
                target,
                global: false,
                ..
            } => {
                self.expression(expr)?;
                match target {
                    InTarget::List(list) => self.expressions(list),
                    InTarget::Subquery(query) => self.query(query),
                    other => not_allowed(other),
                }
            }
            Expr::Like {
                any: false,
                expr,
                pattern,
                escape_char,
                ..
            }
            | Expr::ILike {
                any: false,
                expr,
                pattern,
                escape_char,
                ..
            } => self.each([expr, pattern].into_iter().chain(escape_char)),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => {
                self.each(operand.iter_mut().chain(else_result))?;
                conditions.iter_mut().try_for_each(|when| {
                    self.expression(&mut when.condition)?;
                    self.expression(&mut when.result)
                })
            }
            Expr::Exists { subquery, .. } | Expr::Subquery(subquery) => self.query(subquery),
            Expr::Tuple(expressions) => self.expressions(expressions),
            Expr::Function(function) => self.function(function),
            _ => self.with_words_of_its_own(expression),
        }
    }

    /// What is written like nothing else.
    fn with_words_of_its_own(&mut self, expression: &mut Expr) -> Result<(), Refused> {
        match expression {
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon,
                expr,
                data_type,
                format: None,
            } if is_plain(data_type) => self.expression(expr),
            Expr::TypedString(TypedString {
                data_type,
                value,
                uses_odbc_syntax: false,
            }) if is_plain(data_type) => self.value(&mut value.value),
            Expr::Interval(Interval {
                value,
                leading_field,
                last_field,
                ..
            }) if !is_custom(leading_field.as_ref()) && !is_custom(last_field.as_ref()) => self.expression(value),
            Expr::AtTimeZone { timestamp, time_zone } => self.each([timestamp, time_zone]),
            Expr::Extract { field, expr, .. } if !is_custom(Some(field)) => self.expression(expr),
            Expr::Ceil {
                expr,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            }
            | Expr::Floor {
                expr,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => self.expression(expr),
            Expr::Position { expr, r#in } => self.each([expr, r#in]),
            Expr::Substring {
                expr,
                substring_from,
                substring_for,
                ..
            } => self.each([expr].into_iter().chain(substring_from).chain(substring_for)),
            Expr::Trim {
                expr,
                trim_what,
                trim_characters,
                ..
            } => {
                self.each([expr].into_iter().chain(trim_what))?;
                trim_characters
                    .iter_mut()
                    .try_for_each(|characters| self.expressions(characters))
            }
            other => not_allowed(other),
        }
    }

    /// Texts between single quotes alone: how much of any other is escaped, each database sees for itself.
    fn value(&self, value: &mut Value) -> Result<(), Refused> {
        match value {
            Value::SingleQuotedString(text) => {
                *value = own_text(self.grammar, text);
                Ok(())
            }
            Value::Number(..) | Value::Boolean(_) | Value::Null => Ok(()),
            // The library takes whatever stands between the quotes.
            Value::HexStringLiteral(digits)
                if digits.len() % 2 == 0 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) =>
            {
                Ok(())
            }
            other => not_allowed(other),
        }
    }

    fn function(&mut self, function: &mut Function) -> Result<(), Refused> {
        let mut rest = function.clone();
        let plain = &self.plain.function;
        rest.name.clone_from(&plain.name);
        rest.args.clone_from(&plain.args);
        rest.filter.clone_from(&plain.filter);
        rest.over.clone_from(&plain.over);
        let name = match &function.name.0[..] {
            // Between quotes it would be somebody's own to MySQL.
            [ObjectNamePart::Identifier(name)] if self.grammar != Grammar::MySql || name.quote_style.is_none() => {
                self.folded(name)
            }
            _ => return Err(Refused::Function(cut(&function.name.to_string()))),
        };
        if !self.grammar.has_function(&name) {
            return Err(Refused::Function(cut(&function.name.to_string())));
        }
        if rest != *plain {
            return not_allowed(function);
        }
        let FunctionArguments::List(arguments) = &mut function.args else {
            return not_allowed(function);
        };
        self.arguments(&name, arguments)?;
        function
            .filter
            .iter_mut()
            .try_for_each(|filter| self.expression(filter))?;
        match &mut function.over {
            Some(WindowType::WindowSpec(window)) => self.window(window),
            Some(WindowType::NamedWindow(_)) | None => Ok(()),
        }
    }

    fn arguments(&mut self, function: &str, list: &mut FunctionArgumentList) -> Result<(), Refused> {
        for argument in &mut list.args {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => self.expression(expression)?,
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if function == "count" => {}
                other => return not_allowed(other),
            }
        }
        list.clauses.iter_mut().try_for_each(|clause| match clause {
            FunctionArgumentClause::OrderBy(ordered) => self.ordered(ordered),
            FunctionArgumentClause::Separator(text) => self.value(&mut text.value),
            other => not_allowed(other),
        })
    }

    pub fn window(&mut self, window: &mut WindowSpec) -> Result<(), Refused> {
        self.expressions(&mut window.partition_by)?;
        self.ordered(&mut window.order_by)?;
        let Some(frame) = &mut window.window_frame else {
            return Ok(());
        };
        for bound in [Some(&mut frame.start_bound), frame.end_bound.as_mut()]
            .into_iter()
            .flatten()
        {
            if let WindowFrameBound::Preceding(Some(rows)) | WindowFrameBound::Following(Some(rows)) = bound {
                self.expression(rows)?;
            }
        }
        Ok(())
    }
}

fn is_custom(field: Option<&DateTimeField>) -> bool {
    matches!(field, Some(DateTimeField::Custom(_)))
}

fn is_known(operator: &BinaryOperator) -> bool {
    use BinaryOperator as Op;
    matches!(
        operator,
        Op::Plus
            | Op::Minus
            | Op::Multiply
            | Op::Divide
            | Op::Modulo
            | Op::StringConcat
            | Op::Eq
            | Op::NotEq
            | Op::Lt
            | Op::LtEq
            | Op::Gt
            | Op::GtEq
            | Op::And
            | Op::Or
            | Op::Arrow
            | Op::LongArrow
            | Op::MyIntegerDivide
            | Op::Spaceship
    )
}

/// Types whose names are words of the language: any other could be somebody's own.
fn is_plain(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::SmallInt(None)
            | DataType::Int(None)
            | DataType::Integer(None)
            | DataType::BigInt(None)
            | DataType::Numeric(_)
            | DataType::Decimal(_)
            | DataType::Real
            | DataType::DoublePrecision
            | DataType::Boolean
            | DataType::Text
            | DataType::Varchar(_)
            | DataType::Char(_)
            | DataType::Date
            | DataType::Time(..)
            | DataType::Timestamp(..)
            | DataType::Uuid
            | DataType::JSON
            | DataType::JSONB
            | DataType::Signed
            | DataType::Unsigned
            | DataType::Datetime(_)
    )
}

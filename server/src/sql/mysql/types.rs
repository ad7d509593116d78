//! What the columns of MySQL and MariaDB hold.

use std::ops::RangeInclusive;

use app::records::model::{Column, ColumnKind};

use crate::sql::naming;
use crate::sql::tokens::{Brackets, Token, tokens};

/// A type as `COLUMN_TYPE` writes it, such as `decimal(10,2) unsigned`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnType<'a> {
    pub name: &'a str,
    /// What stands in its parentheses.
    pub inside: Option<&'a str>,
    pub is_unsigned: bool,
}

/// Types whose values are read and written in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Integer,
    Decimal,
    Float,
    Double,
    Bits,
    Bytes,
    /// Only shown.
    Shape,
    /// Read and written as text.
    Other,
}

impl<'a> ColumnType<'a> {
    pub fn of(column: &'a Column) -> Self {
        Self::read(&column.sql_type)
    }

    pub fn read(written: &'a str) -> Self {
        let end = written.find(['(', ' ']).unwrap_or(written.len());
        let (name, rest) = written.split_at(end);
        let inside = rest
            .strip_prefix('(')
            .and_then(|rest| rest.rsplit_once(')'))
            .map(|(inside, _)| inside);
        Self {
            name,
            inside,
            is_unsigned: rest.rsplit(')').next().is_some_and(|after| after.contains("unsigned")),
        }
    }

    pub fn family(&self) -> Family {
        match self.name {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => Family::Integer,
            "decimal" => Family::Decimal,
            "float" => Family::Float,
            "double" => Family::Double,
            "bit" => Family::Bits,
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "vector" => Family::Bytes,
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring" | "multipolygon"
            | "geometrycollection" | "geomcollection" => Family::Shape,
            _ => Family::Other,
        }
    }

    pub fn integers(&self) -> RangeInclusive<i128> {
        let bits = match self.name {
            "year" => return 1901..=2155,
            "tinyint" => 8,
            "smallint" => 16,
            "mediumint" => 24,
            "int" => 32,
            _ => 64,
        };
        match self.is_unsigned {
            true => 0..=(1 << bits) - 1,
            false => -(1 << (bits - 1))..=(1 << (bits - 1)) - 1,
        }
    }

    /// Of a text whose length is limited in bytes.
    pub fn bytes(&self) -> Option<usize> {
        match self.name {
            "tinytext" => Some(u8::MAX.into()),
            "text" => Some(u16::MAX.into()),
            "mediumtext" => Some((1 << 24) - 1),
            _ => None,
        }
    }
}

/// A type with what it leaves unsaid: without a number, no parts of a second are kept.
pub fn completed(written: &str) -> String {
    match written {
        "time" | "datetime" | "timestamp" => format!("{written}(0)"),
        _ => written.to_owned(),
    }
}

/// The kind of the column `name`; `None` for a type whose values are shown and not written.
pub fn kind_of(name: &str, sql_type: &str) -> Option<ColumnKind> {
    let of = ColumnType::read(sql_type);
    let kind = match (of.name, of.inside) {
        // How all the world writes a boolean here.
        ("tinyint" | "bit", Some("1")) => ColumnKind::Boolean,
        ("bit", _) => ColumnKind::Bits,
        ("tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year", _) => ColumnKind::Integer,
        ("decimal", _) => ColumnKind::Decimal,
        ("float" | "double", _) => ColumnKind::Float,
        ("char" | "varchar" | "tinytext", _) if naming::is_long_text(name) => ColumnKind::LongText,
        ("char" | "varchar" | "tinytext", _) => ColumnKind::Text,
        ("text" | "mediumtext" | "longtext", _) => ColumnKind::LongText,
        ("date", _) => ColumnKind::Date,
        ("time", _) => ColumnKind::Time,
        ("datetime" | "timestamp", _) => ColumnKind::Timestamp,
        ("json", _) => ColumnKind::Json,
        ("uuid", _) => ColumnKind::Uuid,
        ("inet4" | "inet6", _) => ColumnKind::NetworkAddress,
        ("binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob", _) => ColumnKind::Bytes,
        ("enum", _) => match members(sql_type) {
            // A select could not tell the empty value from none.
            Some(values) if !values.iter().any(String::is_empty) => ColumnKind::Choice(values),
            Some(_) => ColumnKind::Other,
            None => return None,
        },
        ("set", _) if members(sql_type).is_some() => ColumnKind::Other,
        _ => return None,
    };
    Some(kind)
}

/// The values that an `enum(…)` or `set(…)` lists; `None` of other types, and where how they are written is not plain:
/// the server is not of one mind whether a backslash stands for itself there.
pub fn members(sql_type: &str) -> Option<Vec<String>> {
    let list = ["enum(", "set("]
        .iter()
        .find_map(|start| sql_type.strip_prefix(start))?;
    if list.contains('\\') {
        return None;
    }
    let listed = tokens(list.strip_suffix(')')?, Brackets::HoldElements);
    listed
        .into_iter()
        .filter(|(token, _)| !token.is_sign(","))
        .map(|(token, _)| match token {
            Token::Text(text) => Some(text),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        let read = |written| {
            let of = ColumnType::read(written);
            (of.name, of.inside, of.is_unsigned)
        };
        assert_eq!(read("int"), ("int", None, false));
        assert_eq!(read("int(10) unsigned"), ("int", Some("10"), true));
        assert_eq!(read("bigint unsigned"), ("bigint", None, true));
        assert_eq!(read("decimal(10,2) unsigned zerofill"), ("decimal", Some("10,2"), true));
        assert_eq!(read("enum('a)','unsigned')"), ("enum", Some("'a)','unsigned'"), false));
    }

    #[test]
    fn integers_have_the_range_of_their_type() {
        let range = |written| ColumnType::read(written).integers();
        assert_eq!(range("tinyint(4)"), -128..=127);
        assert_eq!(range("mediumint(8) unsigned"), 0..=16_777_215);
        assert_eq!(range("bigint(20)"), i64::MIN.into()..=i64::MAX.into());
        assert_eq!(range("bigint(20) unsigned"), 0..=u64::MAX.into());
        assert_eq!(range("year(4)"), 1901..=2155);
    }

    #[test]
    fn listed_values_are_found_whatever_they_contain() {
        let listed = |written| members(written);
        assert_eq!(
            listed("enum('a','b, c','it''s',')')").unwrap(),
            ["a", "b, c", "it's", ")"]
        );
        assert_eq!(listed("set('x','')").unwrap(), ["x", ""]);
        assert_eq!(listed("enum('a\\\\b')"), None);
        assert_eq!(listed("varchar(3)"), None);
        assert_eq!(kind_of("s", "enum('')"), Some(ColumnKind::Other));
        assert_eq!(kind_of("s", "enum('a\\\\b')"), None);
    }
}

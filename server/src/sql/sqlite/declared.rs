//! What a column's declared type means: its kind for people, its affinity for SQLite.

use app::records::model::ColumnKind;

use crate::sql::naming;

/// By SQLite's own rules where they say something, then by the usual names.
pub fn kind_of(column: &str, declared: &str) -> ColumnKind {
    let name = declared.to_ascii_uppercase();
    let word = name.split([' ', '(']).next().unwrap_or_default();
    match word {
        "BOOL" | "BOOLEAN" => ColumnKind::Boolean,
        "DATE" => ColumnKind::Date,
        "TIME" if !name.contains("ZONE") => ColumnKind::Time,
        "TIMESTAMPTZ" => ColumnKind::TimestampWithZone,
        "TIMESTAMP" if name.contains("WITH TIME ZONE") => ColumnKind::TimestampWithZone,
        "DATETIME" | "TIMESTAMP" => ColumnKind::Timestamp,
        "UUID" | "GUID" => ColumnKind::Uuid,
        "JSON" | "JSONB" => ColumnKind::Json,
        "INTERVAL" | "POINT" => ColumnKind::Other,
        "BINARY" | "VARBINARY" | "BYTEA" => ColumnKind::Bytes,
        _ if name.contains("INT") => ColumnKind::Integer,
        _ if name.contains("CHAR") || name.contains("CLOB") || name.contains("TEXT") => {
            let is_long = naming::is_long_text(column) || name.contains("CLOB") || name.contains("LONGTEXT");
            if is_long && length(declared).is_none() {
                ColumnKind::LongText
            } else {
                ColumnKind::Text
            }
        }
        _ if name.contains("BLOB") => ColumnKind::Bytes,
        _ if name.contains("REAL") || name.contains("FLOA") || name.contains("DOUB") => ColumnKind::Float,
        "DECIMAL" | "DEC" | "NUMERIC" | "NUMBER" | "MONEY" => ColumnKind::Decimal,
        _ => ColumnKind::Other,
    }
}

/// Characters of a `VARCHAR(n)` or the like. SQLite does not hold anybody to it; people meant it.
pub fn length(declared: &str) -> Option<u32> {
    let name = declared.to_ascii_uppercase();
    if !(name.contains("CHAR") || name.contains("TEXT") || name.contains("CLOB")) {
        return None;
    }
    match numbers(declared)?.as_slice() {
        [length] => Some(*length),
        _ => None,
    }
}

/// Digits and decimal places of a `DECIMAL(p, s)`.
pub fn precision(declared: &str) -> Option<(u32, u32)> {
    match numbers(declared)?.as_slice() {
        [digits, places] if places <= digits && *places <= 15 => Some((*digits, *places)),
        _ => None,
    }
}

/// Whether texts that read like numbers are kept as numbers, or everything as text: false for no
/// declared type at all, and for `ANY`.
pub fn converts(declared: &str) -> bool {
    !declared.trim().is_empty() && !declared.eq_ignore_ascii_case("ANY")
}

/// The numbers in parentheses.
fn numbers(declared: &str) -> Option<Vec<u32>> {
    let (_, inside) = declared.split_once('(')?;
    inside
        .split(')')
        .next()?
        .split(',')
        .map(|number| number.trim().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_mean_what_people_meant() {
        for (column, declared, kind) in [
            ("a", "INTEGER", ColumnKind::Integer),
            ("a", "unsigned big int", ColumnKind::Integer),
            ("a", "Boolean", ColumnKind::Boolean),
            ("a", "DATE", ColumnKind::Date),
            ("a", "datetime", ColumnKind::Timestamp),
            ("a", "TIMESTAMP WITH TIME ZONE", ColumnKind::TimestampWithZone),
            ("a", "time", ColumnKind::Time),
            ("a", "varchar(40)", ColumnKind::Text),
            ("notes", "varchar(40)", ColumnKind::Text),
            ("notes", "TEXT", ColumnKind::LongText),
            ("a", "DOUBLE PRECISION", ColumnKind::Float),
            ("a", "decimal(10, 2)", ColumnKind::Decimal),
            ("a", "BLOB", ColumnKind::Bytes),
            ("a", "uuid", ColumnKind::Uuid),
            ("a", "JSON", ColumnKind::Json),
            ("a", "", ColumnKind::Other),
            ("a", "ANY", ColumnKind::Other),
        ] {
            assert_eq!(kind_of(column, declared), kind, "{declared}");
        }
    }

    #[test]
    fn lengths_and_precisions_are_read_from_parentheses() {
        assert_eq!(length("VARCHAR( 40 )"), Some(40));
        assert_eq!(length("INT(11)"), None);
        assert_eq!(length("TEXT"), None);
        assert_eq!(precision("DECIMAL(10, 2)"), Some((10, 2)));
        assert_eq!(precision("DECIMAL(10)"), None);
    }
}

//! Which kind of column a PostgreSQL type makes.

use app::records::model::ColumnKind;

use crate::sql::naming;

/// A type as the catalog names it, domains already followed down.
pub struct PgType<'a> {
    pub name: &'a str,
    /// `pg_type.typtype`
    pub class: &'a str,
    /// `pg_type.typcategory`
    pub category: &'a str,
    pub enum_labels: Option<Vec<String>>,
}

pub fn kind_of(column: &str, of: PgType) -> ColumnKind {
    if let Some(labels) = of.enum_labels.filter(|_| of.class == "e") {
        return ColumnKind::Choice(labels);
    }
    match of.name {
        "bool" => ColumnKind::Boolean,
        "int2" | "int4" | "int8" => ColumnKind::Integer,
        "numeric" => ColumnKind::Decimal,
        "float4" | "float8" => ColumnKind::Float,
        "text" | "citext" if naming::is_long_text(column) => ColumnKind::LongText,
        "text" | "citext" | "varchar" | "bpchar" => ColumnKind::Text,
        "date" => ColumnKind::Date,
        "time" => ColumnKind::Time,
        "timestamp" => ColumnKind::Timestamp,
        "timestamptz" => ColumnKind::TimestampWithZone,
        "uuid" => ColumnKind::Uuid,
        "json" | "jsonb" => ColumnKind::Json,
        "bytea" => ColumnKind::Bytes,
        _ if of.category == "S" && of.name == "name" => ColumnKind::Text,
        _ => ColumnKind::Other,
    }
}

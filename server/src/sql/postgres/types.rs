//! Which kind of column a PostgreSQL type makes.

use app::records::model::ColumnKind;

use crate::sql::naming;

/// A type as the catalog names it, domains already followed down.
pub struct PgType {
    pub name: String,
    /// `pg_type.typtype`
    pub class: String,
    pub enum_labels: Vec<String>,
}

/// The kind of a column called `column`; `part` is what an array or a range is made of.
pub fn kind_of(column: &str, of: &PgType, part: Option<&PgType>) -> ColumnKind {
    let part = part.map(|part| Box::new(kind_of(column, part, None)));
    match (of.class.as_str(), part) {
        ("r", Some(bound)) => return ColumnKind::Range(bound),
        ("m", Some(bound)) => return ColumnKind::Multirange(bound),
        (_, Some(element)) => return ColumnKind::Array(element),
        // A select could not tell an empty label from no value.
        ("e", None) if of.enum_labels.iter().any(String::is_empty) => return ColumnKind::Text,
        ("e", None) => return ColumnKind::Choice(of.enum_labels.clone()),
        (_, None) => {}
    }
    match of.name.as_str() {
        "bool" => ColumnKind::Boolean,
        "int2" | "int4" | "int8" | "oid" => ColumnKind::Integer,
        "numeric" => ColumnKind::Decimal,
        "float4" | "float8" => ColumnKind::Float,
        "text" | "citext" if naming::is_long_text(column) => ColumnKind::LongText,
        "text" | "citext" | "varchar" | "bpchar" | "name" => ColumnKind::Text,
        "date" => ColumnKind::Date,
        "time" => ColumnKind::Time,
        "timetz" => ColumnKind::TimeWithZone,
        "timestamp" => ColumnKind::Timestamp,
        "timestamptz" => ColumnKind::TimestampWithZone,
        "interval" => ColumnKind::Interval,
        "uuid" => ColumnKind::Uuid,
        "json" | "jsonb" => ColumnKind::Json,
        "bytea" => ColumnKind::Bytes,
        "bit" | "varbit" => ColumnKind::Bits,
        "inet" => ColumnKind::NetworkAddress,
        "cidr" => ColumnKind::Network,
        "macaddr" | "macaddr8" => ColumnKind::HardwareAddress,
        _ => ColumnKind::Other,
    }
}

//! What differs between databases in how a statement is read.

use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    Postgres,
    Sqlite,
}

/// Functions that compute a value from their arguments alone, on every database here.
const EVERYWHERE: &[&str] = &[
    "abs",
    "avg",
    "coalesce",
    "count",
    "cume_dist",
    "date",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "length",
    "lower",
    "ltrim",
    "max",
    "min",
    "nth_value",
    "ntile",
    "nullif",
    "percent_rank",
    "rank",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "substr",
    "substring",
    "sum",
    "trim",
    "upper",
];

const POSTGRES: &[&str] = &[
    "age",
    "bool_and",
    "bool_or",
    "btrim",
    "ceil",
    "ceiling",
    "char_length",
    "concat",
    "concat_ws",
    "date_part",
    "date_trunc",
    "every",
    "floor",
    "greatest",
    "initcap",
    "least",
    "left",
    "mod",
    "now",
    "position",
    "power",
    "right",
    "split_part",
    "sqrt",
    "starts_with",
    "stddev",
    "string_agg",
    "strpos",
    "to_char",
    "trunc",
    "variance",
];

const SQLITE: &[&str] = &[
    "datetime",
    "glob",
    "group_concat",
    "hex",
    "ifnull",
    "iif",
    "instr",
    "julianday",
    "strftime",
    "time",
    "total",
    "typeof",
    "unixepoch",
];

impl Grammar {
    pub(super) fn dialect(self) -> Box<dyn Dialect> {
        match self {
            Self::Postgres => Box::new(PostgreSqlDialect {}),
            Self::Sqlite => Box::new(SQLiteDialect {}),
        }
    }

    /// A list of what is allowed: of what is not in it, nobody need know what it does.
    pub(super) fn has_function(self, name: &str) -> bool {
        let own = match self {
            Self::Postgres => POSTGRES,
            Self::Sqlite => SQLITE,
        };
        EVERYWHERE.contains(&name) || own.contains(&name)
    }

    /// A name as the database has it.
    pub(super) fn quoted(self, name: &str) -> String {
        match self {
            Self::Postgres | Self::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// What the database makes of a name.
    pub(super) fn folded(self, name: &str, quoted: bool) -> String {
        match self {
            Self::Postgres if quoted => name.to_owned(),
            _ => name.to_ascii_lowercase(),
        }
    }

    /// Whether a name of the database is meant by a folded one.
    pub(super) fn same(self, own: &str, folded: &str) -> bool {
        match self {
            Self::Postgres => own == folded,
            Self::Sqlite => own.eq_ignore_ascii_case(folded),
        }
    }
}

//! What differs between databases in how a statement is read.

use sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    Postgres,
    MySql,
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

const MYSQL: &[&str] = &[
    "ceil",
    "ceiling",
    "char_length",
    "concat",
    "concat_ws",
    "curdate",
    "date_add",
    "date_format",
    "date_sub",
    "datediff",
    "day",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "find_in_set",
    "floor",
    "greatest",
    "group_concat",
    "hex",
    "hour",
    "if",
    "ifnull",
    "instr",
    "last_day",
    "least",
    "left",
    "locate",
    "minute",
    "mod",
    "month",
    "monthname",
    "now",
    "position",
    "power",
    "quarter",
    "right",
    "second",
    "sqrt",
    "std",
    "stddev",
    "substring_index",
    "timestampdiff",
    "truncate",
    "variance",
    "week",
    "weekday",
    "year",
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

/// Functions of MySQL that tell of whoever asks, and take no brackets.
const NO_COLUMNS: &[&str] = &["current_role", "current_user"];

impl Grammar {
    pub(super) fn dialect(self) -> Box<dyn Dialect> {
        match self {
            Self::Postgres => Box::new(PostgreSqlDialect {}),
            Self::MySql => Box::new(MySqlDialect {}),
            Self::Sqlite => Box::new(SQLiteDialect {}),
        }
    }

    /// A list of what is allowed: of what is not in it, nobody need know what it does.
    pub(super) fn has_function(self, name: &str) -> bool {
        let own = match self {
            Self::Postgres => POSTGRES,
            Self::MySql => MYSQL,
            Self::Sqlite => SQLITE,
        };
        EVERYWHERE.contains(&name) || own.contains(&name)
    }

    /// The words of a statement; `None` where there are some that mean another thing to the database than to whoever
    /// reads them here. MySQL has variables of its own and of people, which can be set by reading them, functions that
    /// look like columns, and takes what stands between double quotes for a text or for a name, as it is told to.
    pub(super) fn words(self, sql: &str) -> Option<Vec<TokenWithSpan>> {
        let dialect = self.dialect();
        let words = Tokenizer::new(&*dialect, sql).tokenize_with_location().ok()?;
        let is_clear = |word: &TokenWithSpan| match (self, &word.token) {
            (Self::MySql, Token::DoubleQuotedString(_) | Token::AtSign | Token::AtAt) => false,
            (Self::MySql, Token::Word(Word { value, quote_style, .. })) => {
                let is_of_the_server =
                    || value.contains('@') || NO_COLUMNS.iter().any(|name| value.eq_ignore_ascii_case(name));
                quote_style.is_some() || !is_of_the_server()
            }
            _ => true,
        };
        words.iter().all(is_clear).then_some(words)
    }

    /// Around a name.
    pub(super) fn quote(self) -> char {
        match self {
            Self::Postgres | Self::Sqlite => '"',
            Self::MySql => '`',
        }
    }

    /// A name as the database has it.
    pub(super) fn quoted(self, name: &str) -> String {
        let quote = self.quote();
        format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}")))
    }

    /// A text between single quotes that ends where it should, whatever is in it. On MySQL a backslash is written
    /// twice: whether it means something there or not, the quote behind it does not end the text.
    pub(super) fn text(self, text: &str) -> String {
        let text = match self {
            Self::MySql => text.replace('\\', "\\\\"),
            Self::Postgres | Self::Sqlite => text.to_owned(),
        };
        format!("'{}'", text.replace('\'', "''"))
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
            Self::MySql | Self::Sqlite => own.eq_ignore_ascii_case(folded),
        }
    }
}

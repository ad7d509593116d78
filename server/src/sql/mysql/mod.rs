//! MySQL and MariaDB: one database of a server.

use app::records::model::{Column, ColumnKind, Table, TableName, Text, Values};
use resilient_db::Connection;
use sqlx::mysql::MySqlArguments;
use sqlx::{AssertSqlSafe, Executor, Row};

use super::{Dialect, Limits, insertion};

mod checks;
mod introspect;
mod queries;
mod types;

pub use types::members;
use types::{ColumnType, Family};

pub struct MySql;

/// Around a parameter's number. No name and no literal can contain it.
const MARK: char = '\0';

impl Dialect for MySql {
    type Database = sqlx::MySql;

    const LOCK_ROW: &'static str = " FOR UPDATE";
    const COUNTED_UP_TO: u64 = 10_000;

    fn quote(name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn own(table: &str) -> String {
        Self::quote(&format!("inkfast_{table}"))
    }

    fn text(expression: &str, column: &Column) -> String {
        let of = ColumnType::of(column);
        match of.family() {
            // Some keep other numbers, too.
            _ if column.kind == ColumnKind::Boolean => format!(
                "CASE {expression} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE CAST({expression} + 0 AS CHAR) END"
            ),
            Family::Bits => format!("LPAD(BIN({expression} + 0), {}, '0')", column.max_length.unwrap_or(1)),
            Family::Bytes => format!("LOWER(HEX({expression}))"),
            Family::Float => shortest_float(expression),
            Family::Shape => format!("ST_AsText({expression})"),
            _ => format!("CAST({expression} AS CHAR)"),
        }
    }

    /// A FLOAT is compared as the number that it is shown as: as a DOUBLE, what it holds for 0.1 is another one.
    fn compared(column: &Column) -> String {
        match ColumnType::of(column).family() {
            Family::Float => format!("({} + 0e0)", Self::text_of(column)),
            _ => Self::quote(&column.name),
        }
    }

    /// By an explicit cast where a comparison of unlike types would go through doubles: it would be wrong for large
    /// numbers, and use no index. Texts and dates are converted to what they are compared with.
    fn value_of(column: &Column, n: usize) -> String {
        let value = Self::placeholder(n);
        let of = ColumnType::of(column);
        match of.family() {
            _ if column.kind == ColumnKind::Boolean => {
                format!("CASE {value} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END")
            }
            Family::Integer if of.is_unsigned => format!("CAST({value} AS UNSIGNED)"),
            Family::Integer => format!("CAST({value} AS SIGNED)"),
            Family::Decimal => format!("CAST({value} AS DECIMAL({}))", of.inside.unwrap_or("10,0")),
            // (`CAST(… AS FLOAT)` makes the largest FLOAT of what is too large, and says nothing.)
            Family::Float | Family::Double => format!("({value} + 0e0)"),
            Family::Bits => format!("CAST(CONV({value}, 2, 10) AS UNSIGNED)"),
            Family::Bytes => format!("UNHEX({value})"),
            Family::Shape | Family::Other => value,
        }
    }

    fn placeholder(n: usize) -> String {
        format!("{MARK}{n}{MARK}")
    }

    fn as_text(expression: &str) -> String {
        format!("CAST({expression} AS CHAR)")
    }

    /// Byte by byte: for MySQL `a`, `A` and `a ` are the same text.
    fn same_text(text: &str, n: usize) -> String {
        format!("CAST({text} AS BINARY) = CAST({} AS BINARY)", Self::placeholder(n))
    }

    fn differ(left: &str, right: &str) -> String {
        format!("NOT ({left} <=> {right})")
    }

    /// Descending, NULLs come last by themselves.
    fn ordered(expression: &str, descending: bool, nullable: bool) -> String {
        match (descending, nullable) {
            (true, _) => format!("{expression} DESC"),
            (false, true) => format!("{expression} IS NULL, {expression}"),
            (false, false) => expression.to_owned(),
        }
    }

    /// `IGNORE` would also cut what is too long: what stands in these columns has a known length. How many rows an
    /// `ON DUPLICATE KEY UPDATE` changed would not tell, as sqlx asks for those that were found.
    fn insert_unless_taken(table: &str, columns: &[&str], _key: usize) -> String {
        let values: Vec<_> = (1..=columns.len()).map(Self::placeholder).collect();
        format!(
            "INSERT IGNORE INTO {table} ({}) VALUES ({})",
            columns.join(", "),
            values.join(", ")
        )
    }

    fn delete_at_most(table: &str, _key: &str, condition: &str, most: u32) -> String {
        format!("DELETE FROM {table} WHERE {condition} LIMIT {most}")
    }

    fn like(expression: &str, n: usize) -> String {
        format!("{expression} LIKE {} ESCAPE '\\\\'", Self::placeholder(n))
    }

    fn cut(expression: &str, characters: u32) -> String {
        format!("LEFT({expression}, {characters})")
    }

    fn limits(column: &Column) -> Limits {
        let of = ColumnType::of(column);
        Limits {
            integers: of.integers(),
            bytes: of.bytes(),
            significant_digits: None,
            specials: false,
        }
    }

    async fn fetch(
        connection: &mut Connection<sqlx::MySql>,
        sql: String,
        parameters: Vec<Text>,
    ) -> Result<Vec<Vec<Text>>, sqlx::Error> {
        let rows = connection.fetch_all(bound(&sql, &parameters)).await?;
        rows.iter()
            .map(|row| (0..row.len()).map(|n| row.try_get(n)).collect())
            .collect()
    }

    async fn execute(
        connection: &mut Connection<sqlx::MySql>,
        sql: String,
        parameters: Vec<Text>,
    ) -> Result<u64, sqlx::Error> {
        Ok(connection.execute(bound(&sql, &parameters)).await?.rows_affected())
    }

    /// MariaDB says what it inserted; for MySQL, which cannot, that part is a comment, and the row is looked up.
    /// Introspection lets no record be made where that could go wrong.
    async fn insert(
        connection: &mut Connection<sqlx::MySql>,
        table: &Table,
        values: &Values,
        key: &str,
    ) -> Result<Option<Vec<Text>>, sqlx::Error> {
        let (what, parameters) = insertion::<Self>(table, values, "() VALUES ()");
        let rows = Self::fetch(connection, format!("{what} /*M!100500 RETURNING {key} */"), parameters).await?;
        match rows.into_iter().next() {
            Some(row) => Ok(Some(row)),
            None => inserted(connection, table, values, key).await,
        }
    }

    async fn introspect(connection: &mut Connection<sqlx::MySql>) -> Result<Vec<Table>, sqlx::Error> {
        introspect::tables(connection).await
    }

    async fn estimates(connection: &mut Connection<sqlx::MySql>) -> Result<Vec<(TableName, u64)>, sqlx::Error> {
        let rows = Self::fetch(connection, queries::ESTIMATES.to_owned(), Vec::new()).await?;
        Ok(rows.into_iter().filter_map(estimate).collect())
    }
}

/// The key of the row this connection inserted last: what was given for it, or its default, or what was counted up.
async fn inserted(
    connection: &mut Connection<sqlx::MySql>,
    table: &Table,
    values: &Values,
    key: &str,
) -> Result<Option<Vec<Text>>, sqlx::Error> {
    let mut parameters = Vec::new();
    let conditions = table.key.iter().filter_map(|name| table.column(name)).map(|column| {
        let name = MySql::quote(&column.name);
        match values.get(&column.name).cloned().flatten().or(column.default.clone()) {
            Some(text) => {
                parameters.push(Some(text));
                format!("{name} = {}", MySql::value_of(column, parameters.len()))
            }
            None => format!("{name} = LAST_INSERT_ID()"),
        }
    });
    let conditions: Vec<_> = conditions.collect();
    let sql = format!(
        "SELECT {key} FROM {} WHERE {}",
        MySql::table(&table.name),
        conditions.join(" AND ")
    );
    Ok(MySql::fetch(connection, sql, parameters).await?.into_iter().next())
}

/// The server writes FLOATs with six digits, and they hold up to nine: six only where no other FLOAT is nearer to what
/// they say, else as many as the same number has as a DOUBLE. A number `f` is the nearest FLOAT to what is at most half
/// a unit of its last place away, 2^(⌊log2 |f|⌋ − 24); a little less, in case the logarithm is rounded up.
fn shortest_float(expression: &str) -> String {
    format!(
        "CASE WHEN {expression} = 0 OR ABS(CAST({expression} AS CHAR) - {expression}) \
         < POW(2, FLOOR(LOG2(ABS({expression}) * 0.9999998)) - 24) \
         THEN CAST({expression} AS CHAR) ELSE CAST({expression} + 0e0 AS CHAR) END"
    )
}

/// With `?` in place of the marked numbers, and a parameter for each. `persistent(false)`: a kept statement is of no use
/// for SQL that is hardly ever the same, and costs the server memory.
fn bound(sql: &str, parameters: &[Text]) -> sqlx::query::Query<'static, sqlx::MySql, MySqlArguments> {
    let (mut plain, mut order) = (String::with_capacity(sql.len()), Vec::new());
    for (place, part) in sql.split(MARK).enumerate() {
        match (place % 2, part.parse::<usize>()) {
            (1, Ok(n)) => {
                plain.push('?');
                order.push(n);
            }
            _ => plain.push_str(part),
        }
    }
    let query = sqlx::query(AssertSqlSafe(plain)).persistent(false);
    order.into_iter().fold(query, |query, n| {
        query.bind(
            n.checked_sub(1)
                .and_then(|place| parameters.get(place))
                .cloned()
                .flatten(),
        )
    })
}

fn estimate(row: Vec<Text>) -> Option<(TableName, u64)> {
    let [name, rows] = row.try_into().ok()?;
    Some((TableName::plain(&name?), rows?.parse().ok()?))
}

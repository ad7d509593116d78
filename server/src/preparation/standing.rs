//! What an account that may not make tables can do with Inkfast's own, where somebody else has made them.

use resilient_db::failure::Kind;
use resilient_db::{Connection, DbError, End, OnUnknownCommit};

use crate::database::Database;
use crate::sql::migrations::OwnTables;

/// Of what a restore has undone: where it is there it has to be read, or forms from before it would change what they
/// never showed.
pub(super) const UNDONE: &str = "undone_time";

/// Without it nothing can be saved; a restore brings it last.
pub(super) const SAVES: &str = "submission";

/// The step whose tables servers need to know of each other.
pub(super) const SHARING: i64 = 4;
/// The step whose table says whose accounts these are.
pub(super) const TELLING: i64 = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Without the tables that saving hangs on, or without the rights to them.
    CannotSave,
    /// It saves. These steps are missing, or not for this account: what they are for is off.
    Saves { missing: Vec<i64> },
}

/// Tries it, and changes nothing.
pub(super) async fn standing<D: OwnTables>(db: &Database<D::Database>) -> Result<Standing, DbError> {
    let undone_is_hidden = is_there::<D>(db, UNDONE).await? && !allowed::<D>(db, reading_undone::<D>()).await?;
    if undone_is_hidden || !allowed::<D>(db, saving::<D>()).await? {
        return Ok(Standing::CannotSave);
    }
    let mut missing = Vec::new();
    let beyond_saving = [
        (2, backing_up::<D>()),
        (3, noting_errors::<D>()),
        (SHARING, sharing::<D>()),
        (TELLING, telling::<D>()),
    ];
    for (step, orders) in beyond_saving {
        if !allowed::<D>(db, orders).await? {
            missing.push(step);
        }
    }
    Ok(Standing::Saves { missing })
}

/// Whether this account sees a table of that name. `false` as well where it may not look.
pub(super) async fn is_there<D: OwnTables>(db: &Database<D::Database>, table: &'static str) -> Result<bool, DbError> {
    let primary = db.primary();
    let asked = primary.read("own tables", |mut conn: Connection<D::Database>| async move {
        D::fetch(&mut conn, D::is_there(table), Vec::new()).await
    });
    or_not(asked.await.map(|rows| !rows.is_empty()))
}

/// Whether each of these could be done. No row is touched: rights are asked for all the same.
async fn allowed<D: OwnTables>(db: &Database<D::Database>, orders: Vec<String>) -> Result<bool, DbError> {
    let primary = db.primary();
    let tried = primary.transaction(
        "own tables",
        OnUnknownCommit::Report,
        |mut conn: Connection<D::Database>| {
            let orders = orders.clone();
            async move {
                for order in orders {
                    D::execute(&mut conn, order, Vec::new()).await?;
                }
                Ok(End::Rollback(true))
            }
        },
    );
    or_not(tried.await)
}

fn or_not(asked: Result<bool, DbError>) -> Result<bool, DbError> {
    match asked {
        Err(error) if matches!(error.class.kind, Kind::Defect | Kind::Constraint) => Ok(false),
        asked => asked,
    }
}

fn saving<D: OwnTables>() -> Vec<String> {
    let mut orders = adding::<D>("account", "name, password_hash, role");
    orders.push(changing::<D>("account", "epoch"));
    orders.extend(adding::<D>("submission", "account, id, fingerprint"));
    orders.push(changing::<D>("submission", "answer"));
    orders.extend(adding::<D>(
        "audit",
        "account, action, table_name, record_key, submission, changes",
    ));
    orders
}

fn reading_undone<D: OwnTables>() -> Vec<String> {
    vec![format!("SELECT to_ms, from_ms FROM {} WHERE 1 = 0", D::own(UNDONE))]
}

fn backing_up<D: OwnTables>() -> Vec<String> {
    let mut orders = adding::<D>("backup_turn", "name, holder");
    orders.push(changing::<D>("backup_turn", "holder"));
    orders.extend(reading_undone::<D>());
    orders
}

fn noting_errors<D: OwnTables>() -> Vec<String> {
    let mut orders = adding::<D>(
        "error_history",
        "instance, number, kind, severity, what, times, first_at_ms, last_at_ms",
    );
    orders.push(changing::<D>("error_history", "times"));
    orders
}

fn sharing<D: OwnTables>() -> Vec<String> {
    let mut orders = adding::<D>("ended_session", "id, over_at_ms");
    orders.extend(adding::<D>("removed_account", "name, at_ms"));
    orders.extend(adding::<D>("instance", "id, secret, public_url, shared, seen_at_ms"));
    orders.push(changing::<D>("instance", "seen_at_ms"));
    orders
}

fn telling<D: OwnTables>() -> Vec<String> {
    vec![format!("SELECT id FROM {} WHERE 1 = 0", D::own("account_store"))]
}

/// Takes the right to read as well.
fn adding<D: OwnTables>(table: &str, columns: &str) -> Vec<String> {
    let table = D::own(table);
    vec![format!(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE 1 = 0"
    )]
}

fn changing<D: OwnTables>(table: &str, column: &str) -> String {
    format!("UPDATE {} SET {column} = {column} WHERE 1 = 0", D::own(table))
}

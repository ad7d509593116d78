//! MySQL and MariaDB: the list of processes, InnoDB's transactions and its lock waits, as far as the account may see
//! them.

use std::collections::BTreeMap;

use app::monitoring::statements::{Activity, Session};
use resilient_db::{Syntax, shape_of};
use sqlx::mysql::MySqlDatabaseError;
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use super::milliseconds;
use crate::clock::now_ms;

type Rows = Vec<Vec<Option<String>>>;

/// Without the right PROCESS these are the account's own.
fn processes(flavour: Flavour) -> String {
    let since = match flavour {
        Flavour::MariaDb => "TIME_MS",
        Flavour::MySql => "TIME * 1000",
    };
    format!(
        "SELECT CAST(ID AS CHAR), CAST(USER AS CHAR), CAST(COMMAND AS CHAR), CAST(STATE AS CHAR),
                CAST(CAST(GREATEST({since}, 0) AS UNSIGNED) AS CHAR), CAST(INFO AS CHAR)
         FROM information_schema.PROCESSLIST
         WHERE DB = DATABASE() AND ID <> CONNECTION_ID()
         ORDER BY COMMAND = 'Sleep', {since} DESC LIMIT 500"
    )
}

/// InnoDB writes times as the server's clock on the wall has them; this connection counts in UTC.
fn age(since: &str) -> String {
    format!(
        "CAST(GREATEST(TIMESTAMPDIFF(MICROSECOND, CONVERT_TZ({since}, 'SYSTEM', '+00:00'), UTC_TIMESTAMP(6)) DIV 1000, 0) \
         AS CHAR)"
    )
}

fn transactions() -> String {
    format!(
        "SELECT CAST(trx_mysql_thread_id AS CHAR), {} FROM information_schema.INNODB_TRX",
        age("trx_started")
    )
}

fn lock_waits(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::MariaDb => {
            "SELECT CAST(r.trx_mysql_thread_id AS CHAR), CAST(b.trx_mysql_thread_id AS CHAR)
             FROM information_schema.INNODB_LOCK_WAITS w
             JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id
             JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id"
        }
        Flavour::MySql => {
            "SELECT CAST(r.trx_mysql_thread_id AS CHAR), CAST(b.trx_mysql_thread_id AS CHAR)
             FROM performance_schema.data_lock_waits w
             JOIN information_schema.INNODB_TRX r ON r.trx_id = w.REQUESTING_ENGINE_TRANSACTION_ID
             JOIN information_schema.INNODB_TRX b ON b.trx_id = w.BLOCKING_ENGINE_TRANSACTION_ID"
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavour {
    MySql,
    MariaDb,
}

pub(super) async fn activity(connection: &mut MySqlConnection) -> Result<Activity, sqlx::Error> {
    let version = ask(connection, "SELECT CAST(VERSION() AS CHAR)".to_owned()).await?;
    let version = version.into_iter().flatten().flatten().next().unwrap_or_default();
    let flavour = match version.to_ascii_lowercase().contains("mariadb") {
        true => Flavour::MariaDb,
        false => Flavour::MySql,
    };
    let processes = ask(connection, processes(flavour)).await?;
    let transactions = where_allowed(ask(connection, transactions()).await)?;
    let lock_waits = match &transactions {
        Some(_) => where_allowed(ask(connection, lock_waits(flavour).to_owned()).await)?,
        None => None,
    };
    Ok(read(processes, transactions, lock_waits))
}

async fn ask(connection: &mut MySqlConnection, sql: String) -> Result<Rows, sqlx::Error> {
    let rows = sqlx::query(AssertSqlSafe(sql))
        .persistent(false)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| (0..row.len()).map(|n| row.try_get(n)).collect())
        .collect()
}

/// `None` where this account may not see it, or the server does not have it.
fn where_allowed(rows: Result<Rows, sqlx::Error>) -> Result<Option<Rows>, sqlx::Error> {
    /// Rights that are missing on a database, a table, a column, the server; an unknown table, in two ways.
    const NOT_TO_BE_SEEN: [u16; 6] = [1044, 1142, 1143, 1227, 1109, 1146];
    match rows {
        Ok(rows) => Ok(Some(rows)),
        Err(sqlx::Error::Database(error))
            if error
                .try_downcast_ref::<MySqlDatabaseError>()
                .is_some_and(|error| NOT_TO_BE_SEEN.contains(&error.number())) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn read(processes: Rows, transactions: Option<Rows>, lock_waits: Option<Rows>) -> Activity {
    let mut unseen = Vec::new();
    if transactions.is_none() {
        unseen.push(
            "This database account may only see its own sessions, and neither open transactions nor lock waits: that \
             takes the right PROCESS."
                .to_owned(),
        );
    } else if lock_waits.is_none() {
        unseen.push(
            "Who waits for whom may not be seen by this database account: that takes the right to read \
             performance_schema.data_lock_waits."
                .to_owned(),
        );
    }
    let ages: BTreeMap<_, _> = transactions.into_iter().flatten().filter_map(pair).collect();
    let mut blocked: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (waiting, blocking) in lock_waits.into_iter().flatten().filter_map(pair) {
        let blocking_it = blocked.entry(waiting).or_default();
        if !blocking_it.contains(&blocking) {
            blocking_it.push(blocking);
        }
    }
    let seen = processes
        .into_iter()
        .filter_map(|row| session(row, &ages, &mut blocked));
    let (mut sessions, idle): (Vec<_>, Vec<_>) = seen.partition(|session| session.state != "idle");
    sessions.sort_by_key(|session| std::cmp::Reverse(session.transaction_ms.max(session.statement_ms)));
    sessions.truncate(200);
    Activity {
        as_of_ms: now_ms(),
        sessions,
        idle: idle.len() as u64,
        unseen,
    }
}

fn pair(row: Vec<Option<String>>) -> Option<(String, String)> {
    let [key, value] = row.try_into().ok()?;
    Some((key?, value?))
}

fn session(
    row: Vec<Option<String>>,
    ages: &BTreeMap<String, String>,
    blocked: &mut BTreeMap<String, Vec<String>>,
) -> Option<Session> {
    let [id, account, command, state, since_ms, statement] = row.try_into().ok()?;
    let (id, sleeps) = (id?, command.as_deref() == Some("Sleep"));
    let transaction_ms = milliseconds(ages.get(&id).map(String::as_str));
    let blocked_by = blocked.remove(&id).unwrap_or_default();
    Some(Session {
        account: account.unwrap_or_default(),
        application: None,
        state: match (sleeps, transaction_ms) {
            (true, Some(_)) => "idle in transaction".to_owned(),
            (true, None) => "idle".to_owned(),
            (false, _) => command.unwrap_or_default().to_lowercase(),
        },
        wait: match blocked_by.is_empty() {
            false => Some("lock".to_owned()),
            true => state.filter(|state| !sleeps && !state.is_empty()),
        },
        statement_ms: milliseconds(since_ms.as_deref()),
        transaction_ms,
        blocked_by,
        shape: statement
            .filter(|text| !text.is_empty())
            .map(|text| shape_of(&text, Syntax::MySql)),
        id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows<const N: usize>(rows: &[[&str; N]]) -> Rows {
        let text = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
        rows.iter().map(|row| row.iter().map(text).collect()).collect()
    }

    #[test]
    fn processes_transactions_and_lock_waits_are_put_together() {
        let processes = rows(&[
            [
                "7",
                "ann",
                "Query",
                "Updating",
                "1500",
                "UPDATE person SET iban = \"DE02\" WHERE id = 3",
            ],
            ["8", "bob", "Sleep", "", "60000", ""],
            ["9", "bob", "Sleep", "", "900", ""],
        ]);
        let transactions = rows(&[["7", "1600"], ["8", "61000"]]);
        let activity = read(processes, Some(transactions), Some(rows(&[["7", "8"], ["7", "8"]])));
        let told = |at: usize| {
            let session = &activity.sessions[at];
            (session.id.as_str(), session.state.as_str(), session.transaction_ms)
        };
        assert_eq!(told(0), ("8", "idle in transaction", Some(61_000)));
        assert_eq!(told(1), ("7", "query", Some(1_600)));
        assert_eq!(activity.sessions[1].blocked_by, ["8"]);
        assert_eq!(
            activity.sessions[1].shape.as_deref(),
            Some("UPDATE person SET iban = ? WHERE id = ?")
        );
        assert_eq!((activity.idle, activity.unseen.len()), (1, 0));
    }

    #[test]
    fn what_may_not_be_seen_is_said() {
        let few = read(Vec::new(), None, None).unseen.concat();
        assert!(few.contains("PROCESS"), "{few}");
        let some = read(Vec::new(), Some(Vec::new()), None).unseen.concat();
        assert!(some.contains("data_lock_waits"), "{some}");
    }
}

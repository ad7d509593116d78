//! PostgreSQL: `pg_stat_activity`, which everybody may read; of whose sessions one may see more depends on the account.

use app::monitoring::statements::{Activity, Session};
use resilient_db::{Syntax, shape_of};
use sqlx::{PgConnection, Row};

use super::milliseconds;
use crate::clock::now_ms;

/// What stands in place of a statement that this account may not see.
const NOT_TO_BE_SEEN: &str = "<insufficient privilege>";

/// Without the right to see more, what kind of a session it is stays hidden too.
///
/// Who holds the lock is asked only for those who wait for one: the answer takes a look at the whole lock table.
const SESSIONS: &str = "
    SELECT pid::text, usename::text, nullif(application_name, '')::text, state::text,
           CASE WHEN state = 'active' THEN wait_event_type || ': ' || wait_event END,
           (extract(epoch FROM clock_timestamp() - query_start) * 1000)::bigint::text,
           (extract(epoch FROM clock_timestamp() - xact_start) * 1000)::bigint::text,
           CASE WHEN wait_event_type = 'Lock' THEN array_to_string(pg_blocking_pids(pid), ',') END,
           query::text
    FROM pg_catalog.pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND coalesce(backend_type, 'client backend') = 'client backend'
      AND state IS DISTINCT FROM 'idle'
    ORDER BY xact_start NULLS LAST, query_start NULLS LAST
    LIMIT 200";

const IDLE: &str = "
    SELECT count(*)::text FROM pg_catalog.pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'";

pub(super) async fn activity(connection: &mut PgConnection) -> Result<Activity, sqlx::Error> {
    let rows = sqlx::query(SESSIONS)
        .persistent(false)
        .fetch_all(&mut *connection)
        .await?;
    let texts = rows.iter().map(|row| (0..row.len()).map(|n| row.try_get(n)).collect());
    let texts: Vec<Vec<Option<String>>> = texts.collect::<Result<_, sqlx::Error>>()?;
    let idle: String = sqlx::query_scalar(IDLE)
        .persistent(false)
        .fetch_one(&mut *connection)
        .await?;
    let mut activity = read(texts);
    activity.idle = idle.parse().unwrap_or_default();
    Ok(activity)
}

fn read(rows: Vec<Vec<Option<String>>>) -> Activity {
    let total = rows.len();
    let hidden = rows
        .iter()
        .filter(|row| row.last().is_some_and(|query| query.as_deref() == Some(NOT_TO_BE_SEEN)));
    let hidden = hidden.count();
    let sessions = rows.into_iter().filter_map(session).collect();
    let unseen = (hidden > 0).then(|| {
        format!(
            "Of {hidden} of {total} sessions this database account may not see what they do: that takes the role \
             pg_read_all_stats."
        )
    });
    Activity {
        as_of_ms: now_ms(),
        sessions,
        idle: 0,
        unseen: unseen.into_iter().collect(),
    }
}

fn session(row: Vec<Option<String>>) -> Option<Session> {
    let [
        id,
        account,
        application,
        state,
        wait,
        statement_ms,
        transaction_ms,
        blocked_by,
        query,
    ] = row.try_into().ok()?;
    let query = query.filter(|query| query != NOT_TO_BE_SEEN && !query.is_empty());
    let blocked_by = blocked_by.unwrap_or_default();
    Some(Session {
        id: id?,
        account: account.unwrap_or_default(),
        application,
        state: state.unwrap_or_else(|| "not to be seen".to_owned()),
        wait,
        statement_ms: milliseconds(statement_ms.as_deref()),
        transaction_ms: milliseconds(transaction_ms.as_deref()),
        blocked_by: blocked_by
            .split(',')
            .filter(|id| !id.is_empty())
            .map(str::to_owned)
            .collect(),
        shape: query.map(|query| shape_of(&query, Syntax::Postgres)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_others_are_not_shown_and_what_may_not_be_seen_is_said() {
        let row = |query: &str, blocked_by: &str| {
            let texts = [
                "7",
                "ann",
                "psql",
                "active",
                "Lock: transactionid",
                "1500",
                "2000",
                blocked_by,
                query,
            ];
            texts.map(|text| Some(text.to_owned())).to_vec()
        };
        let activity = read(vec![
            row("UPDATE person SET iban = 'DE02 1203' WHERE name = 'O''Hara", "8,9"),
            row(NOT_TO_BE_SEEN, ""),
        ]);
        let first = &activity.sessions[0];
        assert_eq!(
            first.shape.as_deref(),
            Some("UPDATE person SET iban = ? WHERE name = ?"),
            "also where it is cut off"
        );
        assert_eq!(first.blocked_by, ["8", "9"]);
        assert_eq!((first.statement_ms, first.transaction_ms), (Some(1_500), Some(2_000)));
        assert_eq!(activity.sessions[1].shape, None);
        assert!(activity.sessions[1].blocked_by.is_empty());
        assert!(
            activity.unseen[0].starts_with("Of 1 of 2 sessions"),
            "{:?}",
            activity.unseen
        );
    }
}

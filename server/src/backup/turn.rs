//! Whose turn a scheduled backup is, where several servers use one database: a row of the database itself, by its
//! clock. Whoever takes it says so again and again while at work, so that a server that died keeps nobody waiting.

use std::time::Duration;

use resilient_db::failure::Kind;
use resilient_db::{Connection, DbError};

use super::BackedUp;
use crate::database::Database;

/// After this long without a word from its holder, a turn is free.
const LASTS: Duration = Duration::from_secs(90);
/// Between two words.
pub const SAY_EVERY: Duration = Duration::from_secs(30);

pub struct Turn<D: BackedUp> {
    db: Database<D::Database>,
    /// This process.
    holder: String,
}

impl<D: BackedUp> Turn<D> {
    pub fn new(db: Database<D::Database>) -> Self {
        let holder = uuid::Uuid::new_v4().simple().to_string();
        Self { db, holder }
    }

    /// Whether it is ours: nobody holds it, and nobody has made one within this interval. Without own tables there is
    /// nobody to share with.
    pub async fn take(&self, every: Duration) -> Result<bool, DbError> {
        let (table, now) = (D::own("backup_turn"), D::NOW_MS);
        // Others are due a little before or after us.
        let interval = every.as_millis() * 9 / 10;
        let first = D::insert_unless_taken(&table, &["name", "holder"], 1);
        let take = format!(
            "UPDATE {table} SET holder = {}, until_ms = {now} + {} WHERE name = 'scheduled' \
             AND (until_ms <= {now} OR holder = {}) AND done_ms <= {now} - {interval}",
            D::placeholder(1),
            LASTS.as_millis(),
            D::placeholder(2),
        );
        let taken = self.db.write("backup turn", |mut conn: Connection<D::Database>| {
            let (first, take, holder) = (first.clone(), take.clone(), Some(self.holder.clone()));
            async move {
                D::execute(
                    &mut conn,
                    first,
                    vec![Some("scheduled".to_owned()), Some(String::new())],
                )
                .await?;
                D::execute(&mut conn, take, vec![holder.clone(), holder]).await
            }
        });
        match taken.await {
            Ok(taken) => Ok(taken > 0),
            Err(error) if matches!(error.class.kind, Kind::Defect | Kind::Constraint) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Still at work.
    pub async fn say(&self) -> Result<(), DbError> {
        self.set(format!("until_ms = {} + {}", D::NOW_MS, LASTS.as_millis()))
            .await
    }

    /// `done`: a backup was made.
    pub async fn end(&self, done: bool) -> Result<(), DbError> {
        let done = if done {
            format!(", done_ms = {}", D::NOW_MS)
        } else {
            String::new()
        };
        self.set(format!("until_ms = 0{done}")).await
    }

    async fn set(&self, what: String) -> Result<(), DbError> {
        let sql = format!(
            "UPDATE {} SET {what} WHERE name = 'scheduled' AND holder = {}",
            D::own("backup_turn"),
            D::placeholder(1)
        );
        let set = self.db.write("backup turn", |mut conn: Connection<D::Database>| {
            let (sql, holder) = (sql.clone(), Some(self.holder.clone()));
            async move { D::execute(&mut conn, sql, vec![holder]).await }
        });
        match set.await {
            Err(error) if error.class.kind != Kind::Defect => Err(error),
            _ => Ok(()),
        }
    }

    /// How long ago one was made by whichever server, in milliseconds; `None` where that cannot be known.
    pub async fn done_ms_ago(&self) -> Option<u64> {
        let ago = D::as_text(&format!("{} - done_ms", D::NOW_MS));
        let sql = format!(
            "SELECT {ago} FROM {} WHERE name = 'scheduled' AND done_ms > 0",
            D::own("backup_turn")
        );
        let primary = self.db.primary();
        let asked = primary.read("backup turn", |mut conn: Connection<D::Database>| {
            let sql = sql.clone();
            async move {
                let there = D::fetch(&mut conn, D::is_there("backup_turn"), Vec::new()).await?;
                if there.is_empty() {
                    return Ok(None);
                }
                D::fetch(&mut conn, sql, Vec::new()).await.map(Some)
            }
        });
        let rows = asked.await.ok()??;
        rows.first()?
            .first()?
            .as_deref()?
            .parse::<i64>()
            .ok()
            .map(|ago| ago.max(0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use resilient_db::{Db, Policy};
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;
    use crate::sql::Sqlite;
    use crate::sql::migrations::OwnTables;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[tokio::test(flavor = "multi_thread")]
    async fn one_has_the_turn_at_a_time_and_nobody_soon_after_a_backup() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("records.db");
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
        Sqlite::migrate(&options).await.unwrap();
        let db = Database::One(Db::connect_lazily(options, Policy::default()).await);
        let (one, other) = (Turn::<Sqlite>::new(db.clone()), Turn::<Sqlite>::new(db));
        let (first, second) = tokio::join!(one.take(HOUR), other.take(HOUR));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert!(first != second, "{first} {second}");
        let (holder, waiting) = if first { (one, other) } else { (other, one) };
        assert!(holder.take(HOUR).await.unwrap(), "it is ours already");
        holder.say().await.unwrap();
        assert!(!waiting.take(HOUR).await.unwrap());
        // One that failed leaves the turn to whoever comes.
        holder.end(false).await.unwrap();
        assert_eq!(holder.done_ms_ago().await, None);
        assert!(waiting.take(HOUR).await.unwrap());
        waiting.end(true).await.unwrap();
        assert!(waiting.done_ms_ago().await.is_some());
        assert!(!holder.take(HOUR).await.unwrap());
        assert!(holder.take(Duration::ZERO).await.unwrap(), "the next interval");
    }
}

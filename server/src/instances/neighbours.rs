//! Which servers use this database now, and what in their settings does not go together. It is only said: nothing is
//! decided by it.

use std::collections::BTreeSet;

use app::records::model::Text;
use resilient_db::{Connection, DbError};

use crate::database::Database;
use crate::sql::Dialect;

const TABLE: &str = "instance";
/// Whoever was not seen for this long is not there. Each is noted every ten seconds.
const THERE_MS: u64 = 30_000;
const FORGOTTEN_MS: u64 = 24 * 60 * 60 * 1000;
const FORGOTTEN_AT_ONCE: u32 = 500;
/// Characters that fit into the table.
const LONGEST_URL: usize = 255;

/// What has to be the same for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    id: String,
    secret: String,
    public_url: String,
    shares_redis: bool,
}

impl Instance {
    /// This process. `secret` is a [mark](crate::keys::secret_mark) of it.
    pub fn new(secret: &str, public_url: &str, shares_redis: bool) -> Self {
        Self {
            id: uuid::Uuid::new_v4().simple().to_string(),
            secret: secret.to_owned(),
            public_url: public_url.chars().take(LONGEST_URL).collect(),
            shares_redis,
        }
    }

    /// One line for each way in which another one is set up so that both cannot be used as one.
    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let mut differences = Vec::new();
        if self.secret != other.secret {
            differences.push(
                "another server on this database has another secret: who is signed in there is not signed in here, and \
                 forms and drafts of the one mean nothing to the other; give both the same INKFAST_SECRET",
            );
        }
        if self.public_url != other.public_url {
            differences.push(
                "another server on this database is called by another address: what browsers send to the one, the other \
                 refuses; give both the same INKFAST_PUBLIC_URL",
            );
        }
        if !(self.shares_redis && other.shares_redis) {
            differences.push(
                "another server uses this database, and they do not share a Redis: unsaved text is kept by each for \
                 itself, and pages hear of their own server alone; give both the same REDIS_URL",
            );
        }
        differences
    }
}

/// What one server knows of the others.
pub struct Neighbours {
    me: Instance,
    told: BTreeSet<&'static str>,
}

impl Neighbours {
    pub fn new(me: Instance) -> Self {
        Self {
            me,
            told: BTreeSet::new(),
        }
    }

    /// Notes that this one is there, looks who else is, and says in the log what does not go together.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn look<D: Dialect>(&mut self, db: &Database<D::Database>, now_ms: u64) -> Result<(), DbError> {
        let (me, since_ms) = (&self.me, now_ms.saturating_sub(THERE_MS));
        db.write("note this server", |mut conn: Connection<D::Database>| {
            let me = me.clone();
            async move { note::<D>(&mut conn, &me, now_ms).await }
        })
        .await?;
        let read = |mut conn: Connection<D::Database>| async move { others::<D>(&mut conn, me, since_ms).await };
        let others = db.primary().read("other servers", read).await?;
        let now: BTreeSet<&'static str> = others.iter().flat_map(|other| me.differences(other)).collect();
        for difference in now.difference(&self.told) {
            tracing::warn!("{difference}");
        }
        self.told = now;
        Ok(())
    }

    /// Forgets servers that have not been there for a day.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sweep<D: Dialect>(db: &Database<D::Database>, now_ms: u64) -> Result<u64, DbError> {
        let old = format!("seen_at_ms < {}", now_ms.saturating_sub(FORGOTTEN_MS));
        let sql = D::delete_at_most(&D::own(TABLE), "id", &old, FORGOTTEN_AT_ONCE);
        db.write("forget servers", |mut conn: Connection<D::Database>| {
            let sql = sql.clone();
            async move { D::execute(&mut conn, sql, Vec::new()).await }
        })
        .await
    }
}

async fn note<D: Dialect>(conn: &mut Connection<D::Database>, me: &Instance, now_ms: u64) -> Result<(), sqlx::Error> {
    let (table, place) = (D::own(TABLE), D::placeholder);
    let update = format!("UPDATE {table} SET seen_at_ms = {now_ms} WHERE id = {}", place(1));
    if D::execute(conn, update, vec![Some(me.id.clone())]).await? > 0 {
        return Ok(());
    }
    let insert = format!(
        "INSERT INTO {table} (id, secret, public_url, shared, seen_at_ms) VALUES ({}, {}, {}, {}, {now_ms})",
        place(1),
        place(2),
        place(3),
        place(4)
    );
    let shared = if me.shares_redis { "redis" } else { "" };
    let row = [&me.id, &me.secret, &me.public_url, shared].map(|text| Some(text.to_owned()));
    D::execute(conn, insert, row.into()).await.map(drop)
}

async fn others<D: Dialect>(
    conn: &mut Connection<D::Database>,
    me: &Instance,
    since_ms: u64,
) -> Result<Vec<Instance>, sqlx::Error> {
    let sql = format!(
        "SELECT id, secret, public_url, shared FROM {} WHERE seen_at_ms > {since_ms} AND id <> {}",
        D::own(TABLE),
        D::placeholder(1)
    );
    let rows = D::fetch(conn, sql, vec![Some(me.id.clone())]).await?;
    let read = |row: Vec<Text>| {
        let [id, secret, public_url, shared] = <[Text; 4]>::try_from(row).ok()?;
        Some(Instance {
            id: id?,
            secret: secret?,
            public_url: public_url?,
            shares_redis: shared? == "redis",
        })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_go_together_is_said_by_the_name_of_the_setting() {
        let one = Instance::new("mark", "https://admin.example.org", true);
        let fits = Instance::new("mark", "https://admin.example.org", true);
        assert!(one.differences(&fits).is_empty());
        let all = Instance::new("other", "https://admin2.example.org", false);
        let said = one.differences(&all).concat();
        for setting in ["INKFAST_SECRET", "INKFAST_PUBLIC_URL", "REDIS_URL"] {
            assert_eq!(said.matches(setting).count(), 1, "{said}");
        }
        let without = Instance::new("mark", "https://admin.example.org", false);
        assert_eq!(
            without.differences(&without.clone()).len(),
            1,
            "two without Redis share nothing"
        );
    }
}

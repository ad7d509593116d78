//! The notes, in an SQLite file. A press of Save, its answer and the change are one transaction: sent again, it is answered
//! again and not done again.

use std::path::Path;

use resilient_core::draft::{Revision, Text, Values};
use resilient_core::merge::merge;
use resilient_core::submission::answer::{Answer, Conflict, Outcome};
use resilient_core::submission::form_body::FormBody;
use resilient_core::submission::is_submission_id;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::version;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL, saves INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS submission (id TEXT PRIMARY KEY, asked TEXT NOT NULL, answer TEXT NOT NULL);
    INSERT OR IGNORE INTO note (id, title, text) VALUES (1, 'Shopping', 'Bread'), (2, 'Journey', 'The train leaves at nine.');
";

/// A note as it is now.
pub struct Note {
    pub id: i64,
    pub values: Values,
    /// How often it was saved.
    pub saves: i64,
}

impl Note {
    fn of((id, title, text, saves): (i64, String, String, i64)) -> Self {
        let values = Values::from([("title".into(), Some(title)), ("text".into(), Some(text))]);
        Self { id, values, saves }
    }

    pub fn text_of(&self, column: &str) -> &str {
        self.values.get(column).and_then(Text::as_deref).unwrap_or_default()
    }
}

pub struct Notes {
    pool: SqlitePool,
}

impl Notes {
    pub async fn open(file: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was answered as saved is on the disk.
            .synchronous(SqliteSynchronous::Full);
        // One at a time: a save reads before it writes.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await?;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        Ok(Self { pool })
    }

    pub async fn all(&self) -> Result<Vec<Note>, sqlx::Error> {
        let rows = sqlx::query_as("SELECT id, title, text, saves FROM note ORDER BY id")
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(Note::of).collect())
    }

    pub async fn find(&self, id: i64) -> Result<Option<Note>, sqlx::Error> {
        find(&mut *self.pool.acquire().await?, id).await
    }

    /// What was answered to a press of Save. Only what was saved is known.
    pub async fn answered(&self, submission: &str) -> Result<Option<Answer>, sqlx::Error> {
        let known = known(&mut *self.pool.acquire().await?, submission).await?;
        Ok(known.map(|(_, answer)| answer))
    }

    /// # Errors
    /// Nothing was saved as far as is known here. The same press may be sent again.
    pub async fn save(&self, id: i64, posted: &FormBody) -> Result<Answer, sqlx::Error> {
        let Some(press) = Press::read(id, posted) else {
            return Ok(Answer::new(Outcome::Malformed));
        };
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        if let Some((asked, answer)) = known(&mut transaction, &press.id).await? {
            return Ok(if asked == press.asked {
                Answer {
                    replayed: true,
                    ..answer
                }
            } else {
                press.answer(Outcome::Mismatch)
            });
        }
        let Some(note) = find(&mut transaction, id).await? else {
            return Ok(press.answer(Outcome::Gone));
        };
        let (answer, after) = press.decide(&note);
        if answer.outcome == Outcome::Saved {
            if after != note.values {
                write(&mut transaction, id, &after).await?;
            }
            remember(&mut transaction, &press, &answer).await?;
            transaction.commit().await?;
        }
        Ok(answer)
    }

    /// As if the disk was gone.
    #[cfg(test)]
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// One press of Save.
struct Press {
    id: String,
    note: i64,
    version: String,
    revision: Revision,
    /// What was changed, and nothing else: with script only that is sent, without it all is.
    changed: Values,
    /// By what another press under the same id would be told from this one.
    asked: String,
}

impl Press {
    fn read(note: i64, posted: &FormBody) -> Option<Self> {
        let id = posted.id.clone().filter(|id| is_submission_id(id))?;
        let (version, revision) = (posted.version.clone()?, posted.revision.clone()?);
        let texts = posted
            .columns
            .iter()
            .map(|(column, posted)| (column.clone(), Some(posted.text.clone())));
        let is_changed = |(column, text): &(String, Text)| {
            matches!(column.as_str(), "title" | "text") && !version::is_base(&version, column, text)
        };
        let changed: Values = texts.filter(is_changed).collect();
        let asked = version::hash(&serde_json::to_string(&(note, &version, &changed)).ok()?);
        Some(Self {
            id,
            note,
            version,
            revision,
            changed,
            asked,
        })
    }

    /// The answer, and the note afterwards.
    fn decide(&self, note: &Note) -> (Answer, Values) {
        let now = &note.values;
        let merged = merge(&self.changed, now, |column, text| {
            version::is_base(&self.version, column, text)
        });
        let mut after = now.clone();
        after.extend(merged.write);
        if !merged.conflicts.is_empty() {
            return (self.conflict(now, merged.conflicts), after);
        }
        if after.get("title").is_some_and(|title| title.as_deref() == Some("")) {
            let mut answer = self.answer(Outcome::Invalid);
            answer.errors.insert("title".into(), "A note needs a title.".into());
            return (answer, after);
        }
        let mut answer = self.answer(Outcome::Saved);
        answer.version = Some(version::of(&after));
        answer.current = now
            .clone()
            .into_iter()
            .filter(|(column, _)| merged.merged.contains(column))
            .collect();
        answer.merged = merged.merged;
        (answer, after)
    }

    fn conflict(&self, now: &Values, columns: Vec<String>) -> Answer {
        let of = |values: &Values, column: &str| values.get(column).cloned().flatten();
        let mut answer = self.answer(Outcome::Conflict);
        answer.version = Some(version::of(now));
        answer.current = now.clone();
        answer.conflicts = columns
            .into_iter()
            .map(|column| Conflict {
                base: None,
                mine: of(&self.changed, &column),
                theirs: of(now, &column),
                column,
            })
            .collect();
        answer
    }

    fn answer(&self, outcome: Outcome) -> Answer {
        let mut answer = Answer::new(outcome);
        answer.key = Some(self.note.to_string());
        (answer.seq, answer.writer) = (self.revision.seq, self.revision.writer.clone());
        answer
    }
}

async fn find(connection: &mut SqliteConnection, id: i64) -> Result<Option<Note>, sqlx::Error> {
    let row = sqlx::query_as("SELECT id, title, text, saves FROM note WHERE id = ?")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(Note::of))
}

/// What was asked under this id, and the answer.
async fn known(connection: &mut SqliteConnection, id: &str) -> Result<Option<(String, Answer)>, sqlx::Error> {
    let row: Option<(String, String)> = sqlx::query_as("SELECT asked, answer FROM submission WHERE id = ?")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.map(|(asked, answer)| {
        let answer = serde_json::from_str(&answer).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok((asked, answer))
    })
    .transpose()
}

async fn write(connection: &mut SqliteConnection, id: i64, after: &Values) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE note SET title = ?, text = ?, saves = saves + 1 WHERE id = ?")
        .bind(after.get("title").cloned().flatten())
        .bind(after.get("text").cloned().flatten())
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

async fn remember(connection: &mut SqliteConnection, press: &Press, answer: &Answer) -> Result<(), sqlx::Error> {
    let answer = serde_json::to_string(answer).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query("INSERT INTO submission (id, asked, answer) VALUES (?, ?, ?)")
        .bind(&press.id)
        .bind(&press.asked)
        .bind(answer)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;

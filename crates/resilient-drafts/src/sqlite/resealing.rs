//! Seals anew what an old secret has sealed, some rows at a time, so that nobody waits long for the file.

use sqlx::SqlitePool;

use crate::Sealer;
use crate::seal::binding;

/// Rows sealed anew in one transaction.
const ROWS_AT_ONCE: i64 = 20;

/// What became of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    pub resealed: u64,
    /// Sealed with a secret that is not at hand.
    pub unknown: u64,
}

/// All rows, one piece after the other. Writing goes by `writer`, which has one connection.
pub async fn reseal(writer: &SqlitePool, readers: &SqlitePool, sealer: &Sealer) -> Result<Resealed, sqlx::Error> {
    let (mut done, mut after) = (Resealed::default(), 0_i64);
    loop {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT rowid, substr(sealed, 1, 8) FROM draft WHERE rowid > ? ORDER BY rowid LIMIT 1000")
                .bind(after)
                .fetch_all(readers)
                .await?;
        let Some((last, _)) = rows.last() else {
            return Ok(done);
        };
        after = *last;
        let of_others = rows.iter().filter(|(_, head)| sealer.is_of_another_secret(head));
        done.unknown += of_others.count() as u64;
        let old: Vec<i64> = rows
            .iter()
            .filter(|(_, head)| sealer.is_old(head))
            .map(|(rowid, _)| *rowid)
            .collect();
        for some in old.chunks(ROWS_AT_ONCE as usize) {
            done.resealed += reseal_some(writer, sealer, some).await?;
        }
    }
}

async fn reseal_some(writer: &SqlitePool, sealer: &Sealer, rowids: &[i64]) -> Result<u64, sqlx::Error> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    let mut resealed = 0;
    for rowid in rowids {
        let row: Option<(String, String, String)> =
            sqlx::query_as("SELECT account, form_key, sealed FROM draft WHERE rowid = ?")
                .bind(rowid)
                .fetch_optional(&mut *transaction)
                .await?;
        // It was replaced or saved meanwhile, or was changed by somebody else and stays as it is.
        let Some((account, form_key, sealed)) = row.filter(|(_, _, sealed)| sealer.is_old(sealed)) else {
            continue;
        };
        let bound_to = binding(&[&account, &form_key]);
        let Ok(plain) = sealer.open(&bound_to, &sealed) else {
            continue;
        };
        sqlx::query("UPDATE draft SET sealed = ? WHERE rowid = ?")
            .bind(sealer.seal(&bound_to, &plain))
            .bind(rowid)
            .execute(&mut *transaction)
            .await?;
        resealed += 1;
    }
    transaction.commit().await?;
    Ok(resealed)
}

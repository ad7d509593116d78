//! Removes what is too old, and what is counted and not there any more; seals anew what an old secret has sealed.
//!
//! It takes commands that nothing else takes. Where Redis does not allow those, drafts are kept there
//! all the same, and expire by themselves.

use std::time::Duration;

use resilient_core::failure::Kind;
use tokio::time::sleep;

use super::connector::{Connection, Server};
use super::hash::Keys;
use super::index::Indexed;
use super::swap::Swapped;
use super::{ATTEMPTS, Contended, RedisStore, Room, fresh_mark, hash, index};
use crate::store::unavailable;
use crate::{StoreError, Swept};

const UNCOUNT: &str = include_str!("uncount.lua");
/// Forms looked for in one round trip.
const FORMS_AT_ONCE: usize = 25;
/// Between two forms that were changed, so that people's calls go first.
const STEP_PAUSE: Duration = Duration::from_millis(2);

/// How far one has looked for keys.
pub(super) struct Scan {
    pattern: String,
    /// Still to be looked at, the present one last.
    servers: Vec<Server>,
    cursor: u64,
}

impl RedisStore {
    pub(super) async fn sweep_all(&self, too_old_ms: u64) -> Result<Swept, StoreError> {
        let mut swept = Swept {
            complete: true,
            ..Swept::default()
        };
        let mut scan = self.scan(self.keys().all_forms()).await?;
        while let Some(found) = self.next_of(&mut scan).await? {
            for key in found {
                swept = swept + self.sweep_form(&key, too_old_ms).await?;
            }
        }
        let mut scan = self.scan(self.keys().all_indexes()).await?;
        while let Some(found) = self.next_of(&mut scan).await? {
            for key in found {
                self.sweep_index(&key).await?;
            }
        }
        // What was moved is sealed with the present secret.
        Ok(swept + self.move_home().await)
    }

    /// All accounts that have something of that name there.
    pub(crate) async fn accounts_with(&self, keys: &Keys, what: &str) -> Result<Vec<String>, StoreError> {
        let mut accounts = std::collections::BTreeSet::new();
        let mut scan = self.scan(keys.of_all(what)).await?;
        while let Some(found) = self.next_of(&mut scan).await? {
            accounts.extend(found.iter().filter_map(|key| keys.read_of(key, what)));
        }
        Ok(accounts.into_iter().collect())
    }

    /// Begins to look for all keys that fit.
    pub(super) async fn scan(&self, pattern: String) -> Result<Scan, StoreError> {
        let ask = |mut connection: Connection| async move { connection.servers().await };
        let mut patience = self.inner.link.patience();
        let servers = self.inner.link.call_beside(&mut patience, ask).await;
        Ok(Scan {
            pattern,
            servers: servers.map_err(unavailable)?,
            cursor: 0,
        })
    }

    /// Some more of them; `None` after the last ones.
    pub(super) async fn next_of(&self, scan: &mut Scan) -> Result<Option<Vec<String>>, StoreError> {
        let Some(server) = scan.servers.last().cloned() else {
            return Ok(None);
        };
        let mut command = redis::cmd("SCAN");
        command
            .arg(scan.cursor)
            .arg("MATCH")
            .arg(&scan.pattern)
            .arg("COUNT")
            .arg(100);
        let ask = |mut connection: Connection| async move { connection.query_at(&server, &command).await };
        let mut patience = self.inner.link.patience();
        let found = self.inner.link.call_beside(&mut patience, ask).await;
        let (next, keys): (u64, Vec<String>) = found.map_err(unavailable)?;
        scan.cursor = next;
        if next == 0 {
            scan.servers.pop();
        }
        Ok(Some(keys))
    }

    async fn sweep_form(&self, key: &str, too_old_ms: u64) -> Result<Swept, StoreError> {
        let mut swept = Swept {
            complete: true,
            ..Swept::default()
        };
        let Some((account, form_key)) = self.keys().read_form(key) else {
            return Ok(swept);
        };
        let sealer = &self.inner.sealer;
        for _ in 0..ATTEMPTS {
            let mut patience = self.inner.link.patience();
            let fields = self.fields(key, &mut patience).await.map_err(unavailable)?;
            let tidied = hash::tidied(&fields, sealer, &account, &form_key, too_old_ms);
            swept.unknown = tidied.unknown;
            if !tidied.is_needed() {
                return Ok(swept);
            }
            let mark = fields.get(hash::MARK).cloned().unwrap_or_default();
            let fresh = fresh_mark();
            let swapped = self.swap(
                &account,
                &form_key,
                [&mark, &fresh],
                Room::Unlimited,
                &tidied.change,
                &mut patience,
            );
            match swapped.await {
                Ok(Swapped::Done) => {
                    swept.removed = tidied.removed;
                    swept.resealed = tidied.resealed;
                    sleep(STEP_PAUSE).await;
                    return Ok(swept);
                }
                Ok(_) => {}
                // A full Redis takes away what is too old, and seals nothing anew.
                Err(failed) if tidied.resealed > 0 && failed.class().kind == Kind::ReadOnly => {
                    swept.still_old = tidied.resealed;
                    return Ok(swept);
                }
                Err(failed) => return Err(unavailable(failed)),
            }
        }
        Err(unavailable(Contended))
    }

    /// Counts no form any more that has expired, or was evicted.
    async fn sweep_index(&self, key: &str) -> Result<(), StoreError> {
        let Some(account) = self.keys().read_index(key) else {
            return Ok(());
        };
        let mut patience = self.inner.link.patience();
        let fields = self.fields(key, &mut patience).await.map_err(unavailable)?;
        let form_keys: Vec<String> = index::read(fields)
            .into_iter()
            .map(|form: Indexed| form.form_key)
            .collect();
        for some in form_keys.chunks(FORMS_AT_ONCE) {
            let mut uncount = redis::cmd("EVAL");
            uncount.arg(UNCOUNT).arg(1 + some.len()).arg(key);
            for form_key in some {
                uncount.arg(self.keys().form(&account, form_key));
            }
            uncount.arg(some);
            let ask = |mut connection| async move { uncount.exec_async(&mut connection).await };
            let mut patience = self.inner.link.patience();
            self.inner
                .link
                .call_beside(&mut patience, ask)
                .await
                .map_err(unavailable)?;
        }
        Ok(())
    }
}

//! Removes what is too old, and what is counted and not there any more.
//!
//! It takes commands that nothing else takes. Where Redis does not allow those, drafts are kept there
//! all the same, and expire by themselves.

use super::index::Indexed;
use super::{ATTEMPTS, Contended, RedisStore, Room, hash, index};
use crate::StoreError;
use crate::redis::swap::Swapped;
use crate::store::unavailable;

const UNCOUNT: &str = include_str!("uncount.lua");
/// Forms looked for in one round trip.
const FORMS_AT_ONCE: usize = 25;

impl RedisStore {
    /// How many drafts were removed.
    pub(super) async fn sweep_all(&self, too_old_ms: u64) -> Result<u64, StoreError> {
        let (mut removed, mut cursor) = (0, Some(0));
        while let Some(from) = cursor {
            let (next, found) = self.scan(&self.inner.keys.all_forms(), from).await?;
            for key in found {
                removed += self.sweep_form(&key, too_old_ms).await?;
            }
            cursor = next;
        }
        cursor = Some(0);
        while let Some(from) = cursor {
            let (next, found) = self.scan(&self.inner.keys.all_indexes(), from).await?;
            for key in found {
                self.sweep_index(&key).await?;
            }
            cursor = next;
        }
        Ok(removed)
    }

    /// All accounts that have something of that name.
    pub(crate) async fn accounts_with(&self, what: &str) -> Result<Vec<String>, StoreError> {
        let (mut accounts, mut cursor) = (std::collections::BTreeSet::new(), Some(0));
        while let Some(from) = cursor {
            let (next, found) = self.scan(&self.inner.keys.of_all(what), from).await?;
            accounts.extend(found.iter().filter_map(|key| self.inner.keys.read_of(key, what)));
            cursor = next;
        }
        Ok(accounts.into_iter().collect())
    }

    /// Some of the keys that fit, and where to go on.
    async fn scan(&self, pattern: &str, from: u64) -> Result<(Option<u64>, Vec<String>), StoreError> {
        let mut scan = redis::cmd("SCAN");
        scan.arg(from).arg("MATCH").arg(pattern).arg("COUNT").arg(100);
        let ask = |mut connection| async move { scan.query_async(&mut connection).await };
        let mut patience = self.inner.link.patience();
        let found = self.inner.link.call_beside(&mut patience, ask).await;
        let (next, keys): (u64, Vec<String>) = found.map_err(unavailable)?;
        Ok((Some(next).filter(|next| *next != 0), keys))
    }

    async fn sweep_form(&self, key: &str, too_old_ms: u64) -> Result<u64, StoreError> {
        let Some((account, form_key)) = self.inner.keys.read_form(key) else {
            return Ok(0);
        };
        for _ in 0..ATTEMPTS {
            let mut patience = self.inner.link.patience();
            let fields = self.fields(key, &mut patience).await.map_err(unavailable)?;
            let (change, drafts) = hash::without_old(&fields, too_old_ms);
            if change.remove.is_empty() {
                return Ok(0);
            }
            let mark = hash::read(&fields, &self.inner.sealer, &account, &form_key).mark;
            let swapped = self.swap(&account, &form_key, &mark, Room::Unlimited, &change, &mut patience);
            if swapped.await.map_err(unavailable)? == Swapped::Done {
                return Ok(drafts);
            }
        }
        Err(unavailable(Contended))
    }

    /// Counts no form any more that has expired, or was evicted.
    async fn sweep_index(&self, key: &str) -> Result<(), StoreError> {
        let Some(account) = self.inner.keys.read_index(key) else {
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
                uncount.arg(self.inner.keys.form(&account, form_key));
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

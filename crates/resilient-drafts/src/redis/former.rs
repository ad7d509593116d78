//! Moves drafts to where this application keeps them now, from where it has kept them under another secret.

use super::hash::{self, Keys, Loaded};
use super::{RedisStore, Room};
use crate::StoreError;
use crate::form::Form;
use crate::store::unavailable;

const LEAVE: &str = include_str!("leave.lua");

impl RedisStore {
    /// One form after the other; how many drafts of them cannot be opened and stay there.
    pub(super) async fn move_home(&self) -> Result<u64, StoreError> {
        let mut unreadable = 0;
        for former in self.inner.home.former() {
            let mut scan = self.scan(former.all_forms()).await?;
            while let Some(found) = self.next_of(&mut scan).await? {
                for key in found {
                    unreadable += self.move_form(&former, &key).await?;
                }
            }
        }
        Ok(unreadable)
    }

    async fn move_form(&self, former: &Keys, key: &str) -> Result<u64, StoreError> {
        let Some((account, form_key)) = former.read_form(key) else {
            return Ok(0);
        };
        let mut patience = self.inner.link.patience();
        let fields = self.fields(key, &mut patience).await.map_err(unavailable)?;
        let Loaded { form, mark } = hash::read(&fields, &self.inner.sealer, &account, &form_key);
        let unreadable = form.unreadable.len() as u64;
        let carry = |form: &Form| ((), form.clone());
        self.update(&account, &form_key, &form, Room::Unlimited, carry).await?;
        if unreadable > 0 {
            return Ok(unreadable);
        }
        // Only now: it is where it belongs.
        let mut leave = redis::cmd("EVAL");
        leave.arg(LEAVE).arg(2).arg(key).arg(former.index(&account));
        leave.arg(mark).arg(&form_key);
        let ask = |mut connection| async move { leave.exec_async(&mut connection).await };
        let mut patience = self.inner.link.patience();
        let left = self.inner.link.call_beside(&mut patience, ask).await;
        left.map_err(unavailable)?;
        Ok(0)
    }
}

//! Moves drafts to where this application keeps them now, from where it has kept them under another secret. Until that
//! is done they are read there as well.

use super::connector::Connection;
use super::hash::{self, Fields, Keys, Loaded};
use super::link::Failed;
use super::patience::Patience;
use super::{ATTEMPTS, Contended, RedisStore, Room};
use crate::form::Form;
use crate::store::unavailable;
use crate::{Place, StoreError, Swept};

const LEAVE: &str = include_str!("leave.lua");

/// A form that is where it belongs now, and is still where it was.
pub(super) struct Carried {
    from: Keys,
    to: Keys,
    account: String,
    form_key: String,
    /// When it was read, and after it was written.
    marks: [String; 2],
    /// Drafts that cannot be opened: they stay where they are.
    unreadable: u64,
}

impl RedisStore {
    /// One form after the other. What cannot be moved now stays where it is, and is moved another time.
    pub(super) async fn move_home(&self) -> Swept {
        let mut swept = Swept {
            complete: true,
            ..Swept::default()
        };
        let former = self.former().await.unwrap_or_else(|error| {
            tracing::warn!(?error, "where drafts have been in Redis cannot be looked up");
            swept.complete = false;
            Vec::new()
        });
        for from in former {
            if let Err(error) = self.move_all(&from, &mut swept).await {
                tracing::warn!(
                    ?error,
                    prefix = from.prefix,
                    "drafts stay under another prefix in Redis for now"
                );
                swept.complete = false;
            }
        }
        swept
    }

    /// Looked up anew: what was a former one a moment ago may be where everybody is now.
    pub(crate) async fn former(&self) -> Result<Vec<Keys>, StoreError> {
        let home = &self.inner.home;
        let ask = |mut connection: Connection| async move { home.settle(&mut connection).await };
        let mut patience = self.inner.link.patience();
        let settled = self.inner.link.call_beside(&mut patience, ask).await;
        settled.map_err(unavailable)?;
        Ok(home.former())
    }

    /// What is known of a form where its application has kept its drafts before.
    pub(super) async fn form_elsewhere(
        &self,
        account: &str,
        form_key: &str,
        patience: &mut Patience,
    ) -> Result<Form, Failed> {
        let mut known = Form::empty(form_key, Place::Redis);
        for keys in self.inner.home.elsewhere() {
            let fields = self.fields(&keys.form(account, form_key), patience).await?;
            let form = hash::read(&fields, &self.inner.sealer, account, form_key).form;
            known = known.joined(&form);
        }
        Ok(known)
    }

    /// Where drafts of an account lie there, and what the index there says of them. Some may have been ended here since.
    pub(super) async fn index_elsewhere(&self, account: &str, patience: &mut Patience) -> Result<Fields, Failed> {
        let mut known = Fields::new();
        for keys in self.inner.home.elsewhere() {
            known.extend(self.fields(&keys.index(account), patience).await?);
        }
        Ok(known)
    }

    async fn move_all(&self, from: &Keys, swept: &mut Swept) -> Result<(), StoreError> {
        let mut scan = self.scan(from.all_forms()).await?;
        let mut is_empty = true;
        while let Some(found) = self.next_of(&mut scan).await? {
            is_empty &= found.is_empty();
            for key in found {
                match self.move_form(from, &key).await {
                    Ok(unreadable) => swept.unknown += unreadable,
                    Err(error) => {
                        tracing::warn!(?error, key, "a form stays under another prefix in Redis for now");
                        swept.complete = false;
                    }
                }
            }
        }
        // What was moved only now may have been written there a moment ago: looked at once more the next time.
        self.inner.home.looked_at(from, is_empty);
        Ok(())
    }

    /// How many drafts of it cannot be opened and stay there.
    async fn move_form(&self, from: &Keys, key: &str) -> Result<u64, StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(carried) = self.carry(from, key).await? else {
                return Ok(0);
            };
            if carried.unreadable > 0 || self.leave(&carried).await? {
                return Ok(carried.unreadable);
            }
        }
        Err(unavailable(Contended))
    }

    /// `None` where there is no such form.
    pub(super) async fn carry(&self, from: &Keys, key: &str) -> Result<Option<Carried>, StoreError> {
        let Some((account, form_key)) = from.read_form(key) else {
            return Ok(None);
        };
        let to = self.keys();
        let mut patience = self.inner.link.patience();
        let fields = self.fields(key, &mut patience).await.map_err(unavailable)?;
        if fields.is_empty() || to.prefix == from.prefix {
            return Ok(None);
        }
        let Loaded { form, mark } = hash::read(&fields, &self.inner.sealer, &account, &form_key);
        let unreadable = form.unreadable.len() as u64;
        let stay = |form: &Form| ((), form.clone());
        let written = self.update_marked(&account, &form_key, &form, Room::Unlimited, stay);
        let ((), written) = written.await?;
        Ok(Some(Carried {
            from: from.clone(),
            to,
            account,
            form_key,
            marks: [mark, written],
            unreadable,
        }))
    }

    /// Only after it was carried: it is where it belongs. Whether it is away.
    pub(super) async fn leave(&self, carried: &Carried) -> Result<bool, StoreError> {
        let Carried {
            from,
            to,
            account,
            form_key,
            marks: [read, written],
            ..
        } = carried;
        let mut leave = redis::cmd("EVAL");
        leave.arg(LEAVE).arg(3);
        leave.arg(from.form(account, form_key)).arg(from.index(account));
        leave.arg(to.form(account, form_key));
        leave.arg(read).arg(form_key).arg(written);
        let ask = |mut connection: Connection| async move { leave.query_async(&mut connection).await };
        let mut patience = self.inner.link.patience();
        let left = self.inner.link.call_beside(&mut patience, ask).await;
        left.map_err(unavailable)
    }
}

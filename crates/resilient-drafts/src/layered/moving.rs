//! Moves what waits in the spill to Redis, form by form, in the background.

use std::sync::Weak;
use std::time::Duration;

use tokio::time::sleep;

use super::spill::{Name, Spill};
use crate::form::Form;
use crate::redis::{RedisStore, Room};

/// Between two looks at whether there is something to move, where nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two forms that are moved, so that people's calls go first.
const STEP_PAUSE: Duration = Duration::from_millis(5);

/// Moves what is in the spill for as long as anybody holds the store.
pub(super) async fn keep_moving(redis: RedisStore, spill: Weak<Spill>) {
    let mut news = redis.news();
    loop {
        let Some(held) = spill.upgrade() else { return };
        move_all(&redis, &held).await;
        drop(held);
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return },
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

/// One form after the other, until all are moved or Redis goes away. A form that Redis refuses for a
/// reason of its own stays where it is and stops no other.
async fn move_all(redis: &RedisStore, spill: &Spill) {
    let mut moved = 0_u32;
    for name in spill.form_keys() {
        if !redis.answers() {
            break;
        }
        moved += u32::from(move_one(redis, spill, &name).await);
        sleep(STEP_PAUSE).await;
    }
    if moved > 0 {
        tracing::info!(moved, left = spill.len(), "forms were moved from the spill to Redis");
    }
}

async fn move_one(redis: &RedisStore, spill: &Spill, (account, form_key): &Name) -> bool {
    let (spilled, is_read) = spill.look(account, form_key).await;
    if !is_read {
        return false;
    }
    let carry = |form: &Form| ((), form.clone());
    match redis.update(account, form_key, &spilled, Room::Unlimited, carry).await {
        Ok(()) => {
            spill.forget(account, &spilled).await;
            true
        }
        Err(error) => {
            tracing::debug!(?error, "a form stays in the spill for now");
            false
        }
    }
}

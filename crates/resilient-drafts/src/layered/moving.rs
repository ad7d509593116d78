//! Moves what waits in the spill to Redis, form by form, in the background.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::Duration;

use resilient_core::backoff::{Backoff, Jitter};
use tokio::time::{Instant, sleep};

use super::spill::{Name, Spill};
use crate::form::Form;
use crate::redis::RedisStore;
use crate::step::Room;

/// Between two looks at whether there is something to move, where nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two forms that are moved, so that people's calls go first.
const STEP_PAUSE: Duration = Duration::from_millis(5);
/// A form that could not be moved is left alone for so long. One that is too much for Redis makes it
/// appear away to everybody whenever it is tried: that may not be often.
const LEFT_ALONE: Backoff = Backoff {
    base: Duration::from_millis(250),
    cap: Duration::from_secs(60),
    jitter: Jitter::None,
};
/// So many failures in a row are no accident any more.
pub const TOLD_AFTER: u32 = 5;

/// Moves what is in the spill for as long as anybody holds the store.
pub(super) async fn keep_moving(redis: RedisStore, spill: Weak<Spill>) {
    let mut news = redis.news();
    let mut queue = Queue::<Name>::default();
    loop {
        let Some(held) = spill.upgrade() else { return };
        look_at_memory(&redis, &held).await;
        move_all(&redis, &held, &mut queue).await;
        drop(held);
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return },
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

/// One that has lost its memory is told again what has ended.
async fn look_at_memory(redis: &RedisStore, spill: &Spill) {
    if !redis.takes_writes() {
        return;
    }
    match redis.memory().await {
        Ok(memory) => spill.met(&memory).await,
        Err(error) => tracing::debug!(?error, "whether Redis has kept its memory is asked again"),
    }
}

/// One form after the other, until all are moved or Redis goes away. A form that Redis does not take
/// stays where it is and comes after all others from then on.
async fn move_all(redis: &RedisStore, spill: &Spill, queue: &mut Queue<Name>) {
    let mut moved = 0_u32;
    for name in queue.due(spill.form_keys(), Instant::now()) {
        if !redis.answers() || redis.is_nearly_full() {
            break;
        }
        if move_one(redis, spill, &name).await {
            queue.moved(&name);
            moved += 1;
        } else if queue.failed(&name, Instant::now()) == TOLD_AFTER {
            let (account, form_key) = name;
            tracing::warn!(
                account,
                form_key,
                "a form cannot be moved to Redis: it is kept, and tried ever less often"
            );
        }
        sleep(STEP_PAUSE).await;
    }
    if moved > 0 {
        tracing::info!(moved, left = spill.len(), "forms were moved from the spill to Redis");
    }
}

async fn move_one(redis: &RedisStore, spill: &Spill, (account, form_key): &Name) -> bool {
    let memory = spill.memory();
    let (spilled, is_read) = spill.look(account, form_key).await;
    if !is_read {
        return false;
    }
    let carry = |form: &Form| ((), form.clone());
    match redis.update(account, form_key, &spilled, Room::Unlimited, carry).await {
        Ok(()) => {
            spill.forget(account, &spilled, memory).await;
            true
        }
        Err(error) => {
            tracing::debug!(?error, "a form stays in the spill for now");
            false
        }
    }
}

/// In which order forms, or whatever else is moved, are tried.
pub struct Queue<N = Name> {
    failed: BTreeMap<N, LeftAlone>,
}

impl<N> Default for Queue<N> {
    fn default() -> Self {
        Self {
            failed: BTreeMap::new(),
        }
    }
}

struct LeftAlone {
    failures: u32,
    until: Instant,
}

impl<N: Ord + Clone> Queue<N> {
    /// Which of `waiting` to try now, those that have failed least often first.
    pub fn due(&mut self, mut waiting: Vec<N>, now: Instant) -> Vec<N> {
        self.failed.retain(|name, _| waiting.contains(name));
        waiting.retain(|name| self.is_due(name, now));
        waiting.sort_by_key(|name| self.failed.get(name).map_or(0, |left_alone| left_alone.failures));
        waiting
    }

    pub fn is_due(&self, name: &N, now: Instant) -> bool {
        self.failed.get(name).is_none_or(|left_alone| left_alone.until <= now)
    }

    pub fn moved(&mut self, name: &N) {
        self.failed.remove(name);
    }

    /// How often it has failed in a row.
    pub fn failed(&mut self, name: &N, now: Instant) -> u32 {
        let left_alone = self.failed.entry(name.clone()).or_insert(LeftAlone {
            failures: 0,
            until: now,
        });
        left_alone.failures += 1;
        left_alone.until = now + LEFT_ALONE.delay(left_alone.failures, 0.0);
        left_alone.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(form_key: &str) -> Name {
        ("ann".to_owned(), form_key.to_owned())
    }

    #[test]
    fn what_has_failed_comes_last_and_ever_later() {
        let waiting = || vec![name("a"), name("b"), name("c")];
        let mut queue = Queue::default();
        let start = Instant::now();
        assert_eq!(queue.due(waiting(), start), waiting());
        assert_eq!(queue.failed(&name("a"), start), 1);
        assert_eq!(queue.due(waiting(), start), [name("b"), name("c")]);
        let later = start + LEFT_ALONE.base;
        assert_eq!(queue.due(waiting(), later), [name("b"), name("c"), name("a")]);
        assert_eq!(queue.failed(&name("a"), later), 2);
        assert_eq!(queue.due(waiting(), later + LEFT_ALONE.base).len(), 2);
        assert_eq!(queue.due(waiting(), later + 2 * LEFT_ALONE.base).len(), 3);
        for _ in 0..40 {
            queue.failed(&name("a"), later);
        }
        assert_eq!(queue.due(waiting(), later + LEFT_ALONE.cap).len(), 3);
    }

    #[test]
    fn what_was_moved_or_waits_no_more_begins_anew() {
        let mut queue = Queue::default();
        let start = Instant::now();
        for form_key in ["a", "b"] {
            queue.failed(&name(form_key), start);
        }
        queue.moved(&name("a"));
        assert_eq!(queue.due(vec![name("a")], start), [name("a")]);
        assert_eq!(
            queue.failed(&name("b"), start),
            1,
            "it was saved meanwhile, and typed in again"
        );
    }
}

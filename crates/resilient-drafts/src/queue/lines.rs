//! A queue over whatever can keep lines and texts.

use std::time::Duration;

use async_trait::async_trait;
use resilient_core::draft::Revision;
use resilient_core::submission::queue::{Answered, Enqueued, Entry, Head, Line, Numbers, Press, State, Tried, Why};

use super::{Leased, Listed, SubmissionQueue};
use crate::seal::binding;
use crate::{Sealer, StoreError, Swept};

/// Offers of which nothing is due any more, looked at for one lease.
const MOST_LOOKS: usize = 16;

/// A sealed text that comes with a change of a line; stored only with an entry that begins to wait.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    pub id: &'a str,
    pub sealed: &'a str,
}

/// What a line becomes.
pub type Decide<'a> = dyn Fn(&Line) -> Line + Sync + 'a;

/// Keeps each account's line and texts.
#[async_trait]
pub trait Lines: Send + Sync {
    fn sealer(&self) -> &Sealer;

    async fn line(&self, account: &str) -> Result<Line, StoreError>;

    /// One step: what `decide` makes of a line is stored before anybody else sees it. It may be asked again.
    async fn update(&self, account: &str, text: Option<Text<'_>>, decide: &Decide<'_>) -> Result<(), StoreError>;

    /// As it was sealed.
    async fn text(&self, account: &str, id: &str) -> Result<Option<String>, StoreError>;

    /// One step: another seal of the same text, where it is still there as it was.
    async fn reseal_text(&self, account: &str, id: &str, before: &str, after: &str) -> Result<(), StoreError>;

    /// Brings in what lies where this application has kept lines under another secret.
    async fn gather(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Accounts of which something may be due. Each is offered to one caller, and offered again where that one
    /// dies before [`looked`](Self::looked).
    async fn offered(&self, now_ms: u64) -> Result<Vec<String>, StoreError>;

    /// Offers an account when so much time has passed. One offer is enough, and more do no harm.
    async fn offer(&self, account: &str, wait: Duration) -> Result<(), StoreError>;

    /// The same for all that a sweep finds due, unless enough is offered already.
    async fn offer_all(&self, accounts: &[String]) -> Result<(), StoreError>;

    /// What was offered of this account was seen to.
    async fn looked(&self, account: &str) -> Result<(), StoreError>;

    /// All accounts of which anything is known.
    async fn accounts(&self) -> Result<Vec<String>, StoreError>;
}

/// What has to be written to make one line the other.
#[derive(Debug, Default)]
pub struct Difference<'a> {
    pub head: Option<&'a Head>,
    pub put: Vec<&'a Entry>,
    /// Ids.
    pub remove: Vec<&'a str>,
    /// Ids of those that begin to wait.
    pub begins: Vec<&'a str>,
    /// Ids whose text is not needed any more.
    pub ends: Vec<&'a str>,
}

impl<'a> Difference<'a> {
    pub fn between(before: &'a Line, after: &'a Line) -> Self {
        let waits = |line: &Line, id: &str| line.entry(id).is_some_and(Entry::is_waiting);
        let ids = |line: &'a Line| line.entries.iter().map(|entry| entry.id.as_str());
        let changed = |entry: &&Entry| before.entry(&entry.id) != Some(*entry);
        Self {
            head: (before.head != after.head).then_some(&after.head),
            put: after.entries.iter().filter(changed).collect(),
            remove: ids(before).filter(|id| after.entry(id).is_none()).collect(),
            begins: ids(after).filter(|id| waits(after, id) && !waits(before, id)).collect(),
            ends: ids(before)
                .filter(|id| waits(before, id) && !waits(after, id))
                .collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.head.is_none() && self.put.is_empty() && self.remove.is_empty()
    }
}

/// An entry as it lies in a store. What another build has made of one, and this one does not know, needs its person; it
/// stays as it is there.
pub fn read_entry(json: &str) -> Option<Entry> {
    let read = serde_json::from_str(json).or_else(|_| read_without_state(json));
    read.inspect_err(|error| tracing::error!(?error, "an entry of the queue cannot be read"))
        .ok()
}

fn read_without_state(json: &str) -> Result<Entry, serde_json::Error> {
    let mut entry: serde_json::Value = serde_json::from_str(json)?;
    let at_ms = entry["state"]["at_ms"].as_u64().or(entry["pressed_at_ms"].as_u64());
    entry["state"] = serde_json::to_value(State::NeedsAttention {
        at_ms: at_ms.unwrap_or_default(),
        why: Why::Unreadable,
    })?;
    serde_json::from_value(entry)
}

/// One account that cannot be read, or is too slow, keeps nobody else's from being looked at.
fn skipped(account: &str, error: &StoreError) {
    tracing::warn!(account, ?error, "waiting saves of an account cannot be looked at now");
}

/// As [`Lines::update`], with what `decide` tells beside the line.
async fn update<T: Send>(
    lines: &dyn Lines,
    account: &str,
    text: Option<Text<'_>>,
    decide: impl Fn(&Line) -> (T, Line) + Sync,
) -> Result<T, StoreError> {
    let told = std::sync::Mutex::new(None);
    let lock = || told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let keep = |line: &Line| {
        let (this, after) = decide(line);
        *lock() = Some(this);
        after
    };
    lines.update(account, text, &keep).await?;
    let told = lock().take();
    Ok(told.expect("an update asks what to do"))
}

/// Offered anew before the old offer is taken away: dying in between leaves one too many.
async fn look_later(lines: &dyn Lines, account: &str, due_at_ms: Option<u64>, now_ms: u64) -> Result<(), StoreError> {
    if let Some(due_at_ms) = due_at_ms {
        let wait = Duration::from_millis(due_at_ms.saturating_sub(now_ms));
        lines.offer(account, wait).await?;
    }
    lines.looked(account).await
}

fn bound(account: &str, form_key: &str, id: &str) -> Vec<u8> {
    binding(&["queued", account, form_key, id])
}

/// What is due of one account; `None` where nothing is, or somebody is at it.
async fn lease_of(
    lines: &dyn Lines,
    account: &str,
    now_ms: u64,
    lease: Duration,
) -> Result<Option<Leased>, StoreError> {
    let lease_ms = lease.as_millis() as u64;
    let decide = |line: &Line| {
        let (leased, after) = line.lease(now_ms, lease_ms);
        ((leased, after.due_at_ms(now_ms)), after)
    };
    let (leased, due_at_ms) = update(lines, account, None, decide).await?;
    let Some((lease, entry)) = leased else {
        look_later(lines, account, due_at_ms, now_ms).await?;
        return Ok(None);
    };
    let sealed = lines.text(account, &entry.id).await?;
    let bound_to = bound(account, &entry.form_key, &entry.id);
    let open = |sealed: &String| lines.sealer().open(&bound_to, sealed).ok();
    let is_of_another = |sealed: &String| lines.sealer().is_of_another_secret(sealed);
    Ok(Some(Leased {
        account: account.to_owned(),
        token: lease.token,
        text: sealed.as_ref().and_then(open),
        is_of_another_secret: sealed.as_ref().is_some_and(is_of_another),
        entry,
    }))
}

#[async_trait]
impl<L: Lines> SubmissionQueue for L {
    async fn enqueue(&self, account: &str, press: &Press, text: &[u8]) -> Result<Enqueued, StoreError> {
        let sealed = self.sealer().seal(&bound(account, &press.form_key, &press.id), text);
        let text = Text {
            id: &press.id,
            sealed: &sealed,
        };
        let decide = |line: &Line| {
            let (enqueued, after) = line.enqueue_text(press, sealed.len() as u64);
            ((enqueued, after.has_fresh() && !line.has_fresh()), after)
        };
        let (enqueued, is_news) = update(self, account, Some(text), decide).await?;
        if is_news {
            // Where that fails, a sweep will do it.
            let _offered = self.offer(account, Duration::ZERO).await;
        }
        Ok(enqueued)
    }

    async fn lease(&self, now_ms: u64, lease: Duration) -> Result<Option<Leased>, StoreError> {
        let mut refused = None;
        for _ in 0..MOST_LOOKS {
            let offered = self.offered(now_ms).await?;
            if offered.is_empty() {
                break;
            }
            for account in offered {
                match lease_of(self, &account, now_ms, lease).await {
                    Ok(Some(leased)) => return Ok(Some(leased)),
                    Ok(None) => {}
                    Err(error) => refused = Some((account, error)),
                }
            }
        }
        if let Some((account, error)) = refused {
            skipped(&account, &error);
        }
        Ok(None)
    }

    async fn settle(&self, leased: &Leased, tried: Tried, now_ms: u64) -> Result<bool, StoreError> {
        let decide = |line: &Line| {
            let (taken, after) = line.settle(leased.token, &leased.entry.id, tried, now_ms);
            ((taken, after.due_at_ms(now_ms)), after)
        };
        let (taken, due_at_ms) = update(self, &leased.account, None, decide).await?;
        if taken {
            look_later(self, &leased.account, due_at_ms, now_ms).await?;
        }
        Ok(taken)
    }

    async fn saved(&self, account: &str, answered: Answered<'_>, now_ms: u64) -> Result<(), StoreError> {
        // Most saves have nothing waiting: that is found out by reading.
        let line = self.line(account).await?;
        if line.saved(answered, now_ms) == line {
            return Ok(());
        }
        let decide = |line: &Line| ((), line.saved(answered, now_ms));
        update(self, account, None, decide).await
    }

    async fn cancel(&self, account: &str, form_key: &str, revision: &Revision) -> Result<usize, StoreError> {
        update(self, account, None, |line| line.cancel(form_key, revision)).await
    }

    async fn list(&self, account: &str) -> Result<Listed, StoreError> {
        Ok(Listed {
            entries: self.line(account).await?.entries,
            complete: true,
        })
    }

    async fn seen(&self, account: &str, ids: &[String]) -> Result<(), StoreError> {
        // Every save is told of; of most there is nothing to see.
        let line = self.line(account).await?;
        if line.seen(ids) == line {
            return Ok(());
        }
        update(self, account, None, |line| ((), line.seen(ids))).await
    }

    async fn failed(&self, most: usize) -> Result<Vec<(String, Entry)>, StoreError> {
        let mut failed = Vec::new();
        for account in self.accounts().await? {
            let line = match self.line(&account).await {
                Ok(line) => line,
                Err(error) => {
                    skipped(&account, &error);
                    continue;
                }
            };
            let entries = line.entries.into_iter();
            failed.extend(entries.filter(Entry::has_failed).map(|entry| (account.clone(), entry)));
        }
        failed.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.ended_at_ms()));
        failed.truncate(most);
        Ok(failed)
    }

    async fn forget_account(&self, account: &str) -> Result<(), StoreError> {
        update(self, account, None, |_| ((), Line::default())).await
    }

    async fn reseal(&self) -> Result<Swept, StoreError> {
        self.gather().await?;
        let mut swept = Swept {
            complete: true,
            ..Swept::default()
        };
        for account in self.accounts().await? {
            match reseal_all(self, &account).await {
                Ok(of_this) => swept = swept + of_this,
                Err(error) => {
                    skipped(&account, &error);
                    swept.complete = false;
                }
            }
        }
        Ok(swept)
    }

    async fn sweep(&self, now_ms: u64) -> Result<Numbers, StoreError> {
        if let Err(error) = self.gather().await {
            tracing::debug!(?error, "saves that wait under another prefix stay there for now");
        }
        let (mut numbers, mut due) = (Numbers::default(), Vec::new());
        for account in self.accounts().await? {
            let decide = |line: &Line| {
                let after = line.sweep(now_ms);
                ((after.numbers(), after.due_at_ms(now_ms)), after)
            };
            let (of_this, due_at_ms) = match update(self, &account, None, decide).await {
                Ok(swept) => swept,
                Err(error) => {
                    skipped(&account, &error);
                    continue;
                }
            };
            numbers = numbers.and(of_this);
            if due_at_ms.is_some_and(|due_at_ms| due_at_ms <= now_ms) {
                due.push(account);
            }
        }
        self.offer_all(&due).await?;
        Ok(numbers)
    }
}

/// An entry of another store, with its sealed text: the seal is bound to what it is of, not to where it lies.
async fn adopt(lines: &dyn Lines, account: &str, entry: &Entry, sealed: Option<&str>) -> Result<(), StoreError> {
    let text = sealed.map(|sealed| Text { id: &entry.id, sealed });
    lines.update(account, text, &|line| line.adopt(entry)).await?;
    match entry.is_waiting() {
        true => lines.offer(account, Duration::ZERO).await,
        false => Ok(()),
    }
}

async fn reseal_all(lines: &dyn Lines, account: &str) -> Result<Swept, StoreError> {
    let mut swept = Swept {
        complete: true,
        ..Swept::default()
    };
    let line = lines.line(account).await?;
    for entry in line.entries.iter().filter(|entry| entry.is_waiting()) {
        swept = swept + reseal(lines, account, entry).await?;
    }
    Ok(swept)
}

/// Seals a text anew that an old secret has sealed.
async fn reseal(lines: &dyn Lines, account: &str, entry: &Entry) -> Result<Swept, StoreError> {
    let mut swept = Swept {
        complete: true,
        ..Swept::default()
    };
    let (sealer, id) = (lines.sealer(), &entry.id);
    let Some(sealed) = lines.text(account, id).await? else {
        return Ok(swept);
    };
    swept.unknown = u64::from(sealer.is_of_another_secret(&sealed));
    let bound_to = bound(account, &entry.form_key, id);
    if sealer.is_old(&sealed)
        && let Ok(plain) = sealer.open(&bound_to, &sealed)
    {
        let anew = sealer.seal(&bound_to, &plain);
        // A full store keeps what it has.
        match lines.reseal_text(account, id, &sealed, &anew).await {
            Ok(()) => swept.resealed = 1,
            Err(_) => swept.still_old = 1,
        }
    }
    Ok(swept)
}

/// Moves a line behind what is there already, entry by entry: each leaves its place only after it is in the other one.
pub async fn carry(from: &dyn Lines, to: &dyn Lines, account: &str) -> Result<(), StoreError> {
    for entry in from.line(account).await?.entries {
        let sealed = from.text(account, &entry.id).await?;
        adopt(to, account, &entry, sealed.as_deref()).await?;
        forget(from, account, &entry.id).await?;
    }
    Ok(())
}

/// Forgets an entry that another store has taken. Who is at it can settle nothing any more: it will be tried again.
async fn forget(lines: &dyn Lines, account: &str, id: &str) -> Result<(), StoreError> {
    let decide = |line: &Line| Line {
        head: Head {
            lease: line.head.lease.clone().filter(|lease| lease.id != id),
            ..line.head.clone()
        },
        entries: line.entries.iter().filter(|entry| entry.id != id).cloned().collect(),
    };
    lines.update(account, None, &decide).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_build_has_made_of_an_entry_needs_its_person() {
        let unknown = r#"{"id":"1","form_key":"a/1","seq":1,"writer":"w","order":3,"pressed_at_ms":5,"later":true,
            "state":{"is":"needs_attention","at_ms":9,"why":"of_a_later_build"}}"#;
        let entry = read_entry(unknown).expect("all but its state is known");
        let state = State::NeedsAttention {
            at_ms: 9,
            why: Why::Unreadable,
        };
        assert_eq!((entry.order, entry.state), (3, state));
        assert_eq!(read_entry("{}"), None);
    }
}

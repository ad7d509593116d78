//! After a drill: from when on changes are taken again, and whether anything was lost or done twice.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use app::monitoring::model::{Checked, DrillCheck};
use resilient_db::DbError;

use super::ledger::Ledger;
use super::own_saves::OwnLoad;
use super::witness::Witness;
use crate::monitoring::Saves;

/// Between two tries to save after the end.
const TRY_EVERY: Duration = Duration::from_millis(100);
/// The database has to take changes again within this.
const PATIENCE: Duration = Duration::from_secs(60);
/// As often may it seem that text is missing before it is.
const LOOKS_AGAIN: u32 = 20;

/// What a check is of.
pub struct Check<'a> {
    pub witness: &'a dyn Witness,
    pub load: &'a OwnLoad,
    pub ledger: &'a Ledger,
    pub saves: &'a Saves,
    pub started_at_ms: u64,
    /// Ends it early: the next drill has begun.
    pub is_overtaken: &'a (dyn Fn() -> bool + Sync),
}

/// What was found, and how long after the end a change was taken.
pub struct Found {
    pub check: DrillCheck,
    pub took_changes_after: Option<Duration>,
    /// The longest that anybody waited to be told that a save is kept.
    pub slowest_kept: Option<Duration>,
}

const OVERTAKEN: &str = "The next drill began before this one was checked.";

impl Check<'_> {
    pub async fn run(&self) -> Found {
        let nothing = |why| Found {
            check: DrillCheck::NotDone(why),
            took_changes_after: None,
            slowest_kept: self.ledger.seen().slowest_kept,
        };
        if !self.witness.can_look() {
            return nothing("There are no tables of Inkfast's own in the database, so nobody saves.");
        }
        let Some(own_after) = self.until_changes_are_taken().await else {
            return nothing(match (self.is_overtaken)() {
                true => OVERTAKEN,
                false => "The database took no changes within a minute after the end.",
            });
        };
        let peoples = self.ledger.seen();
        let peoples_after = peoples.first_done_after;
        let took_changes_after = Some(peoples_after.map_or(own_after, |after| after.min(own_after)));
        let check = match self.look().await {
            // What it looked for may have been the next one's.
            Ok(_) if (self.is_overtaken)() => DrillCheck::NotDone(OVERTAKEN),
            Ok(checked) => DrillCheck::Done(checked),
            Err(error) => {
                tracing::warn!(%error, "what became of the saves of a drill cannot be looked for");
                DrillCheck::NotDone("The database did not answer when the saves were looked for.")
            }
        };
        Found {
            check,
            took_changes_after,
            slowest_kept: peoples.slowest_kept,
        }
    }

    async fn until_changes_are_taken(&self) -> Option<Duration> {
        let begun = Instant::now();
        let mut after = None;
        while begun.elapsed() < PATIENCE && !(self.is_overtaken)() {
            if after.is_none() && self.load.save().await {
                after = Some(begun.elapsed());
            }
            // Nothing may be added while it is looked for.
            if after.is_some() && !self.load.is_under_way() {
                return after;
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
        None
    }

    async fn look(&self) -> Result<Checked, DbError> {
        let (peoples, own) = (self.ledger.seen(), self.load.seen());
        let stored = self.witness.stored(&peoples.accepted).await?;
        let later = self.witness.stored(&peoples.kept).await?;
        let own_stored = self.witness.stored(&own.done).await?;
        let refused_and_there = self.witness.stored(&own.not_done).await?;
        let missing = peoples.accepted.len() - stored.len() + own.done.len() - own_stored.len();
        Ok(Checked {
            saves: peoples.accepted.len() as u64,
            own: own.done.len() as u64,
            missing: missing as u64,
            twice: self.witness.done_twice(&peoples.accepted).await?,
            refused_and_there: refused_and_there.len() as u64,
            kept: peoples.kept.len() as u64,
            kept_and_done: later.len() as u64,
            without_text: self.waiting_without_text().await,
            beyond: peoples.beyond,
        })
    }

    /// Forms whose text was said to be kept on the server, and is not there.
    async fn waiting_without_text(&self) -> u64 {
        let mut without = self.without_text_now().await;
        // Whoever saves or discards it now ends the draft a moment before the waiting.
        for _ in 0..LOOKS_AGAIN {
            if without.is_empty() {
                break;
            }
            tokio::time::sleep(TRY_EVERY).await;
            let still = self.without_text_now().await;
            without = without.intersection(&still).cloned().collect();
        }
        without.len() as u64
    }

    async fn without_text_now(&self) -> BTreeSet<(String, String)> {
        let mut without = BTreeSet::new();
        for (account, waiting) in self.saves.waiting_of_all_since(self.started_at_ms) {
            let is_said_to_be = waiting.kept_in.is_some();
            if is_said_to_be && self.witness.keeps_text(&account, &waiting.form_key).await == Some(false) {
                without.insert((account, waiting.form_key));
            }
        }
        without
    }
}

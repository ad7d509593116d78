//! Saves of a drill's own: few, of nobody's records, and looked for afterwards like people's. With them a report says
//! something even where nobody was there.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use app::monitoring::model::OwnSaves;

use super::ledger::SaveId;
use super::witness::{OwnSave, Witness};

/// Between two of them at least, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// The pause is so many times as long as the save before it took: SQLite has one writer, and it is people's.
const LEAVES_TO_PEOPLE: u32 = 4;

/// No account can have this name: it has spaces.
fn account_of(drill: &str) -> String {
    format!("a drill {drill}")
}

pub struct OwnLoad {
    witness: Arc<dyn Witness>,
    /// All ids stand under it.
    pub account: String,
    noted: Mutex<Noted>,
}

#[derive(Clone, Debug, Default)]
pub struct Noted {
    pub done: BTreeSet<SaveId>,
    pub not_done: BTreeSet<SaveId>,
    unknown: u64,
    is_under_way: bool,
    is_over: bool,
    slowest_refusal: Option<Duration>,
}

impl Noted {
    pub fn numbers(&self) -> OwnSaves {
        OwnSaves {
            done: self.done.len() as u64,
            refused: self.not_done.len() as u64,
            unknown: self.unknown,
            slowest_refusal_ms: self.slowest_refusal.map(|took| took.as_millis() as u64),
        }
    }
}

impl OwnLoad {
    pub fn new(witness: Arc<dyn Witness>) -> Arc<Self> {
        Arc::new(Self {
            witness,
            account: account_of(&uuid::Uuid::new_v4().simple().to_string()),
            noted: Mutex::default(),
        })
    }

    /// One save after the other until it is stopped; what is under way comes to its end.
    pub async fn run(self: Arc<Self>) {
        while !self.noted().is_over {
            let begun = Instant::now();
            self.noted().is_under_way = true;
            self.save().await;
            self.noted().is_under_way = false;
            let (least, most) = PAUSE;
            tokio::time::sleep((begun.elapsed() * LEAVES_TO_PEOPLE).clamp(least, most)).await;
        }
    }

    pub fn stop(&self) {
        self.noted().is_over = true;
    }

    /// One save; whether it was done.
    pub async fn save(&self) -> bool {
        let (begun, id) = (Instant::now(), uuid::Uuid::new_v4().to_string());
        let ended = self.witness.save(&self.account, &id).await;
        let (mut noted, entry) = (self.noted(), (self.account.clone(), id));
        match ended {
            OwnSave::Done => drop(noted.done.insert(entry)),
            OwnSave::Unknown => noted.unknown += 1,
            OwnSave::NotDone => {
                noted.not_done.insert(entry);
                noted.slowest_refusal = noted.slowest_refusal.max(Some(begun.elapsed()));
            }
        }
        ended == OwnSave::Done
    }

    /// Whether one has not come to its end.
    pub fn is_under_way(&self) -> bool {
        self.noted().is_under_way
    }

    pub fn seen(&self) -> Noted {
        self.noted().clone()
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

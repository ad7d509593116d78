//! The submissions this process is working on.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Ids = HashSet<(String, String)>;

/// Tells a second copy of a submission to wait, without asking the database, whose lock on the id
/// is what really keeps the two apart.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Mutex<Ids>>);

/// Dropped when the work is over.
#[derive(Debug)]
pub struct Working {
    ids: InFlight,
    entry: (String, String),
}

impl InFlight {
    /// `None` where the submission is being worked on already.
    pub fn begin(&self, account: &str, id: &str) -> Option<Working> {
        let entry = (account.to_owned(), id.to_owned());
        self.ids().insert(entry.clone()).then(|| Working {
            ids: self.clone(),
            entry,
        })
    }

    pub fn contains(&self, account: &str, id: &str) -> bool {
        self.ids().contains(&(account.to_owned(), id.to_owned()))
    }

    fn ids(&self) -> MutexGuard<'_, Ids> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.ids.ids().remove(&self.entry);
    }
}

//! How a call ended is told exactly once, also where nobody waits for it any more.

use tokio::time::Instant;

use crate::error::DbError;
use crate::observer::{CallEnded, Ending, Observer, Refusal};
use crate::supported::Role;

pub(crate) struct Telling<'a> {
    observer: &'a dyn Observer,
    name: &'static str,
    role: Role,
    began: Instant,
    pub(crate) attempts: u32,
    told: bool,
}

impl<'a> Telling<'a> {
    pub(crate) fn begin(observer: &'a dyn Observer, name: &'static str, role: Role, began: Instant) -> Self {
        Self {
            observer,
            name,
            role,
            began,
            attempts: 0,
            told: false,
        }
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        self.observer.refused(self.name, self.role, refusal);
    }

    pub(crate) fn overflowed(&self) {
        self.observer.overflowed(self.name, self.role, self.began.elapsed());
    }

    pub(crate) fn ended(&mut self, ending: Ending) {
        self.told = true;
        self.observer.call_ended(&CallEnded {
            name: self.name,
            role: self.role,
            attempts: self.attempts,
            took: self.began.elapsed(),
            ending,
        });
    }
}

/// A call that had not begun anywhere.
pub(crate) fn refused_at_once(observer: &dyn Observer, role: Role, refusal: Refusal, error: &DbError) {
    let mut telling = Telling::begin(observer, error.name, role, Instant::now());
    telling.refused(refusal);
    telling.ended(Ending::Failed(error));
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.ended(Ending::Abandoned);
        }
    }
}

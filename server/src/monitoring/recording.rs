//! The switch of what staff look at: numbers per route and the history of errors. What people's saves hang on (probes,
//! breakers, who waits) and the metrics go on whatever it says.

use std::sync::{Mutex, MutexGuard, PoisonError};

use app::monitoring::model::Paused;

use crate::clock::now_ms;

/// On, until somebody switches it off.
#[derive(Debug, Default)]
pub struct Recording {
    paused: Mutex<Option<Paused>>,
}

impl Recording {
    pub fn is_on(&self) -> bool {
        self.state().is_none()
    }

    /// Since when it is off, and by whom.
    pub fn paused(&self) -> Option<Paused> {
        self.state().clone()
    }

    /// `None` turns it to what it is not. Whether it is on now.
    pub fn switch(&self, on: Option<bool>, by: &str) -> bool {
        let mut paused = self.state();
        let on = on.unwrap_or(paused.is_some());
        if on {
            *paused = None;
        } else {
            // Off is off: who did it first is who did it.
            paused.get_or_insert_with(|| Paused {
                by: by.to_owned(),
                since_ms: now_ms(),
            });
        }
        on
    }

    fn state(&self) -> MutexGuard<'_, Option<Paused>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_can_be_set_twice_and_turned_over() {
        let recording = Recording::default();
        assert!(recording.is_on());
        assert!(!recording.switch(Some(false), "mira"));
        assert!(!recording.switch(Some(false), "noor"));
        assert_eq!(recording.paused().map(|paused| paused.by), Some("mira".to_owned()));
        assert!(recording.switch(None, "noor"));
        assert!(recording.is_on() && recording.paused().is_none());
        assert!(recording.switch(Some(true), "noor"));
        assert!(!recording.switch(None, "noor"));
    }
}

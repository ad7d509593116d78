//! What is known of backups, for whoever asks how the server is: from memory.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::monitoring::model::{BackupNumbers, LastBackup};
use metrics::{counter, gauge};
use serde_json::{Value, json};

use super::{Backup, BackupError};

#[derive(Debug, Default)]
pub struct BackupsSeen {
    state: Mutex<BackupNumbers>,
}

impl BackupsSeen {
    pub fn numbers(&self) -> BackupNumbers {
        self.state().clone()
    }

    pub fn report(&self) -> Value {
        let numbers = self.numbers();
        json!({
            "every_ms": numbers.every_ms,
            "running": numbers.running,
            "last_good": numbers.last_good.map(|last| json!({
                "name": last.name,
                "made_at_unix_ms": last.made_at_ms,
                "took_ms": last.took_ms,
                "bytes": last.bytes,
            })),
            "next_due_unix_ms": numbers.next_due_ms,
            "failures": numbers.failures,
            "last_failure": numbers.last_failure.map(|(at_ms, why)| json!({ "at_unix_ms": at_ms, "why": why })),
        })
    }

    pub(super) fn every(&self, every: Option<Duration>) {
        self.state().every_ms = every.map(|every| every.as_millis() as u64);
        // Counted from the start, so that the first failure is a step.
        counter!("inkfast_backup_failures_total").increment(0);
    }

    pub(super) fn newest(&self, backup: Option<&Backup>) {
        let last = backup.map(|backup| LastBackup {
            name: backup.name.clone(),
            made_at_ms: backup.manifest.made_at_unix_ms,
            took_ms: backup.manifest.took_ms,
            bytes: backup.manifest.bytes(),
        });
        if let Some(last) = &last {
            gauge!("inkfast_backup_last_success_timestamp_seconds").set(last.made_at_ms as f64 / 1e3);
            gauge!("inkfast_backup_last_bytes").set(last.bytes as f64);
            gauge!("inkfast_backup_last_took_seconds").set(last.took_ms as f64 / 1e3);
        }
        self.state().last_good = last;
    }

    pub(super) fn next_due(&self, at_ms: u64) {
        self.state().next_due_ms = Some(at_ms);
    }

    pub(super) fn running(&self, running: bool) {
        self.state().running = running;
    }

    pub(super) fn failed(&self, at_ms: u64, error: &BackupError) {
        counter!("inkfast_backup_failures_total").increment(1);
        let mut state = self.state();
        state.failures += 1;
        state.last_failure = Some((at_ms, error.why.word()));
    }

    fn state(&self) -> MutexGuard<'_, BackupNumbers> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

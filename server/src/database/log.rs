//! The log, where there are several servers: each line says which of them it is about.

use std::time::Duration;

use resilient_db::breaker::Transition;
use resilient_db::failure::Class;
use resilient_db::{LogChanges, Observer, Role};

/// [`LogChanges`] of one server among several.
#[derive(Clone, Copy, Debug)]
pub struct LogOf {
    pub server: &'static str,
}

impl LogOf {
    fn within<T>(self, log: impl FnOnce(LogChanges) -> T) -> T {
        tracing::info_span!("database", server = self.server).in_scope(|| log(LogChanges))
    }
}

impl Observer for LogOf {
    fn repeating(&self, name: &'static str, role: Role, failed_attempts: u32, class: &Class, delay: Duration) {
        self.within(|log| log.repeating(name, role, failed_attempts, class, delay));
    }

    fn overflowed(&self, name: &'static str, role: Role, waited: Duration) {
        self.within(|log| log.overflowed(name, role, waited));
    }

    fn breaker_changed(&self, role: Role, change: &Transition, cause: Option<&sqlx::Error>) {
        self.within(|log| log.breaker_changed(role, change, cause));
    }
}

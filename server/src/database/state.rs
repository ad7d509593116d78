//! What several servers are to those who save and read. Pure: told what is known of each.

use std::time::Duration;

use resilient_db::{Condition, ServerHealth};

/// Where no breaker says when another try makes sense, although nothing can be saved: they are all asked this often.
const LOOKED_AT_AGAIN: Duration = Duration::from_secs(1);

/// All servers as one.
#[derive(Clone, Debug)]
pub struct DatabaseState {
    pub readiness: Readiness,
    pub can_save: bool,
    /// `Some` while nothing can be saved: when it may be again.
    pub retry_after: Option<Duration>,
    pub servers: Vec<ServerHealth>,
    /// Its place in `servers`: who takes changes; while nobody does, who did when they were put in order.
    leading: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Up,
    /// It answers slowly, or takes no changes.
    Slow,
    Down,
}

impl DatabaseState {
    /// `servers`: at least one.
    pub fn of(servers: Vec<ServerHealth>) -> Self {
        let leading = servers.iter().position(|server| server.is_writer);
        let takes_changes = |at: usize| {
            let health = &servers[at].health;
            health.read.is_closed() && health.write.is_closed()
        };
        let can_save = leading.is_some_and(takes_changes);
        let answers = |server: &ServerHealth| {
            server.health.condition != Condition::Down && (server.is_writer || server.is_reader)
        };
        let readiness = match leading {
            Some(at) if can_save && servers[at].health.condition == Condition::Up => Readiness::Up,
            _ if servers.iter().any(answers) => Readiness::Slow,
            _ => Readiness::Down,
        };
        let leading = leading.unwrap_or(0);
        let retry_after = servers[leading].health.retry_after;
        let retry_after = match can_save {
            true => retry_after,
            false if servers.len() == 1 => retry_after,
            false => retry_after.or(Some(LOOKED_AT_AGAIN)),
        };
        Self {
            readiness,
            can_save,
            retry_after,
            servers,
            leading,
        }
    }

    /// Who takes changes, or did.
    pub fn leading(&self) -> &ServerHealth {
        &self.servers[self.leading]
    }
}

#[cfg(test)]
mod tests {
    use resilient_db::breaker::State;
    use resilient_db::{Health, RoleHealth};

    use super::*;

    fn server(name: &'static str, condition: Condition) -> ServerHealth {
        let role = |is_closed| RoleHealth {
            breaker: if is_closed { State::Closed } else { State::Open },
            pool: Default::default(),
            trends: Default::default(),
        };
        let health = Health {
            condition,
            retry_after: (condition == Condition::Down).then(|| Duration::from_millis(200)),
            cause: None,
            last_probe: None,
            read: role(condition != Condition::Down),
            write: role(condition == Condition::Up),
        };
        ServerHealth {
            name,
            is_writer: false,
            is_reader: false,
            is_rival: false,
            is_barred: false,
            lag: None,
            health,
        }
    }

    fn writer(server: ServerHealth) -> ServerHealth {
        let is_writer = true;
        ServerHealth { is_writer, ..server }
    }

    fn reader(server: ServerHealth) -> ServerHealth {
        let is_reader = true;
        ServerHealth { is_reader, ..server }
    }

    fn told(servers: Vec<ServerHealth>) -> (Readiness, bool, bool) {
        let state = DatabaseState::of(servers);
        (state.readiness, state.can_save, state.retry_after.is_some())
    }

    #[test]
    fn one_server_is_what_it_is() {
        let of = |condition| told(vec![writer(reader(server("main", condition)))]);
        assert_eq!(of(Condition::Up), (Readiness::Up, true, false));
        assert_eq!(of(Condition::Slow), (Readiness::Slow, false, false));
        assert_eq!(of(Condition::Down), (Readiness::Down, false, true));
    }

    #[test]
    fn a_lost_replica_is_no_trouble_of_who_saves() {
        let servers = vec![
            writer(server("main", Condition::Up)),
            server("replica1", Condition::Down),
        ];
        assert_eq!(told(servers), (Readiness::Up, true, false));
    }

    #[test]
    fn without_a_primary_it_is_read_from_replicas_that_are_in_time_and_only_from_those() {
        let lost = || server("main", Condition::Down);
        let of = |other| told(vec![lost(), other]);
        let (up, slow) = (Condition::Up, Readiness::Slow);
        assert_eq!(of(reader(server("replica1", up))), (slow, false, true));
        // Too late, or another history.
        assert_eq!(of(server("replica1", up)), (Readiness::Down, false, true));
        // Its loss is known to its breakers before writes move away from it.
        let losing = vec![writer(lost()), reader(server("standby1", up))];
        assert_eq!(told(losing), (slow, false, true));
        // All are up, and none of them takes changes.
        let idle = vec![reader(server("main", up)), reader(server("standby1", up))];
        assert_eq!(told(idle), (slow, false, true));
    }

    #[test]
    fn after_a_promotion_it_is_the_new_primary_that_counts() {
        let servers = vec![
            server("main", Condition::Down),
            writer(server("standby1", Condition::Up)),
        ];
        assert_eq!(DatabaseState::of(servers.clone()).leading().name, "standby1");
        assert_eq!(told(servers), (Readiness::Up, true, false));
    }
}

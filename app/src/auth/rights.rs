//! Who may do what: the one file that answers it.
//!
//! A role comes with rights on the panel itself, and with rights on records that hold where the configuration says
//! nothing else for a table.

use serde::{Deserialize, Serialize};

use super::model::Role;

/// What can be done to the records of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Read,
    Create,
    Update,
    Delete,
}

impl Action {
    pub const ALL: [Self; 4] = [Self::Read, Self::Create, Self::Update, Self::Delete];

    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

impl Role {
    /// On records, where nothing else is said for a table.
    pub fn may_by_default(self, action: Action) -> bool {
        match self {
            Role::Superuser | Role::Staff | Role::Editor => true,
            Role::Viewer => action == Action::Read,
        }
    }

    /// May see how the server fares: the dashboard, errors, endpoints, breakers.
    pub fn may_monitor(self) -> bool {
        matches!(self, Role::Superuser | Role::Staff)
    }

    /// May act on the server: have the database asked at once, switch monitoring, run a drill.
    pub fn may_steer(self) -> bool {
        matches!(self, Role::Superuser | Role::Staff)
    }

    /// May see and change other people's accounts and sessions.
    pub fn may_manage_accounts(self) -> bool {
        self == Role::Superuser
    }

    /// May run statements of their own against the database.
    pub fn may_test_statements(self) -> bool {
        self == Role::Superuser
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_may_all_that_the_one_below_may() {
        for (above, below) in Role::ALL.iter().zip(&Role::ALL[1..]) {
            for action in Action::ALL {
                assert!(above.may_by_default(action) || !below.may_by_default(action));
            }
            let panel = |role: Role| {
                [
                    role.may_monitor(),
                    role.may_steer(),
                    role.may_manage_accounts(),
                    role.may_test_statements(),
                ]
            };
            for (above, below) in panel(*above).into_iter().zip(panel(*below)) {
                assert!(above || !below);
            }
        }
    }

    #[test]
    fn a_viewer_reads_and_an_editor_writes_and_neither_sees_the_server() {
        let records = |role: Role| Action::ALL.map(|action| role.may_by_default(action));
        assert_eq!(records(Role::Viewer), [true, false, false, false]);
        assert_eq!(records(Role::Editor), [true; 4]);
        assert!(!Role::Editor.may_monitor() && !Role::Editor.may_steer());
        assert!(Role::Staff.may_monitor() && Role::Staff.may_steer());
        assert!(!Role::Staff.may_manage_accounts() && !Role::Staff.may_test_statements());
    }
}

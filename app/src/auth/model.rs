//! Who is asking.

use serde::{Deserialize, Serialize};

/// What a person is here. What each may do stands in [`super::rights`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May do everything.
    Superuser,
    /// As an editor, and watches over the server.
    Staff,
    /// Reads and writes records.
    Editor,
    /// Reads records.
    Viewer,
}

impl Role {
    /// From the most to the least.
    pub const ALL: [Self; 4] = [Self::Superuser, Self::Staff, Self::Editor, Self::Viewer];

    pub fn name(self) -> &'static str {
        match self {
            Role::Superuser => "superuser",
            Role::Staff => "staff",
            Role::Editor => "editor",
            Role::Viewer => "viewer",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// For people, after "Signed in as anna,".
    pub fn in_words(self) -> &'static str {
        match self {
            Role::Superuser => "superuser: may do everything",
            Role::Staff => "staff: may change records and watch over the server",
            Role::Editor => "editor: may change records",
            Role::Viewer => "viewer: may read records",
        }
    }
}

/// A signed-in person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub name: String,
    pub role: Role,
}

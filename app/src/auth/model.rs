//! Who is asking.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May do everything.
    Superuser,
    /// May read everything but secrets, and write nothing.
    Viewer,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Role::Superuser => "superuser",
            Role::Viewer => "viewer",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "superuser" => Some(Role::Superuser),
            "viewer" => Some(Role::Viewer),
            _ => None,
        }
    }

    pub fn may_write(self) -> bool {
        self == Role::Superuser
    }
}

/// A signed-in person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub name: String,
    pub role: Role,
}

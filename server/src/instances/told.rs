//! What one server tells the others, and the envelope it comes in.

use std::collections::{BTreeMap, BTreeSet};

use resilient_core::submission::answer::Outcome;
use resilient_drafts::Sealer;
use serde::{Deserialize, Serialize};

use crate::auth::directory::KnownAccount;

/// A message of another use of the same key would not open.
const BOUND_TO: &[u8] = b"told 1";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Told {
    /// Somebody saved a record; table and key as addresses write them.
    Saved {
        table: String,
        key: String,
        by: String,
        submission: String,
    },
    Answered {
        account: String,
        submission: String,
        outcome: Outcome,
    },
    /// All that is open in pages of this server, now and then and whenever it changes.
    Present { places: Vec<Present> },
    /// Whose unsaved work this server keeps by itself, because Redis has not taken it yet: now and then and whenever it
    /// changes. `and_others`: not all are named.
    Waiting {
        accounts: BTreeSet<String>,
        and_others: bool,
    },
    /// This server hears the others from now on, and may have missed what they said before.
    Listening,
    /// This server goes down.
    Gone,
    /// Sessions that were ended, with the unix time in milliseconds after which their cookies are over anyway.
    Ended { sessions: BTreeMap<String, u64> },
    /// Accounts that the database says something new of; `None`: they were removed. `store` tells that database from
    /// others, which may have accounts of the same names.
    Accounts {
        store: String,
        changed: BTreeMap<String, Option<KnownAccount>>,
    },
}

impl Told {
    /// Whether it does no harm however late it comes: whoever sends it again later changes nothing.
    pub fn is_true_for_ever(&self) -> bool {
        matches!(self, Self::Ended { .. } | Self::Listening)
    }
}

/// Who has a record open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    pub table: String,
    pub key: String,
    pub who: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// One server, from one start to the next.
    pub from: String,
    /// Counts up, so that nothing is heard twice.
    pub number: u64,
    /// Unix time in milliseconds, by the clock of who says it.
    pub at_ms: u64,
    #[serde(flatten)]
    pub told: Told,
}

impl Envelope {
    pub fn seal(&self, sealer: &Sealer) -> Option<String> {
        Some(sealer.seal(BOUND_TO, &serde_json::to_vec(self).ok()?))
    }

    /// `None` for what no server of the same secret, or a newer one, has said.
    pub fn open(sealer: &Sealer, message: &str) -> Option<Self> {
        serde_json::from_slice(&sealer.open(BOUND_TO, message).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved() -> Envelope {
        Envelope {
            from: "a".to_owned(),
            number: 7,
            at_ms: 1,
            told: Told::Saved {
                table: "activity".to_owned(),
                key: "1".to_owned(),
                by: "anna".to_owned(),
                submission: "s".to_owned(),
            },
        }
    }

    #[test]
    fn only_servers_of_one_secret_understand_each_other() {
        let (ours, theirs) = (Sealer::new(&[1; 32], "x"), Sealer::new(&[2; 32], "x"));
        let message = saved().seal(&ours).unwrap();
        assert!(!message.contains("activity") && !message.contains("anna"));
        assert_eq!(Envelope::open(&ours, &message), Some(saved()));
        assert_eq!(Envelope::open(&theirs, &message), None);
        let plain = serde_json::to_string(&saved()).unwrap();
        for forged in [plain.as_str(), "", &message[..message.len() - 2]] {
            assert_eq!(Envelope::open(&ours, forged), None, "{forged}");
        }
    }

    #[test]
    fn everything_that_is_told_is_understood() {
        let known = KnownAccount {
            role: app::auth::model::Role::Editor,
            epoch: 3,
            disabled: true,
        };
        let sealer = Sealer::new(&[1; 32], "x");
        for told in [
            Told::Answered {
                account: "anna".into(),
                submission: "s".into(),
                outcome: Outcome::Kept,
            },
            Told::Present {
                places: vec![Present {
                    table: "t".into(),
                    key: "1".into(),
                    who: ["anna".to_owned()].into(),
                }],
            },
            Told::Waiting {
                accounts: ["anna".to_owned()].into(),
                and_others: true,
            },
            Told::Gone,
            Told::Ended {
                sessions: [("s".to_owned(), 9)].into(),
            },
            Told::Accounts {
                store: "s".into(),
                changed: [("anna".to_owned(), Some(known)), ("bert".to_owned(), None)].into(),
            },
        ] {
            let envelope = Envelope { told, ..saved() };
            let opened = Envelope::open(&sealer, &envelope.seal(&sealer).unwrap());
            assert_eq!(opened, Some(envelope));
        }
    }
}

//! What the server does with a press of Save by itself, in words.

use resilient_core::submission::answer::Outcome;
use resilient_core::submission::queue::{Entry, State, Why};

use crate::ui::written;

/// Of one that was not saved: why, and how to go on. Empty for any other.
pub fn why_not(entry: &Entry) -> &'static str {
    match entry.state {
        State::Waiting | State::Done { .. } => "",
        State::Dead { .. } => {
            "The server has tried it ten times. Open it and press Save; if that fails too, tell whoever runs Inkfast."
        }
        State::NeedsAttention { why, .. } => why_stopped(why),
    }
}

fn why_stopped(why: Why) -> &'static str {
    match why {
        Why::Answered(Outcome::Conflict) => {
            "Somebody else has changed the same field since. Nothing was overwritten: open it and choose."
        }
        Why::Answered(Outcome::Invalid) => {
            "A value was not accepted. Open it and press Save: the field is marked then."
        }
        Why::Answered(Outcome::Gone) => "The record is gone. What you typed is kept, and can be made a new record.",
        Why::Answered(Outcome::Forbidden) => {
            "You may not change this any more. What you typed is kept, and you can export it."
        }
        Why::Answered(Outcome::Expired) => {
            "The form was too old to be saved as it was. Open it, look it over and press Save."
        }
        Why::Answered(Outcome::Mismatch) => {
            "An earlier press of Save was carried out with other text. Open it, look it over and press Save."
        }
        Why::Answered(_) => "It was refused as it was sent. Open it, look it over and press Save.",
        Why::EarlierOfThisRecord => {
            "An earlier save of this record could not be done. Open it, look it over and press Save."
        }
        Why::AccountOff => "Your account was switched off when its turn came. Open it and press Save.",
        Why::Unreadable => {
            "What the server was to send cannot be opened. What you typed is listed here if it is still kept: open it and press Save."
        }
        Why::TooOld => "It has waited for 23 days. Open it, look it over and press Save.",
    }
}

/// What decides when something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prospect {
    /// This server sends what waits.
    pub works: bool,
    /// It can be taken from where it waits.
    pub can_be_taken: bool,
    /// It could be done now.
    pub can_save: bool,
}

/// Of one that waits: since when, how many go before it, and what will become of it.
pub fn waits(entry: &Entry, before: usize, prospect: Prospect) -> String {
    let pressed = written::moment(entry.pressed_at_ms);
    let turn = match before {
        0 => String::new(),
        1 => " 1 save of yours goes before it.".to_owned(),
        _ => format!(" {} saves of yours go before it.", written::number(before as u64)),
    };
    if !prospect.works {
        return format!("Save was pressed {pressed}.{turn} Open it and save it now.");
    }
    let will = match (prospect.can_be_taken, prospect.can_save, entry.reason.as_deref()) {
        (false, true, _) => "It will be saved when Redis is back",
        (false, false, _) => "It will be saved when the database and Redis are back",
        (true, true, _) => "The server is about to save it",
        (true, false, Some("unknown")) => "The server will find out whether it was saved, and save it if not",
        (true, false, _) => "It will be saved when the database is back",
    };
    format!("Save was pressed {pressed}.{turn} {will}; you may close this page.")
}

#[cfg(test)]
pub fn sample_entry(form_key: &str, state: State) -> Entry {
    Entry {
        id: "1".into(),
        form_key: form_key.into(),
        revision: resilient_core::draft::Revision {
            seq: 1,
            writer: "w".into(),
        },
        order: 1,
        pressed_at_ms: 0,
        reason: Some("database".into()),
        bytes: 0,
        attempts: 0,
        interrupted: 0,
        not_before_ms: 0,
        state,
        seen: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(state: State, reason: &str) -> Entry {
        Entry {
            reason: Some(reason.to_owned()),
            ..sample_entry("site/7", state)
        }
    }

    #[test]
    fn whoever_waits_may_close_the_page_only_where_the_server_goes_on() {
        let told = |works, can_save, reason| {
            let prospect = Prospect {
                works,
                can_be_taken: true,
                can_save,
            };
            waits(&entry(State::Waiting, reason), 2, prospect)
        };
        let pressed = "Save was pressed 1970-01-01 00:00 UTC. 2 saves of yours go before it.";
        assert_eq!(
            told(true, false, "database"),
            format!("{pressed} It will be saved when the database is back; you may close this page.")
        );
        assert!(told(true, true, "database").contains("about to save it; you may close"));
        assert!(told(true, false, "unknown").contains("find out whether it was saved"));
        for can_save in [true, false] {
            assert!(!told(false, can_save, "database").contains("close"));
        }
    }

    #[test]
    fn what_nobody_can_take_from_where_it_waits_is_not_about_to_be_saved() {
        for (can_save, when) in [
            (true, "when Redis is back;"),
            (false, "when the database and Redis are back;"),
        ] {
            let prospect = Prospect {
                works: true,
                can_be_taken: false,
                can_save,
            };
            let words = waits(&entry(State::Waiting, "database"), 0, prospect);
            assert!(words.contains(when) && !words.contains("about to"), "{words}");
        }
    }

    #[test]
    fn every_end_but_a_save_says_how_to_go_on() {
        let refused = Outcome::ALL.map(Why::Answered).into_iter();
        let others = [Why::EarlierOfThisRecord, Why::AccountOff, Why::Unreadable, Why::TooOld];
        let mut ends: Vec<State> = refused
            .chain(others)
            .map(|why| State::NeedsAttention { at_ms: 0, why })
            .collect();
        ends.push(State::Dead { at_ms: 0 });
        for state in ends {
            let words = why_not(&entry(state, "database"));
            let goes_on = ["pen it", "export", "new record"];
            assert!(goes_on.iter().any(|way| words.contains(way)), "{state:?}: {words}");
        }
        assert_eq!(why_not(&entry(State::Done { at_ms: 0 }, "database")), "");
    }
}

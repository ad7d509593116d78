//! Who has what open in pages of other servers, and what of this one they are told.

use std::collections::{BTreeMap, BTreeSet};

use super::message::MOST_NAMED;
use super::places::{Place, Places};
use crate::instances::Present;

/// Records of one server. Who has one of the others open is known there alone.
const MOST_TOLD: usize = 500;
/// Bytes of their names, and of those who have them open.
const MOST_BYTES: usize = 128 * 1024;

#[derive(Debug, Default)]
pub struct Elsewhere {
    servers: BTreeMap<String, BTreeMap<Place, BTreeSet<String>>>,
}

impl Elsewhere {
    /// Takes over all that is open there; the places of which something has changed.
    pub fn replace(&mut self, server: &str, present: Vec<Present>) -> Places {
        let read = |present: Present| Some((Place::read(&format!("{}/{}", present.table, present.key))?, present.who));
        let now: BTreeMap<Place, BTreeSet<String>> = present.into_iter().take(MOST_TOLD).filter_map(read).collect();
        let before = self.servers.remove(server).unwrap_or_default();
        let places = before.keys().chain(now.keys());
        let changed = places
            .filter(|place| before.get(place) != now.get(place))
            .cloned()
            .collect();
        if !now.is_empty() {
            self.servers.insert(server.to_owned(), now);
        }
        changed
    }

    pub fn who<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = &'a str> {
        let there = self.servers.values().filter_map(|open| open.get(place));
        there.flatten().map(String::as_str)
    }
}

/// By place, and not more than others will take. Each account's turn comes before anybody's next one, so whoever has very
/// much open pushes nobody else out.
pub fn snapshot(open: impl Iterator<Item = (Place, String)>) -> Vec<Present> {
    let mut told = Snapshot::default();
    for (account, place) in in_turns(open) {
        told.add(place, account);
    }
    let present = |(place, who): (Place, BTreeSet<String>)| Present {
        table: place.table,
        key: place.key,
        who,
    };
    told.places.into_iter().map(present).collect()
}

/// The first place of each account, then the second one of each.
fn in_turns(open: impl Iterator<Item = (Place, String)>) -> impl Iterator<Item = (String, Place)> {
    let mut own: BTreeMap<String, Places> = BTreeMap::new();
    for (place, account) in open {
        own.entry(account).or_default().insert(place);
    }
    let mut turns: Vec<(usize, String, Place)> = Vec::new();
    for (account, places) in own {
        turns.extend(
            places
                .into_iter()
                .enumerate()
                .map(|(turn, place)| (turn, account.clone(), place)),
        );
    }
    // Those of one turn stay in the order of the accounts.
    turns.sort_by_key(|(turn, ..)| *turn);
    turns.into_iter().map(|(_, account, place)| (account, place))
}

#[derive(Default)]
struct Snapshot {
    places: BTreeMap<Place, BTreeSet<String>>,
    bytes: usize,
}

impl Snapshot {
    /// Where there is room for it.
    fn add(&mut self, place: Place, account: String) {
        let known = self.places.get(&place);
        let named = match known {
            Some(who) if who.len() >= MOST_NAMED => return,
            None if self.places.len() >= MOST_TOLD => return,
            Some(_) => 0,
            None => place.table.len() + place.key.len(),
        };
        let bytes = named + account.len();
        if self.bytes + bytes > MOST_BYTES {
            return;
        }
        self.bytes += bytes;
        self.places.entry(place).or_default().insert(account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_has_a_bound() {
        let place = |n: usize| Place::read(&format!("t/{n}")).unwrap();
        let many = (0..2 * MOST_TOLD).flat_map(|n| (0..2 * MOST_NAMED).map(move |who| (place(n), who.to_string())));
        let told = snapshot(many);
        assert_eq!(told.len(), MOST_TOLD);
        assert!(told.iter().all(|present| present.who.len() == MOST_NAMED));
        let long = |n: usize| Place::read(&format!("t/{n}{}", "0".repeat(1_000))).unwrap();
        let wide = snapshot((0..MOST_TOLD).map(|n| (long(n), "anna".to_owned())));
        let bytes: usize = wide.iter().map(|present| present.key.len()).sum();
        assert!(
            bytes <= MOST_BYTES && wide.len() > 100,
            "{bytes} bytes of {}",
            wide.len()
        );
        let more = [told.clone(), told].concat();
        let mut elsewhere = Elsewhere::default();
        assert_eq!(elsewhere.replace("a", more.clone()).len(), MOST_TOLD);
        assert!(elsewhere.replace("a", more).is_empty(), "nothing has changed");
        assert_eq!(elsewhere.replace("a", Vec::new()).len(), MOST_TOLD);
        assert!(
            elsewhere.servers.is_empty(),
            "who has nothing open leaves nothing behind"
        );
    }

    #[test]
    fn whoever_has_very_much_open_pushes_nobody_else_out() {
        let place = |name: &str| Place::read(name).unwrap();
        // What comes first by every order, and longer than what others have.
        let greedy = (0..2 * MOST_TOLD).map(|n| (place(&format!("a/{n}{}", "0".repeat(900))), "aaron".to_owned()));
        let others = (0..40).map(|n| (place(&format!("z/{n}")), format!("zoe {n}")));
        let told = snapshot(greedy.chain(others));
        for n in 0..40 {
            let is_told = told
                .iter()
                .any(|present| present.table == "z" && present.key == n.to_string());
            assert!(is_told, "zoe {n}");
        }
        assert!(
            told.iter().any(|present| present.table == "a"),
            "and there is room for the rest"
        );
    }
}

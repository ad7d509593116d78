//! Who has what open in pages of other servers, and what of this one they are told.

use std::collections::{BTreeMap, BTreeSet};

use super::message::MOST_NAMED;
use super::places::{Place, Places};
use crate::instances::Present;

/// Records of one server. Who has one of the others open is known there alone.
const MOST_TOLD: usize = 500;

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

/// By place, and not more than others will take.
pub fn snapshot(open: impl Iterator<Item = (Place, String)>) -> Vec<Present> {
    let mut places: BTreeMap<Place, BTreeSet<String>> = BTreeMap::new();
    for (place, account) in open {
        let who = places.entry(place).or_default();
        if who.len() < MOST_NAMED {
            who.insert(account);
        }
    }
    let present = |(place, who): (Place, BTreeSet<String>)| Present {
        table: place.table,
        key: place.key,
        who,
    };
    places.into_iter().take(MOST_TOLD).map(present).collect()
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
}

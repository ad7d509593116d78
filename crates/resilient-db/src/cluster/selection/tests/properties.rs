//! Whatever happens to a cluster, in whichever order.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// What happens to a cluster.
#[derive(Clone, Debug)]
enum Event {
    Probed(ServerId, Option<Answer>),
    Refused(ServerId),
    Write(u64),
    Read(Option<u64>, usize),
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let server = 0usize..3;
    let follows = proptest::option::weighted(0.8, proptest::collection::vec(1u64..4, 0..2));
    let answer = (any::<bool>(), 0u64..20, follows);
    let probed = (server.clone(), proptest::option::weighted(0.6, answer)).prop_map(|(id, answer)| {
        let answer = answer.map(|(writable, position, follows)| of(id as u64 + 1, writable, position, follows));
        Event::Probed(id, answer)
    });
    prop_oneof![
        6 => probed,
        1 => server.prop_map(Event::Refused),
        4 => (0u64..3).prop_map(Event::Write),
        4 => (proptest::option::of(0u64..3), 0usize..9).prop_map(|(key, turn)| Event::Read(key, turn)),
        2 => (0u64..2_500).prop_map(Event::Pass),
    ]
}

/// What is to be true, kept by other means than the rule's.
#[derive(Default)]
struct Witness {
    now: u64,
    /// The last answer of each: when, and whether it could be written to.
    answers: HashMap<ServerId, (u64, bool)>,
    failures: HashMap<ServerId, u32>,
    /// Where the last write went, and whether that server was known to be down or read-only since.
    wrote: Option<(ServerId, bool)>,
    /// We left it, or our writer went on after it was promoted, and it was not seen to follow our writer twice in a row
    /// since.
    strayed: HashMap<ServerId, bool>,
    /// Whom each said it follows, by identity.
    follows: HashMap<ServerId, Option<Vec<u64>>>,
    /// Whom the next two are about.
    leader: Option<ServerId>,
    /// When each was last seen to follow it, unless it was seen to follow another since.
    followed_at: HashMap<ServerId, u64>,
    /// So many times in a row.
    in_a_row: HashMap<ServerId, u32>,
    written: Vec<ServerId>,
    pinned: HashMap<u64, u64>,
}

impl Witness {
    fn is_out(&self, id: ServerId) -> bool {
        let writable = self.answers.get(&id).is_some_and(|(_, writable)| *writable);
        !writable || self.failures.get(&id).is_some_and(|failures| *failures >= 2)
    }

    fn hear(&mut self, id: ServerId, writable: Option<bool>) {
        match writable {
            None => *self.failures.entry(id).or_default() += 1,
            Some(writable) => {
                self.answers.insert(id, (self.now, writable));
                self.failures.insert(id, 0);
                if writable {
                    self.in_a_row.insert(id, 0);
                }
                if writable && self.wrote == Some((id, false)) {
                    self.stray(|other, before| other != id && before);
                }
            }
        }
        if let Some((wrote, _)) = self.wrote
            && self.is_out(wrote)
        {
            self.wrote = Some((wrote, true));
        }
    }

    /// After an answer. `leader`: whom it should follow by now.
    fn see_following(&mut self, id: ServerId, follows: Option<Vec<u64>>, writable: bool, leader: Option<ServerId>) {
        self.follows.insert(id, follows);
        self.led_by(leader);
        let Some(leader) = leader.filter(|leader| *leader != id) else {
            return;
        };
        if writable && id < 2 {
            return;
        }
        match self.leads(leader, id) {
            Some(true) => {
                self.followed_at.insert(id, self.now);
                let times = self.in_a_row.entry(id).or_default();
                *times += 1;
                if *times >= 2 {
                    self.strayed.insert(id, false);
                }
            }
            Some(false) => {
                self.followed_at.remove(&id);
                self.in_a_row.insert(id, 0);
            }
            None => {
                self.in_a_row.insert(id, 0);
            }
        }
    }

    fn led_by(&mut self, leader: Option<ServerId>) {
        if self.leader != leader {
            self.leader = leader;
            self.followed_at.clear();
            self.in_a_row.clear();
        }
    }

    /// Whether this one follows that one, straight or through the others; there are three.
    fn leads(&self, leader: ServerId, id: ServerId) -> Option<bool> {
        let told = |id: ServerId| self.follows.get(&id).cloned().flatten();
        let mut known = told(id)?;
        let mut sure = true;
        for _ in 0..3 {
            for through in known.clone() {
                let through = through as usize - 1;
                if through != leader && self.follows.contains_key(&through) {
                    sure &= told(through).is_some();
                    known.extend(told(through).unwrap_or_default());
                }
            }
            known.sort_unstable();
            known.dedup();
        }
        if known.contains(&(leader as u64 + 1)) {
            return Some(true);
        }
        sure.then_some(false)
    }

    /// Of those that take writes, those that `which` says; it is told whether that was known before now.
    fn stray(&mut self, which: impl Fn(ServerId, bool) -> bool) {
        for (id, (at, writable)) in &self.answers {
            if *writable && which(*id, *at < self.now) {
                self.strayed.insert(*id, true);
            }
        }
    }

    fn write(&mut self, id: ServerId, key: u64) -> Result<(), TestCaseError> {
        let (heard, writable) = self.answers[&id];
        prop_assert!(id < 2, "a mere replica");
        prop_assert!(writable && !self.is_out(id), "not known to be writable");
        prop_assert!(self.now - heard <= 3_000, "known too long ago");
        prop_assert!(
            !self.strayed.get(&id).copied().unwrap_or_default(),
            "it has another history"
        );
        if let Some((before, out_since)) = self.wrote {
            prop_assert!(before == id || out_since, "two writers: {before} and {id}");
        }
        self.wrote = Some((id, false));
        let written = std::mem::take(&mut self.written);
        self.stray(|other, _| other != id && written.contains(&other));
        self.written = written.into_iter().chain([id]).collect();
        self.pinned.insert(key, self.now + 12_000);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever the servers say, and whenever: never a write to one that is not known to be writable,
    /// never two writers, never back to another history; and whoever has written reads from there.
    #[test]
    fn there_is_one_writer_and_pins_hold(events in proptest::collection::vec(event(), 1..120)) {
        let (mut selection, mut witness) = (three(), Witness::default());
        for event in events {
            let now = at(witness.now);
            match event {
                Event::Pass(milliseconds) => witness.now += milliseconds,
                Event::Probed(id, answer) => {
                    let follows = answer.as_ref().and_then(|answer| answer.replication.follows.clone());
                    let writable = answer.as_ref().map(|answer| answer.writable);
                    witness.hear(id, writable);
                    selection.probed(now, &[(id, answer)]);
                    match writable {
                        Some(writable) => witness.see_following(id, follows, writable, selection.writer),
                        None => witness.led_by(selection.writer),
                    }
                }
                Event::Refused(id) => {
                    witness.hear(id, Some(false));
                    selection.refused_to_write(now, id);
                    witness.led_by(selection.writer);
                }
                Event::Write(caller) => if let Some(id) = selection.writer(now) {
                    witness.write(id, caller)?;
                    let key = selection.pins().key(caller);
                    selection.pin(now, key);
                        selection.wrote(id);
                },
                Event::Read(caller, turn) => {
                    let key = caller.map(|caller| selection.pins().key(caller));
                    let readers = selection.readers(now, key, turn);
                    prop_assert!(!readers.is_empty());
                    let pinned = caller.and_then(|caller| witness.pinned.get(&caller)).is_some_and(|until| *until > witness.now);
                    if pinned {
                        let (wrote, out_since) = witness.wrote.expect("pinned by a write");
                        prop_assert!(readers.len() == 1 && (readers[0] == wrote || out_since), "{readers:?}");
                    }
                    let last = selection.writer.unwrap_or(PRIMARY);
                    for id in readers.into_iter().filter(|id| *id != last) {
                        prop_assert_eq!(witness.failures.get(&id).copied().unwrap_or_default(), 0);
                        let in_time = selection.lag(now, id).is_some_and(|lag| lag <= Duration::from_secs(10));
                        if selection.steady_writer().is_some() {
                            let heard = witness.followed_at.get(&id).is_some_and(|at| witness.now - at <= 10_000);
                            prop_assert!(in_time && heard, "{id} does not follow {last}");
                        } else {
                            prop_assert!(in_time || selection.servers[id].went_on);
                        }
                    }
                }
            }
        }
    }
}

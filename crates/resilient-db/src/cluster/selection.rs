//! Which server is written to and which are read from. Pure: told what probes and callers have met, and
//! when.
//!
//! *One writer.* We write to the server that we wrote to last until it is known to be down or read-only,
//! whatever others say of themselves. After that, to the only other one that can be written to, unless what
//! it holds is another history. Such a server is *barred* until it was seen to follow our writer, twice in a
//! row (whoever is refused as a follower is connected for a moment, too), or until somebody who knows better says so:
//!
//! * one that was our writer and was left,
//! * one that was never seen to follow while another was our writer,
//! * one that was promoted, and our writer went on after that.
//!
//! *Readers* follow our writer, or the last one we had. Whoever follows another server, whatever it says of being in
//! time, is not read from, nor who has not heard our writer for longer than a replica may be late. Only while nobody can
//! be written to, and nobody else is left to read from, those are read from that have followed our writer until it was
//! lost: somebody may have promoted a server that we may not write to.

use std::time::Duration;

use resilient_core::time::Moment;

use super::lag::Positions;
use super::pins::{Key, Pins};
use super::policy::ClusterPolicy;
use crate::probe::Answer;
use crate::supported::Replication;

mod following;

/// Its place in the list of servers.
pub(crate) type ServerId = usize;

/// So many failed probes in a row mean that a server is down; one is a glitch.
const DOWN_AFTER: u32 = 2;

/// What has changed, to be told after the lock is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Writes go elsewhere, or nowhere.
    Writer {
        from: Option<ServerId>,
        to: Option<ServerId>,
    },
    /// This one can be written to as well.
    Rival { writer: Option<ServerId>, rival: ServerId },
}

#[derive(Debug)]
struct Server {
    /// May become the primary; a mere replica may not, whatever it says.
    may_lead: bool,
    answered: Option<(Moment, Answer)>,
    /// How late it last knew itself to be.
    behind: Option<Duration>,
    /// Failed probes since.
    failures: u32,
    /// Nothing speaks against what it holds being what our writer had: it was seen to follow it since it is our
    /// writer, or whom it follows is not known.
    followed: bool,
    /// So many times in a row it was seen to follow our writer.
    following: u32,
    /// When it last was.
    followed_at: Option<Moment>,
    /// It has followed our writer until that was lost, and since then leads itself or follows another.
    went_on: bool,
    /// Since when it takes writes, as far as we know.
    writable_since: Option<Moment>,
    barred: bool,
    /// It was told that this one is a rival.
    told: bool,
}

#[derive(Debug)]
pub(crate) struct Selection {
    policy: ClusterPolicy,
    servers: Vec<Server>,
    /// Whom we write to, or wrote to last.
    writer: Option<ServerId>,
    /// Whom we were last said to write to.
    told: Option<ServerId>,
    /// When writes went to another server, or the start.
    moved_at: Moment,
    positions: Positions,
    pins: Pins,
}

impl Selection {
    /// Each by whether it may lead.
    pub(crate) fn new(policy: ClusterPolicy, may_lead: impl IntoIterator<Item = bool>) -> Self {
        let server = |may_lead| Server {
            may_lead,
            answered: None,
            behind: None,
            failures: 0,
            followed: false,
            following: 0,
            followed_at: None,
            went_on: false,
            writable_since: None,
            barred: false,
            told: false,
        };
        Self {
            policy,
            servers: may_lead.into_iter().map(server).collect(),
            writer: None,
            told: None,
            moved_at: Moment::START,
            positions: Positions::default(),
            pins: Pins::default(),
        }
    }

    /// Probes have ended; `None` where one failed. What is known at the same time is told at the same time:
    /// of two that could be written to, the first to be told of must not be the one.
    pub(crate) fn probed(&mut self, now: Moment, probes: &[(ServerId, Option<Answer>)]) -> Vec<Change> {
        for (id, answer) in probes {
            match answer {
                None => self.servers[*id].failures += 1,
                Some(answer) => self.answered(now, *id, answer.clone()),
            }
        }
        let changes = self.decide();
        // Now that it is known whom they should follow.
        for (id, _) in probes.iter().filter(|(_, answer)| answer.is_some()) {
            self.see_whom_it_follows(now, *id);
        }
        changes
    }

    /// A write was refused because this server takes none.
    pub(crate) fn refused_to_write(&mut self, now: Moment, id: ServerId) -> Vec<Change> {
        let known = self.servers[id].answered.clone();
        let known = known.map(|(_, answer)| answer).unwrap_or_default();
        let writable = false;
        self.answered(now, id, Answer { writable, ..known });
        self.decide()
    }

    /// Somebody who knows says that what this one holds is what counts. While nobody is written to, it is then known of
    /// others that could be that they hold something else.
    pub(crate) fn trust(&mut self, id: ServerId) -> Vec<Change> {
        if self.steady_writer().is_none() {
            for (other, server) in self.servers.iter_mut().enumerate() {
                server.barred |= other != id && server.may_lead && server.writable_since.is_some();
            }
        }
        let server = &mut self.servers[id];
        (server.followed, server.barred, server.told) = (true, false, false);
        let writable = server.answered.as_ref().filter(|(_, answer)| answer.writable);
        server.writable_since = writable.map(|(at, _)| *at);
        self.decide()
    }

    /// Whom to write to now.
    pub(crate) fn writer(&self, now: Moment) -> Option<ServerId> {
        self.steady_writer().filter(|id| self.is_known(now, *id))
    }

    /// The same but for the age of what is known.
    pub(crate) fn steady_writer(&self) -> Option<ServerId> {
        self.writer.filter(|id| !self.is_out(*id))
    }

    /// Nobody is written to, or the next failed probe would mean so.
    pub(crate) fn is_in_search(&self) -> bool {
        self.steady_writer().is_none_or(|id| self.servers[id].failures > 0)
    }

    /// Whom to read from, in the order to try them; never nobody. `turn` counts up with each read.
    pub(crate) fn readers(&self, now: Moment, key: Option<Key>, turn: usize) -> Vec<ServerId> {
        let last_resort = self.writer.unwrap_or(0);
        if key.is_some_and(|key| self.pins.holds(now, key)) {
            return vec![last_resort];
        }
        let all = 0..self.servers.len();
        let mut fresh: Vec<ServerId> = all.clone().filter(|id| self.is_fresh(now, *id)).collect();
        if fresh.is_empty() && self.steady_writer().is_none() {
            fresh = all.filter(|id| self.is_left(now, *id)).collect();
        }
        if !fresh.is_empty() {
            let first = turn % fresh.len();
            fresh.rotate_left(first);
        }
        if !fresh.contains(&last_resort) {
            // Second: another replica may well fail as the first did.
            let place = if self.is_settling(now) { 0 } else { 1 };
            fresh.insert(fresh.len().min(place), last_resort);
        }
        fresh
    }

    /// The same, but for the primary before all others, where there is one.
    pub(crate) fn readers_after_primary(&self, now: Moment, key: Option<Key>, turn: usize) -> Vec<ServerId> {
        let mut readers = self.readers(now, key, turn);
        if let Some(primary) = self.writer(now) {
            readers.retain(|id| *id != primary);
            readers.insert(0, primary);
        }
        readers
    }

    /// Nobody knows yet who had written what before the start, nor how late replicas are, compared with a new primary.
    fn is_settling(&self, now: Moment) -> bool {
        self.steady_writer().is_some() && now < self.moved_at + self.policy.settling
    }

    /// A server has taken a write: of others that could have, none has it.
    pub(crate) fn wrote(&mut self, id: ServerId) -> Vec<Change> {
        if self.steady_writer() != Some(id) {
            return Vec::new();
        }
        for (other, server) in self.servers.iter_mut().enumerate() {
            server.barred |= other != id && server.may_lead && server.writable_since.is_some();
        }
        self.rivals()
    }

    /// This caller has written, or may have. A replica that is in time now may fall behind with the next change, and
    /// is read from until it is later than any may be: so long nobody else is sure to have it.
    pub(crate) fn pin(&mut self, now: Moment, key: Key) {
        let until = now + self.policy.max_lag + self.policy.pinned_beyond_lag;
        self.pins.pin(now, key, until);
    }

    pub(crate) fn pins(&self) -> &Pins {
        &self.pins
    }

    /// How old this replica's data are, where that is known.
    pub(crate) fn lag(&self, now: Moment, id: ServerId) -> Option<Duration> {
        let server = &self.servers[id];
        let (_, answer) = server.answered.as_ref()?;
        // While nobody is written to, nobody gets later; and who has lost its primary may not know any more.
        let lost = self.writer.filter(|_| self.steady_writer().is_none());
        let counted_to = lost.and_then(|writer| self.answered_at(writer)).unwrap_or(now);
        let Replication { position, behind, .. } = answer.replication;
        let by_position = position.filter(|_| !answer.writable);
        let by_position = by_position.and_then(|position| self.positions.lag(counted_to, position));
        match self.steady_writer() {
            // Who has more than one source is further than our writer with what it has of the others, however late.
            Some(_) => by_position.max(behind),
            // What it says of itself goes on growing.
            None => by_position.or(behind).or(server.behind),
        }
    }

    pub(crate) fn is_barred(&self, id: ServerId) -> bool {
        self.servers[id].barred
    }

    /// Could be written to as well, and is not.
    pub(crate) fn is_rival(&self, id: ServerId) -> bool {
        self.servers[id].may_lead && !self.is_out(id) && self.writer != Some(id)
    }

    fn answered(&mut self, now: Moment, id: ServerId, answer: Answer) {
        let server = &mut self.servers[id];
        server.behind = answer.replication.behind.or(server.behind);
        server.failures = 0;
        if answer.writable {
            server.writable_since.get_or_insert(now);
            server.following = 0;
        } else {
            (server.writable_since, server.told) = (None, false);
            // What it holds is what our writer had, because it was.
            server.followed |= self.writer == Some(id);
        }
        server.answered = Some((now, answer));
    }

    fn answered_at(&self, id: ServerId) -> Option<Moment> {
        self.servers[id].answered.as_ref().map(|(at, _)| *at)
    }

    fn decide(&mut self) -> Vec<Change> {
        if self.steady_writer().is_none()
            && let [only] = self.free_to_lead()[..]
        {
            self.lead(only);
        }
        self.note_position();
        let mut changes = self.rivals();
        let (from, to) = (self.told, self.steady_writer());
        if from != to {
            self.told = to;
            changes.push(Change::Writer { from, to });
        }
        changes
    }

    fn lead(&mut self, id: ServerId) {
        if self.writer == Some(id) {
            self.servers[id].followed = false;
            return;
        }
        self.positions.forget();
        if let (Some(left), Some(at)) = (self.writer, self.answered_at(id)) {
            self.moved_at = at;
            self.servers[left].barred = true;
        }
        for server in &mut self.servers {
            (server.followed, server.following, server.followed_at) = (false, 0, None);
            server.went_on = false;
        }
        self.writer = Some(id);
    }

    fn free_to_lead(&self) -> Vec<ServerId> {
        let free = |id: &ServerId| {
            let server = &self.servers[*id];
            server.may_lead && !server.barred && !self.is_out(*id)
        };
        (0..self.servers.len()).filter(free).collect()
    }

    /// Bars those that hold another history, and finds whom to tell of.
    fn rivals(&mut self) -> Vec<Change> {
        let writer = self.steady_writer();
        let confirmed = writer.and_then(|id| self.answered_at(id));
        let undecided = writer.is_none() && self.free_to_lead().len() > 1;
        let mut told = Vec::new();
        for id in (0..self.servers.len()).filter(|id| writer != Some(*id)) {
            let is_up = !self.is_out(id);
            let server = &mut self.servers[id];
            let Some(since) = server.writable_since.filter(|_| server.may_lead) else {
                continue;
            };
            // Promoted, and our writer has not been heard since: it may be the one that follows it.
            server.barred |= confirmed.is_some_and(|confirmed| !server.followed || confirmed > since);
            if is_up && (server.barred || undecided) && !server.told {
                server.told = true;
                told.push(Change::Rival { writer, rival: id });
            }
        }
        told
    }

    fn note_position(&mut self) {
        let answered = self.steady_writer().and_then(|id| self.servers[id].answered.as_ref());
        let position = |(at, answer): &(Moment, Answer)| Some((*at, answer.replication.position?));
        if let Some((at, position)) = answered.and_then(position) {
            self.positions.note(at, position);
        }
    }

    /// Known to be down or read-only, or nothing is known at all.
    fn is_out(&self, id: ServerId) -> bool {
        let server = &self.servers[id];
        let writable = server.answered.as_ref().is_some_and(|(_, answer)| answer.writable);
        !writable || server.failures >= DOWN_AFTER
    }

    fn is_known(&self, now: Moment, id: ServerId) -> bool {
        let answered = self.answered_at(id);
        answered.is_some_and(|at| now.since(at) <= self.policy.known_for)
    }

    /// A replica that answers, follows whom it should, and is not too late.
    pub(crate) fn is_fresh(&self, now: Moment, id: ServerId) -> bool {
        let in_time = || self.lag(now, id).is_some_and(|lag| lag <= self.policy.max_lag);
        self.is_no_stray(now, id) && self.is_led(now, id) && in_time()
    }

    /// To be read from where there is nobody else.
    fn is_left(&self, now: Moment, id: ServerId) -> bool {
        self.is_no_stray(now, id) && self.servers[id].went_on
    }

    fn is_no_stray(&self, now: Moment, id: ServerId) -> bool {
        let server = &self.servers[id];
        let stray = server.may_lead && server.writable_since.is_some();
        let is_up = server.failures == 0 && self.is_known(now, id);
        self.writer != Some(id) && !stray && is_up
    }
}

#[cfg(test)]
mod tests;

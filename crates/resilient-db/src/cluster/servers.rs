//! The servers of a cluster, what is known of them, and who looks after that.

use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{join_all, select_all};
use resilient_core::failure::Kind;
use tokio::time::{Instant, sleep};

use super::no_writer;
use super::pins::Key;
use super::policy::ClusterPolicy;
use super::selection::{Change, Selection, ServerId};
use crate::clock::Clock;
use crate::db::Db;
use crate::error::DbError;
use crate::health::{Condition, Health};
use crate::observer::Refusal;
use crate::policy::Policy;
use crate::random;
use crate::statements::StatementsReport;
use crate::supported::{Options, Role, Supported};
use crate::telling::refused_at_once;

/// One server of a cluster.
#[derive(Clone, Debug)]
pub struct Server<D: Supported> {
    /// For logs and metrics.
    pub name: &'static str,
    pub options: Options<D>,
    /// Its own: give each an observer that says which server it is about.
    pub policy: Policy,
}

/// What is known of one server of a cluster.
#[derive(Clone, Debug)]
pub struct ServerHealth {
    pub name: &'static str,
    /// Writes go to it.
    pub is_writer: bool,
    /// Reads that may be a little old go to it: a replica that answers and is in time.
    pub is_reader: bool,
    /// Could be written to as well, and is not: another one is, or nobody knows which of them counts.
    pub is_rival: bool,
    /// May hold another history than the server we wrote to: not written to before it was seen to follow that one,
    /// or somebody [says otherwise](crate::Cluster::trust).
    pub is_barred: bool,
    /// How old its data are, where it is a replica and that is known.
    pub lag: Option<Duration>,
    pub health: Health,
}

pub(super) struct Servers<D: Supported> {
    all: Vec<(&'static str, Db<D>)>,
    known: Mutex<Known>,
    policy: ClusterPolicy,
    clock: Clock,
    turn: AtomicUsize,
}

struct Known {
    selection: Selection,
    /// How many probes of each server were heard of.
    heard: Vec<u64>,
}

impl<D: Supported> Servers<D> {
    pub(super) async fn connect(primaries: Vec<Server<D>>, replicas: Vec<Server<D>>, policy: ClusterPolicy) -> Self {
        let (clock, count) = (Clock::start(), primaries.len());
        let may_lead: Vec<bool> = (0..count + replicas.len()).map(|id| id < count).collect();
        assert!(!may_lead.is_empty(), "a cluster has at least one server");
        let connecting = primaries.into_iter().chain(replicas).map(|server| async move {
            let db = Db::connect_for_cluster(server.options, server.policy).await;
            (server.name, db)
        });
        let known = Known {
            heard: vec![0; may_lead.len()],
            selection: Selection::new(policy.clone(), may_lead),
        };
        Self {
            all: join_all(connecting).await,
            known: Mutex::new(known),
            policy,
            clock,
            turn: AtomicUsize::new(0),
        }
    }

    pub(super) fn db(&self, id: ServerId) -> &Db<D> {
        &self.all[id].1
    }

    pub(super) fn key(&self, caller: impl Hash) -> Key {
        self.known().selection.pins().key(caller)
    }

    pub(super) fn writer(&self) -> Option<ServerId> {
        self.refresh();
        self.known().selection.writer(self.clock.now())
    }

    /// As soon as there is one.
    pub(super) async fn writer_before(&self, deadline: Instant) -> Option<ServerId> {
        while Instant::now() < deadline {
            if let Some(writer) = self.writer() {
                return Some(writer);
            }
            sleep(self.db(0).policy().breaker.probe_open).await;
        }
        None
    }

    pub(super) fn readers(&self, key: Option<Key>) -> Vec<ServerId> {
        self.refresh();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.known().selection.readers(self.clock.now(), key, turn)
    }

    pub(super) fn readers_after_primary(&self, key: Option<Key>) -> Vec<ServerId> {
        self.refresh();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.known()
            .selection
            .readers_after_primary(self.clock.now(), key, turn)
    }

    /// A write was acknowledged. Whether by the server that writes go to.
    pub(super) fn wrote(&self, id: ServerId) -> bool {
        let mut stands = false;
        self.change(|known, _| {
            stands = known.selection.steady_writer() == Some(id);
            known.selection.wrote(id)
        });
        stands
    }

    pub(super) fn pin(&self, key: Key) {
        self.known().selection.pin(self.clock.now(), key);
    }

    /// Hears what probes have found since the last time.
    pub(super) fn refresh(&self) {
        self.change(|known, servers| {
            let (mut probes, mut oldest) = (Vec::new(), servers.clock.now());
            for (id, (heard, (_, db))) in known.heard.iter_mut().zip(&servers.all).enumerate() {
                let ended = db.news().last_probe();
                if ended.count != *heard {
                    *heard = ended.count;
                    probes.push((id, ended.answer));
                    oldest = ended.at.map_or(oldest, |at| oldest.min(servers.clock.moment(at)));
                }
            }
            match probes.is_empty() {
                true => Vec::new(),
                // None of them is taken for younger than it is.
                false => known.selection.probed(oldest, &probes),
            }
        });
    }

    pub(super) fn refused_to_write(&self, id: ServerId) {
        self.change(|known, servers| known.selection.refused_to_write(servers.clock.now(), id));
    }

    /// Whether there is a server of that name that takes writes and is not written to.
    pub(super) fn trust(&self, name: &str) -> bool {
        let found = self.all.iter().position(|(known, _)| *known == name);
        let mut in_question = false;
        if let Some(id) = found {
            self.change(|known, _| {
                let selection = &mut known.selection;
                in_question = selection.is_rival(id) || selection.is_barred(id);
                if in_question { selection.trust(id) } else { Vec::new() }
            });
        }
        in_question
    }

    /// Decides under the lock, lets no other server take writes, and tells afterwards.
    fn change(&self, decide: impl FnOnce(&mut Known, &Self) -> Vec<Change>) {
        let mut known = self.known();
        let changes = decide(&mut known, self);
        if changes.iter().any(|change| matches!(change, Change::Writer { .. })) {
            let writer = known.selection.steady_writer();
            let steer = |open: bool| {
                let concerned = self
                    .all
                    .iter()
                    .enumerate()
                    .filter(|(id, _)| (writer == Some(*id)) == open);
                concerned.for_each(|(_, (_, db))| db.steer_writes(open));
            };
            // Closed first: at no moment are two open.
            steer(false);
            steer(true);
        }
        drop(known);
        changes.into_iter().for_each(|change| self.tell(change));
    }

    fn tell(&self, change: Change) {
        let name = |id: Option<ServerId>| id.map(|id| self.all[id].0);
        match change {
            Change::Writer { from, to } => self.policy.observer.writer_changed(name(from), name(to)),
            Change::Rival { writer, rival } => self.policy.observer.two_writers(name(writer), self.all[rival].0),
        }
    }

    /// Asks each server, now.
    pub(super) async fn look_again(&self) {
        join_all(self.all.iter().map(|(_, db)| db.probe_now())).await;
        self.refresh();
    }

    /// Leaves each server's connections, and asks it over a new one.
    pub(super) async fn reconnect(&self) {
        join_all(self.all.iter().map(|(_, db)| db.reconnect())).await;
        self.refresh();
    }

    /// Hears of each probe as it ends, whether or not anybody calls.
    pub(super) async fn watch(self: Arc<Self>) {
        let mut ended: Vec<_> = self.all.iter().map(|(_, db)| db.news().probes()).collect();
        loop {
            let any = ended.iter_mut().map(|ended| Box::pin(ended.changed()));
            if select_all(any).await.0.is_err() {
                return;
            }
            self.refresh();
            if self.known().selection.is_in_search() {
                // Not in a second, when the next probe is due: people wait for an answer.
                sleep(self.db(0).policy().breaker.probe_open).await;
                self.look_again().await;
            }
        }
    }

    pub(super) fn no_writer(&self, name: &'static str, role: Role) -> DbError {
        let is_up = |(_, db): &(&str, Db<D>)| db.health().condition != Condition::Down;
        let kind = match role {
            Role::Write if self.all.iter().any(is_up) => Kind::ReadOnly,
            _ => Kind::Unreachable,
        };
        let Policy {
            breaker,
            retry_after_spread,
            ..
        } = self.db(0).policy();
        let retry_after = breaker.probe_open + retry_after_spread.mul_f64(random::unit());
        let refused = no_writer(name, kind, retry_after);
        refused_at_once(&*self.policy.observer, role, Refusal::NoWriter, &refused);
        refused
    }

    pub(super) fn statements(&self) -> Option<StatementsReport> {
        let told = |(name, db): &(&'static str, Db<D>)| db.statements().map(|report| (*name, report));
        StatementsReport::of_several(self.all.iter().filter_map(told))
    }

    pub(super) fn health(&self) -> Vec<ServerHealth> {
        self.refresh();
        let now = self.clock.now();
        let known = self.known();
        let selection = &known.selection;
        let health = |(id, (name, db)): (ServerId, &(&'static str, Db<D>))| ServerHealth {
            name,
            is_writer: selection.writer(now) == Some(id),
            is_reader: selection.is_fresh(now, id),
            is_rival: selection.is_rival(id),
            is_barred: selection.is_barred(id),
            lag: selection.lag(now, id),
            health: db.health(),
        };
        self.all.iter().enumerate().map(health).collect()
    }

    pub(super) async fn close(&self) {
        join_all(self.all.iter().map(|(_, db)| db.close())).await;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

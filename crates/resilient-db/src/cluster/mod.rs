//! Several servers with the same data: one is written to, the others are read from.
//!
//! Each server is a [`Db`] with its pools, breakers and probe. Here it is only decided which of them a
//! call goes to, and that no other takes a write.

mod lag;
mod pins;
mod policy;
mod selection;
mod servers;

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use resilient_core::failure::{Action, BreakerEffect, Class, Kind, Outcome};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

pub use policy::ClusterPolicy;
pub use servers::{Server, ServerHealth};

use crate::classify::{Phase, REFUSED, in_doubt};
use crate::connection::Connection;
use crate::db::Db;
use crate::error::DbError;
use crate::statements::StatementsReport;
use crate::supported::{Role, Supported};
use crate::transaction::{End, OnUnknownCommit};
use pins::Key;
use selection::ServerId;
use servers::Servers;

/// A primary that may change, and replicas. Clones share everything.
///
/// Writes go to the one server whose probe says that it takes them. When it is lost, they are refused at
/// once until another one was promoted, which is found within the distance of two probes (200 ms). Reads
/// are spread over replicas that are not late; whoever reads through [`seen_by`](Self::seen_by) sees what
/// the same key has written.
///
/// *What this cannot do.* It promotes nobody: that is for a person, or a program that can make sure that
/// the old primary is off. With asynchronous replication a write that was acknowledged is lost with its
/// server, if no replica had it yet. A statement that had reached a server when writes moved away from it
/// is beyond recall. And what is known of the servers' past is known to this process: after a restart the
/// only server that can be written to is written to, whatever it missed, and everybody reads from it for a while
/// ([`ClusterPolicy::settling`]), because who has written what is forgotten.
pub struct Cluster<D: Supported> {
    shared: Arc<Shared<D>>,
}

struct Shared<D: Supported> {
    servers: Arc<Servers<D>>,
    watcher: AbortHandle,
}

impl<D: Supported> Clone for Cluster<D> {
    fn clone(&self) -> Self {
        let shared = Arc::clone(&self.shared);
        Self { shared }
    }
}

impl<D: Supported> Drop for Shared<D> {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

impl<D: Supported> Cluster<D> {
    /// `primaries` are all servers that may be the primary, or become it; each of them is a replica while
    /// it is not. `replicas` are only ever read from. Connects to all of them at once and asks each who it
    /// is, within about two seconds; never fails.
    ///
    /// # Panics
    /// Without any server.
    pub async fn connect_lazily(primaries: Vec<Server<D>>, replicas: Vec<Server<D>>, policy: ClusterPolicy) -> Self {
        let servers = Arc::new(Servers::connect(primaries, replicas, policy).await);
        servers.refresh();
        let watcher = tokio::spawn(Arc::clone(&servers).watch()).abort_handle();
        Self {
            shared: Arc::new(Shared { servers, watcher }),
        }
    }

    /// The servers as one caller sees them: what this key has written, it reads. An account's id, or a
    /// session's.
    pub fn seen_by(&self, caller: impl Hash) -> View<'_, D> {
        let key = Some(self.shared.servers.key(caller));
        View { cluster: self, key }
    }

    /// As [`Db::read`], by whoever is in time.
    ///
    /// # Errors
    /// See [`DbError`].
    pub async fn read<T, F, Fut>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        self.seen_by_nobody().read(name, work).await
    }

    /// As [`Db::write`], on the primary.
    ///
    /// # Errors
    /// See [`DbError`]; with [`Kind::ReadOnly`] where no server takes writes at the moment.
    pub async fn write<T, F, Fut>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        self.seen_by_nobody().write(name, work).await
    }

    /// As [`Db::transaction`], on the primary. Where a commit's answer was lost with its server,
    /// [`OnUnknownCommit::Repeat`] runs the work again on the next primary, if there is one in time.
    ///
    /// # Errors
    /// See [`DbError`]; with [`Kind::ReadOnly`] where no server takes writes at the moment.
    pub async fn transaction<T, F, Fut>(
        &self,
        name: &'static str,
        on_unknown: OnUnknownCommit,
        work: F,
    ) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<End<T>, sqlx::Error>>,
    {
        self.seen_by_nobody().transaction(name, on_unknown, work).await
    }

    /// Somebody has looked, and what this server holds is what counts: it may be written to as soon as no
    /// other one is, even if it took writes while another was our writer. Where two could be written to and neither
    /// is, the other one is left alone from then on. Whether there is a server of that name that this can be said of.
    pub fn trust(&self, name: &str) -> bool {
        self.shared.servers.trust(name)
    }

    /// Asks each server now, as [`Db::probe_now`] does. Then [`health`](Self::health) is news.
    pub async fn probe_now(&self) {
        self.shared.servers.look_again().await;
    }

    /// As [`Db::statements`], of all servers; each shape has its server's name before it.
    pub fn statements(&self) -> Option<StatementsReport> {
        self.shared.servers.statements()
    }

    /// As [`Db::reconnect`], on all of them.
    pub async fn reconnect(&self) {
        self.shared.servers.reconnect().await;
    }

    /// What is known of each server without asking it, in the order they were given.
    pub fn health(&self) -> Vec<ServerHealth> {
        self.shared.servers.health()
    }

    /// As [`Db::close`], for all of them.
    pub async fn close(&self) {
        self.shared.watcher.abort();
        self.shared.servers.close().await;
    }

    fn seen_by_nobody(&self) -> View<'_, D> {
        View {
            cluster: self,
            key: None,
        }
    }
}

/// See [`Cluster::seen_by`].
pub struct View<'a, D: Supported> {
    cluster: &'a Cluster<D>,
    key: Option<Key>,
}

impl<D: Supported> View<'_, D> {
    /// As [`Cluster::read`]; from the primary for as long as a replica may not have what this key wrote.
    ///
    /// # Errors
    /// See [`DbError`].
    pub async fn read<T, F, Fut>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        let readers = self.cluster.shared.servers.readers(self.key);
        self.read_from(readers, name, work).await
    }

    /// From the primary as long as it answers, and else as [`read`](Self::read): what should be as new as it can be,
    /// and is of use all the same where it is not.
    ///
    /// # Errors
    /// See [`DbError`].
    pub async fn read_from_primary_first<T, F, Fut>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        let readers = self.cluster.shared.servers.readers_after_primary(self.key);
        self.read_from(readers, name, work).await
    }

    /// From the primary and from nobody else: what something is decided by.
    ///
    /// # Errors
    /// See [`DbError`]; with [`Kind::Unreachable`] where no server takes writes at the moment.
    pub async fn read_from_primary<T, F, Fut>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        let servers = &self.cluster.shared.servers;
        let primary = servers.writer().ok_or_else(|| servers.no_writer(name, Role::Read))?;
        self.read_from(vec![primary], name, work).await
    }

    /// From the first of them that answers; there is always one.
    async fn read_from<T, F, Fut>(&self, readers: Vec<ServerId>, name: &'static str, work: F) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        let servers = &self.cluster.shared.servers;
        let mut readers = readers.into_iter();
        let first = readers.next().expect("there is always one to try");
        let deadline = Instant::now() + servers.db(first).policy().read_deadline;
        let mut answer = servers
            .db(first)
            .run_statements(name, Phase::Read, deadline, &work)
            .await;
        for next in readers {
            match &answer {
                Err(failed) if another_may_answer(failed) && Instant::now() < deadline => {}
                _ => break,
            }
            answer = servers
                .db(next)
                .run_statements(name, Phase::Read, deadline, &work)
                .await;
        }
        answer
    }

    /// As [`Cluster::write`].
    ///
    /// # Errors
    /// See [`Cluster::write`].
    pub async fn write<T, F, Fut>(&self, name: &'static str, work: F) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<T, sqlx::Error>>,
    {
        let on_unknown = OnUnknownCommit::Report;
        let write = |db: Db<D>, deadline| {
            let work = &work;
            async move { db.run_statements(name, Phase::Autocommit, deadline, work).await }
        };
        self.on_the_writer(name, on_unknown, write).await
    }

    /// As [`Cluster::transaction`].
    ///
    /// # Errors
    /// See [`Cluster::transaction`].
    pub async fn transaction<T, F, Fut>(
        &self,
        name: &'static str,
        on_unknown: OnUnknownCommit,
        work: F,
    ) -> Result<T, DbError>
    where
        F: Fn(Connection<D>) -> Fut,
        Fut: Future<Output = Result<End<T>, sqlx::Error>>,
    {
        let transaction = |db: Db<D>, deadline| {
            let work = &work;
            async move { db.transaction_until(name, on_unknown, deadline, work).await }
        };
        self.on_the_writer(name, on_unknown, transaction).await
    }

    /// On the primary, and where that has just changed, on the next.
    async fn on_the_writer<T, F, Fut>(
        &self,
        name: &'static str,
        on_unknown: OnUnknownCommit,
        call: F,
    ) -> Result<T, DbError>
    where
        F: Fn(Db<D>, Instant) -> Fut,
        Fut: Future<Output = Result<T, DbError>>,
    {
        let servers = &self.cluster.shared.servers;
        let mut writer = servers.writer().ok_or_else(|| servers.no_writer(name, Role::Write))?;
        let deadline = Instant::now() + servers.db(writer).policy().write_deadline;
        let mut in_doubt = false;
        loop {
            let answer = match call(servers.db(writer).clone(), deadline).await {
                // By a server that writes have moved away from meanwhile: whoever is written to now has to know of it.
                Ok(_) if !servers.wrote(writer) => Err(doubted(no_writer(name, Kind::Unreachable, Duration::ZERO))),
                answer => answer,
            };
            if let Some(key) = self.key.filter(|_| may_have_happened(&answer)) {
                servers.pin(key);
            }
            let failed = match answer {
                Err(failed) if another_may_take_it(&failed, on_unknown) => failed,
                Err(failed) if in_doubt => return Err(doubted(failed)),
                answer => return answer,
            };
            in_doubt |= failed.class.outcome == Outcome::Unknown;
            match self.next_writer(writer, &failed, deadline).await {
                Some(next) => writer = next,
                None if in_doubt => return Err(doubted(failed)),
                None => return Err(failed),
            }
        }
    }

    /// Who is the primary after `failed`, if that is another one and there is time left. Where something may
    /// have happened, it is waited for, and whoever it is will know.
    async fn next_writer(&self, writer: ServerId, failed: &DbError, deadline: Instant) -> Option<ServerId> {
        let servers = &self.cluster.shared.servers;
        if failed.class.action == Action::FailOver {
            servers.refused_to_write(writer);
        }
        // Who was refused without an attempt is answered at once, and the probes go on by themselves.
        if failed.attempts > 0 {
            let _not_in_time = timeout_at(deadline, servers.look_again()).await;
        }
        if failed.class.outcome == Outcome::Unknown {
            return servers.writer_before(deadline).await;
        }
        let next = servers.writer().filter(|next| *next != writer);
        next.filter(|_| Instant::now() < deadline)
    }
}

fn may_have_happened<T>(answer: &Result<T, DbError>) -> bool {
    match answer {
        Ok(_) => true,
        Err(failed) => matches!(failed.class.outcome, Outcome::Unknown | Outcome::Applied),
    }
}

/// What an earlier attempt came to is not known, whatever became of this one.
fn doubted(failed: DbError) -> DbError {
    let class = in_doubt(failed.class);
    DbError { class, ..failed }
}

/// The server is to blame, and not what it was asked.
fn another_may_answer(failed: &DbError) -> bool {
    matches!(failed.class.kind, Kind::Unreachable | Kind::Busy | Kind::Misconfigured)
}

fn another_may_take_it(failed: &DbError, on_unknown: OnUnknownCommit) -> bool {
    match failed.class.outcome {
        Outcome::NotSent | Outcome::RolledBack => {
            failed.class.action == Action::FailOver || failed.class.kind == Kind::Unreachable
        }
        Outcome::Unknown => on_unknown == OnUnknownCommit::Repeat,
        Outcome::Applied => false,
    }
}

/// No server is known to take writes; `kind` says what that is to the caller.
fn no_writer(name: &'static str, kind: Kind, retry_after: Duration) -> DbError {
    let class = Class {
        kind,
        breaker: BreakerEffect::Ignored,
        ..REFUSED
    };
    DbError {
        name,
        class,
        constraint: None,
        retry_after: Some(retry_after),
        attempts: 0,
        source: None,
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;

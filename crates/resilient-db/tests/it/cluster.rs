//! A primary and its standbys, all of them real: one is killed or hangs, another is promoted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use resilient_db::failure::Kind;
use resilient_db::{Cluster, ClusterPolicy, DbError, End, Observer, OnUnknownCommit};
use tokio::task::spawn_blocking;

use crate::replicated::{REPLICATED_WITHIN, Replicated, on, promoted, replicated, server};
use crate::support::{PrivateServer as _, Served, eventually, on_each_server, run};

on_each_server!(
    a_standby_promoted_after_a_kill_is_written_to_and_the_old_primary_never_again,
    a_standby_promoted_while_the_primary_hangs_is_written_to_and_the_old_primary_never_again,
    a_commit_lost_with_its_primary_is_resolved_on_the_next,
    reads_are_spread_over_replicas_in_time_and_fall_back_to_the_primary,
    who_has_written_reads_it_though_replicas_are_late,
);

async fn insert<D: Served>(cluster: &Cluster<D>, id: i64) -> Result<u64, DbError> {
    let sql = format!("INSERT INTO effect VALUES ({id})");
    cluster.write("insert", |connection| run(connection, sql.clone())).await
}

/// What an observer of the cluster was told.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn all(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }
}

impl Observer for Told {
    fn writer_changed(&self, from: Option<&str>, to: Option<&str>) {
        let (from, to) = (from.unwrap_or("none"), to.unwrap_or("none"));
        self.0.lock().expect("no panic").push(format!("{from} to {to}"));
    }

    fn two_writers(&self, writer: Option<&str>, other: &str) {
        let writer = writer.unwrap_or("none");
        self.0
            .lock()
            .expect("no panic")
            .push(format!("{other} beside {writer}"));
    }
}

/// Every 25 milliseconds somebody writes the next number, once, whatever became of those before. Keeps
/// when each was acknowledged.
#[derive(Default)]
struct Writing {
    next: AtomicI64,
    acknowledged: Mutex<BTreeMap<i64, Instant>>,
}

impl Writing {
    fn begin<D: Served>(cluster: &Cluster<D>) -> (Arc<Self>, tokio::task::JoinHandle<()>) {
        let (writing, cluster) = (Arc::new(Self::default()), cluster.clone());
        let coming = tokio::spawn({
            let writing = Arc::clone(&writing);
            async move {
                loop {
                    tokio::spawn(Arc::clone(&writing).write_next(cluster.clone()));
                    tokio::time::sleep(Duration::from_millis(25)).await;
                }
            }
        });
        (writing, coming)
    }

    async fn write_next<D: Served>(self: Arc<Self>, cluster: Cluster<D>) {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        if insert(&cluster, id).await.is_ok() {
            let at = Instant::now();
            self.acknowledged.lock().expect("no panic").insert(id, at);
        }
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().expect("no panic").len()
    }

    /// The first that was acknowledged after this moment.
    fn first_after(&self, moment: Instant) -> Option<(i64, Instant)> {
        let acknowledged = self.acknowledged.lock().expect("no panic");
        let later = acknowledged.iter().filter(|(_, at)| **at > moment);
        later.map(|(id, at)| (*id, *at)).min_by_key(|(_, at)| *at)
    }

    async fn goes_on(&self, by: usize) {
        let wanted = self.count() + by;
        eventually("writes go on", REPLICATED_WITHIN, || async { self.count() >= wanted }).await;
    }
}

/// What happens to the primary, and how it comes back, as a primary.
struct Loss<D: Served> {
    goes: fn(&D::Private),
    returns: fn(&D::Private),
}

async fn fail_over<D: Replicated>(loss: Loss<D>) {
    let (north, standbys) = replicated::<D>(1).await;
    let south = Arc::clone(&standbys[0]);
    let told = Arc::new(Told::default());
    let policy = ClusterPolicy {
        observer: told.clone(),
        ..ClusterPolicy::default()
    };
    let servers = vec![server::<D>("south", &south), server::<D>("north", &north)];
    let cluster = Cluster::connect_lazily(servers, Vec::new(), policy).await;
    let (writing, coming) = Writing::begin(&cluster);
    writing.goes_on(40).await;

    (loss.goes)(&north);
    promoted::<D>(&south).await;
    let since = Instant::now();
    eventually("the new primary is found", REPLICATED_WITHIN, || async {
        writing.first_after(since).is_some()
    })
    .await;
    let (first, at) = writing.first_after(since).expect("found");
    println!("{}: first write {:?} after the promotion", D::NAME, at - since);
    let begun_before = writing.next.load(Ordering::SeqCst);
    writing.goes_on(40).await;

    // It comes back and takes writes, as if nothing had happened.
    spawn_blocking({
        let north = Arc::clone(&north);
        move || (loss.returns)(&north)
    })
    .await
    .expect("it returns");
    eventually("it is told", REPLICATED_WITHIN, || async {
        told.all().contains(&"north beside south".to_owned())
    })
    .await;
    writing.goes_on(60).await;

    // Now the new one is lost as well: the old one has another history, and is not gone back to.
    south.kill();
    let refused = || async { insert(&cluster, -1).await.is_err_and(|error| error.attempts == 0) };
    eventually("writes are refused", REPLICATED_WITHIN, refused).await;
    let refused = insert(&cluster, -1).await.expect_err("nobody takes writes");
    assert_eq!(refused.class.kind, Kind::ReadOnly);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    coming.abort();
    let moves: Vec<_> = told.all().into_iter().filter(|told| told.contains(" to ")).collect();
    let to: Vec<_> = moves.iter().filter_map(|told| told.split(" to ").last()).collect();
    let servers: Vec<_> = to.iter().filter(|to| **to != "none").collect();
    assert_eq!(servers, [&"north", &"south"], "{moves:?}");
    assert_eq!(to.last(), Some(&"none"));

    // No number that was begun after the move is where the move was from, and none is in two places.
    let strayed = format!("SELECT count(*) FROM effect WHERE id >= {begun_before} OR id < 0");
    assert_eq!(
        on::<D>(&north, &strayed),
        "0",
        "of those begun after {first} was acknowledged"
    );
    south.restart().expect("it starts again");
    let moved: Vec<i64> = writing.acknowledged.lock().expect("no panic").keys().copied().collect();
    let moved: Vec<_> = moved
        .into_iter()
        .filter(|id| *id >= begun_before)
        .map(|id| id.to_string())
        .collect();
    assert!(moved.len() >= 80, "{}", moved.len());
    let kept = format!(
        "SELECT count(DISTINCT id) FROM effect WHERE id IN ({})",
        moved.join(",")
    );
    assert_eq!(
        on::<D>(&south, &kept),
        moved.len().to_string(),
        "the new primary has what it acknowledged"
    );
}

async fn a_standby_promoted_after_a_kill_is_written_to_and_the_old_primary_never_again<D: Replicated>() {
    let killed = Loss::<D> {
        goes: |server| server.kill(),
        returns: |server| server.restart().expect("it starts again"),
    };
    fail_over(killed).await;
}

async fn a_standby_promoted_while_the_primary_hangs_is_written_to_and_the_old_primary_never_again<D: Replicated>() {
    let frozen = Loss::<D> {
        goes: |server| server.freeze(),
        returns: |server| server.thaw(),
    };
    fail_over(frozen).await;
}

/// A commit's answer is lost with the primary: the work is run again on the next one, and its id tells
/// whether it had been done there.
async fn a_commit_lost_with_its_primary_is_resolved_on_the_next<D: Replicated>() {
    let (north, standbys) = replicated::<D>(1).await;
    let south = Arc::clone(&standbys[0]);
    let proxy = fault_proxy::FaultProxy::start(([127, 0, 0, 1], north.port()).into())
        .await
        .expect("a proxy");
    let mut by_proxy = server::<D>("north", &north);
    by_proxy.options = D::url_at(proxy.address()).parse().expect("an address");
    by_proxy.policy.write_deadline = Duration::from_secs(15);
    let mut other = server::<D>("south", &south);
    other.policy.write_deadline = Duration::from_secs(15);
    let cluster = Cluster::connect_lazily(vec![by_proxy, other], Vec::new(), ClusterPolicy::default()).await;
    let pattern = D::COMMIT.to_vec();
    proxy.set(fault_proxy::Fault::CutAnswerTo { pattern, times: 1 }).await;
    let saving = tokio::spawn({
        let cluster = cluster.clone();
        async move {
            let saved = cluster.transaction("save", OnUnknownCommit::Repeat, |mut connection| async move {
                let claimed = D::perform(&mut connection, D::claim("effect", 7)).await?;
                Ok(match claimed {
                    1 => End::Commit("done"),
                    _ => End::Rollback("done before"),
                })
            });
            saved.await
        }
    });
    eventually("the answer is lost", REPLICATED_WITHIN, || async {
        proxy.counters().matched > 0
    })
    .await;
    // It had been streamed, and nobody but the new primary can say so.
    eventually("it was streamed", REPLICATED_WITHIN, || async {
        on::<D>(&south, "SELECT count(*) FROM effect") == "1"
    })
    .await;
    proxy.set(fault_proxy::Fault::Cut).await;
    promoted::<D>(&south).await;
    let saved = saving.await.expect("no panic").expect("resolved");
    println!("resolved: {saved}");
    assert_eq!(on::<D>(&south, "SELECT count(*) FROM effect"), "1");
}

/// Which of these answers, by port, thirty times.
async fn ports<D: Replicated>(cluster: &Cluster<D>) -> BTreeMap<u16, usize> {
    let mut answered = BTreeMap::new();
    for _ in 0..30 {
        let port = cluster.read("port", |mut connection| async move {
            D::number(&mut connection, D::PORT).await
        });
        let port = port.await.expect("an answer").try_into().expect("a port");
        *answered.entry(port).or_default() += 1;
    }
    answered
}

async fn reads_are_spread_over_replicas_in_time_and_fall_back_to_the_primary<D: Replicated>() {
    let (primary, replicas) = replicated::<D>(2).await;
    let policy = ClusterPolicy {
        max_lag: Duration::from_secs(3),
        settling: Duration::ZERO,
        ..ClusterPolicy::default()
    };
    let others = vec![server::<D>("first", &replicas[0]), server::<D>("second", &replicas[1])];
    let cluster = Cluster::connect_lazily(vec![server::<D>("primary", &primary)], others, policy).await;
    let both = BTreeMap::from([(replicas[0].port(), 15), (replicas[1].port(), 15)]);
    eventually("both are in time", REPLICATED_WITHIN, || async {
        ports(&cluster).await == both
    })
    .await;

    // One stands still while the primary goes on.
    let next = AtomicI64::new(1);
    on::<D>(&replicas[0], D::PAUSE);
    let second_alone = BTreeMap::from([(replicas[1].port(), 30)]);
    eventually("the late one is left out", REPLICATED_WITHIN, || async {
        let id = next.fetch_add(1, Ordering::SeqCst);
        insert(&cluster, id).await.expect("inserted");
        ports(&cluster).await == second_alone
    })
    .await;
    assert_eq!(
        on::<D>(&replicas[0], "SELECT count(*) FROM effect"),
        "0",
        "it was late indeed"
    );
    on::<D>(&replicas[0], D::RESUME);
    eventually("it is back", REPLICATED_WITHIN, || async {
        ports(&cluster).await.len() == 2
    })
    .await;

    // Nobody is refused an answer while replicas are lost, or the primary.
    replicas.iter().for_each(|replica| replica.kill());
    assert_eq!(ports(&cluster).await, BTreeMap::from([(primary.port(), 30)]));
    replicas
        .iter()
        .for_each(|replica| replica.restart().expect("it starts again"));
    eventually("they are back", REPLICATED_WITHIN, || async {
        ports(&cluster).await.len() == 2
    })
    .await;
    primary.kill();
    let refused = || async { insert(&cluster, 0).await.is_err_and(|error| error.attempts == 0) };
    eventually("writes are refused", REPLICATED_WITHIN, refused).await;
    eventually("reading goes on", REPLICATED_WITHIN, || async {
        ports(&cluster).await == both
    })
    .await;
    // What something is decided by is not read from them, and what should be new is, now that nobody has it.
    let reader = cluster.seen_by("ann");
    let port = |mut connection| async move { D::number(&mut connection, D::PORT).await };
    let decisive = reader.read_from_primary("port", port).await.expect_err("there is none");
    assert_eq!((decisive.class.kind, decisive.attempts), (Kind::Unreachable, 0));
    let newest = reader.read_from_primary_first("port", port).await.expect("an answer");
    assert!(
        replicas.iter().any(|replica| i64::from(replica.port()) == newest),
        "{newest}"
    );
    let health = cluster.health();
    assert!(
        health.iter().all(|server| !server.is_writer && !server.is_barred),
        "{health:?}"
    );
}

async fn who_has_written_reads_it_though_replicas_are_late<D: Replicated>() {
    let (primary, replicas) = replicated::<D>(1).await;
    let servers = (
        vec![server::<D>("primary", &primary)],
        vec![server::<D>("replica", &replicas[0])],
    );
    let policy = ClusterPolicy {
        settling: Duration::ZERO,
        ..ClusterPolicy::default()
    };
    let cluster = Cluster::connect_lazily(servers.0, servers.1, policy).await;
    on::<D>(&replicas[0], D::PAUSE);
    let count = |mut connection| async move { D::number(&mut connection, "SELECT count(*) FROM effect").await };
    let (ann, bob) = (cluster.seen_by("ann"), cluster.seen_by("bob"));
    for written in 1..=20 {
        let sql = format!("INSERT INTO effect VALUES ({written})");
        let write = ann.write("insert", |connection| run(connection, sql.clone()));
        write.await.expect("inserted");
        assert_eq!(ann.read("count", count).await.expect("counted"), written);
        let newest = bob.read_from_primary_first("count", count).await;
        assert_eq!(newest.expect("counted"), written, "from the primary");
        assert_eq!(
            bob.read("count", count).await.expect("counted"),
            0,
            "from the late replica"
        );
    }
    let done = bob.transaction("insert", OnUnknownCommit::Report, |connection| async move {
        run(connection, "INSERT INTO effect VALUES (21)").await.map(End::Commit)
    });
    done.await.expect("inserted");
    assert_eq!(bob.read("count", count).await.expect("counted"), 21);
    on::<D>(&replicas[0], D::RESUME);
    // The pins end, and by then the replica has all of it.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    replicas_have(&cluster, 21).await;
}

/// Whoever never wrote reads it from a replica.
async fn replicas_have<D: Replicated>(cluster: &Cluster<D>, wanted: i64) {
    eventually("the replicas have it", REPLICATED_WITHIN, || async {
        let count = |mut connection| async move { D::number(&mut connection, "SELECT count(*) FROM effect").await };
        cluster.read("count", count).await.expect("counted") == wanted
    })
    .await;
}

//! Outages one after the other under one steady load, and what each of them cost.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use resilient_db::{Connection, Db, Options, Policy};
use tokio::time::{sleep, timeout};

use crate::load::{Load, Request, lies};
use crate::scene::{Failure, Fault, Scene};
use crate::statements::{Loaded, accepts};
use crate::support::assert_pool_is_whole;
use crate::watch::Watch;

/// Of normal times, and after each outage.
const OBSERVED: Duration = Duration::from_secs(5);
/// And up to a second more, so that outages do not end in step with the probes.
const OUTAGE: Duration = Duration::from_secs(3);
/// A database that is not back after this will not come back.
const NEVER: Duration = Duration::from_secs(60);
const BETWEEN_TRIES: Duration = Duration::from_millis(5);
/// For a machine that does other things as well.
const SLACK: Duration = Duration::from_millis(250);

/// What was measured of one fault.
#[derive(Debug, Default)]
pub struct Measured {
    pub requests: Vec<Request>,
    pub refusals: Vec<Duration>,
    pub outages: Vec<Range<Instant>>,
    pub attempts_per_call: f64,
    pub recoveries: Vec<Duration>,
    /// Queries in the seconds after each outage, to those before the first.
    pub surges: Vec<f64>,
    pub permits_whole: bool,
    pub lies: Vec<String>,
    pub late: Vec<Request>,
}

struct Bench<'a, D: Loaded, S> {
    fault: Fault,
    scene: &'a mut S,
    options: Options<D>,
    load: Arc<Load<D>>,
    watch: Arc<Watch>,
    measured: Measured,
}

/// # Errors
/// The fault cannot be brought about here.
pub async fn run<D: Loaded, S: Scene<D>>(
    fault: Fault,
    scene: &mut S,
    rounds: u32,
    seed: u64,
) -> Result<Measured, Failure> {
    let (options, watch, policy) = (scene.options()?, Arc::new(Watch::default()), Policy::default());
    let observer = watch.clone();
    let db = Db::<D>::connect_lazily(
        options.clone(),
        Policy {
            observer,
            ..policy.clone()
        },
    )
    .await;
    for statement in scene.tables() {
        let made = db.write("table", |mut connection: Connection<D>| {
            let statement = statement.clone();
            async move { D::perform(&mut connection, statement).await }
        });
        made.await?;
    }
    let load = Load::on(db.clone());
    let running = tokio::spawn(Arc::clone(&load).run(seed));
    let mut bench = Bench {
        fault,
        scene,
        options,
        load: Arc::clone(&load),
        watch: Arc::clone(&watch),
        measured: Measured::default(),
    };
    let outcome = bench.rounds(rounds, seed).await;
    load.end();
    running.await?;
    outcome?;
    let mut measured = bench.measured;
    measured.requests = load.requests();
    measured.refusals = watch.refusals();
    let spares_reading = fault.spares_reading(D::NAME == <sqlx::Sqlite as sqlx::Database>::NAME);
    measured.attempts_per_call = watch.attempts_per_call(&measured.outages, spares_reading);
    measured.late = late(&measured.requests, &policy);
    measured.lies = lies(&measured.requests, &scene.effects().await?);
    measured.permits_whole = tokio::spawn(async move { assert_pool_is_whole(&db).await })
        .await
        .is_ok();
    Ok(measured)
}

impl<D: Loaded, S: Scene<D>> Bench<'_, D, S> {
    async fn rounds(&mut self, rounds: u32, seed: u64) -> Result<(), Failure> {
        let mut random = fastrand::Rng::with_seed(seed);
        sleep(Duration::from_secs(1)).await;
        let normal = self.queries_while_observed().await;
        for _ in 0..rounds {
            self.outage(OUTAGE + Duration::from_millis(random.u64(0..1_000)))
                .await?;
            let after = self.queries_while_observed().await;
            self.measured.surges.push(after as f64 / normal.max(1) as f64);
        }
        Ok(())
    }

    async fn outage(&mut self, length: Duration) -> Result<(), Failure> {
        self.scene.strike().await?;
        let struck = Instant::now();
        sleep(length).await;
        let lifted = Instant::now();
        self.measured.outages.push(struck..lifted);

        let (options, load, is_a_setting) = (&self.options, &self.load, self.fault.is_a_setting());
        let back = async {
            let (accepted, first) = tokio::join!(looked_at::<D>(options, load, is_a_setting), first_change(load));
            (accepted, first)
        };
        let (lifting, back) = tokio::join!(self.scene.lift(), timeout(NEVER, back));
        lifting?;
        let (accepted, ()) = back.map_err(|_| format!("no change within {NEVER:?} of the outage's end"))?;
        let first = self.load.first_change_after(lifted).ok_or("no change was answered")?;
        self.measured.recoveries.push(first.saturating_duration_since(accepted));
        Ok(())
    }

    /// Pieces of work that were begun, and probes.
    async fn queries_while_observed(&self) -> u64 {
        let count = || self.load.queries.load(Ordering::SeqCst) + self.watch.probes.load(Ordering::SeqCst);
        let before = count();
        sleep(OBSERVED).await;
        count() - before
    }
}

/// When the plain client is served. Who mended a setting has the library look at once.
async fn looked_at<D: Loaded>(options: &Options<D>, load: &Load<D>, is_a_setting: bool) -> Instant {
    let accepted = accepts::<D>(options).await;
    if is_a_setting {
        load.db.probe_now().await;
    }
    accepted
}

/// Somebody tries all the time; a refusal costs the database nothing.
async fn first_change<D: Loaded>(load: &Load<D>) {
    while load.change().await.is_err() {
        sleep(BETWEEN_TRIES).await;
    }
}

/// Those who were answered after their time. A COMMIT may take longer, as the policy says.
fn late(requests: &[Request], policy: &Policy) -> Vec<Request> {
    let limit = |request: &Request| match request.change {
        Some(_) => policy.write_deadline + policy.commit_at_least,
        None => policy.read_deadline,
    };
    let late = |request: &&Request| request.took > limit(request) + SLACK;
    requests.iter().filter(late).copied().collect()
}

impl Measured {
    /// What is wrong however quick or slow the machine is.
    pub fn wrongs(&self) -> Vec<String> {
        let late = self.late.iter().map(|request| format!("answered late: {request:?}"));
        let permits = (!self.permits_whole).then(|| "places of the pool are missing".to_owned());
        late.chain(permits).chain(self.lies.iter().cloned()).collect()
    }

    pub fn slowest(&self, changes: bool) -> Duration {
        let of_kind = self
            .requests
            .iter()
            .filter(|request| request.change.is_some() == changes);
        of_kind.map(|request| request.took).max().unwrap_or_default()
    }
}

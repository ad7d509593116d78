//! Every decision is told, once, and under names from the code alone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use resilient_db::failure::Class;
use resilient_db::{CallEnded, Db, Fault, Faults, Observer, Policy, Refusal, Role, RoleHealth};
#[cfg(feature = "metrics")]
use sqlx::Postgres;

use crate::support::{
    PATIENCE, Served, ask, connected_to, eventually, execute, on_each_server, patient, private_server, sleep_on_server,
};

on_each_server!(
    each_ending_of_a_call_is_told_once,
    pools_and_breakers_are_told_with_each_probe,
);

#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn add(&self, note: String) {
        self.0.lock().expect("no panic").push(note);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }
}

impl Observer for Notes {
    fn call_ended(&self, call: &CallEnded) {
        assert!(call.took < 2 * PATIENCE);
        self.add(format!(
            "{} {} {} after {}",
            call.name,
            call.role.name(),
            call.ending.name(),
            call.attempts
        ));
    }

    fn repeating(&self, name: &'static str, role: Role, failed: u32, class: &Class, _: Duration) {
        self.add(format!(
            "{name} {} again after {failed} {}",
            role.name(),
            class.kind.name()
        ));
    }

    fn refused(&self, name: &'static str, _: Role, refusal: Refusal) {
        self.add(format!("{name} {}", refusal.name()));
    }
}

async fn observed<D: Served>(server: &D::Private) -> (Db<D>, Arc<Notes>, Faults) {
    let (notes, faults) = (Arc::new(Notes::default()), Faults::default());
    let policy = Policy {
        observer: notes.clone(),
        faults: Some(faults.clone()),
        max_connections: 1,
        burst_connections: 0,
        waiting: 1,
        ..patient()
    };
    (connected_to::<D>(server, policy).await, notes, faults)
}

async fn each_ending_of_a_call_is_told_once<D: Served>() {
    let server = private_server::<D>().await;
    let (db, notes, faults) = observed::<D>(&server).await;

    ask(&db).await.expect("an answer");
    assert_eq!(notes.take(), ["ask read succeeded after 1"]);

    execute(&db, "SELECT no_such_column").await.expect_err("wrong");
    assert_eq!(notes.take(), ["execute write defect after 1"]);

    faults.inject(Fault::Deadlock, Duration::from_secs(60));
    execute(&db, "SELECT 1").await.expect_err("undone");
    faults.stop();
    assert_eq!(
        notes.take(),
        [
            "execute write again after 1 contention",
            "execute write again after 2 contention",
            "execute write contention after 3"
        ]
    );

    // One runs, one waits, the third is turned away; and who gives up is told as such.
    let running = tokio::spawn({
        let db = db.clone();
        async move { sleep_on_server(&db, 30.0).await }
    });
    eventually("one runs", PATIENCE, || async { db.health().read.pool.running == 1 }).await;
    let waiting = tokio::spawn({
        let db = db.clone();
        async move { ask(&db).await }
    });
    eventually("one waits", PATIENCE, || async { db.health().read.pool.waiting == 1 }).await;
    ask(&db).await.expect_err("turned away");
    assert_eq!(notes.take(), ["ask bulkhead_full", "ask read busy after 0"]);
    waiting.abort();
    running.abort();
    let (_, _) = tokio::join!(waiting, running);
    let mut abandoned = notes.take();
    abandoned.sort();
    assert_eq!(
        abandoned,
        ["ask read abandoned after 0", "sleep read abandoned after 1"]
    );

    faults.inject(Fault::Refuse, Duration::from_secs(60));
    eventually("the breaker is open", Duration::from_secs(5), || async {
        !db.health().read.is_closed()
    })
    .await;
    notes.take();
    ask(&db).await.expect_err("refused");
    assert_eq!(notes.take(), ["ask breaker_open", "ask read unreachable after 0"]);
}

#[derive(Debug, Default)]
struct Counted(Mutex<Vec<(Role, u32, bool)>>);

impl Observer for Counted {
    fn counted(&self, role: Role, health: &RoleHealth) {
        let seen = (role, health.pool.max, health.is_closed());
        self.0.lock().expect("no panic").push(seen);
    }
}

async fn pools_and_breakers_are_told_with_each_probe<D: Served>() {
    let server = private_server::<D>().await;
    let counted = Arc::new(Counted::default());
    let policy = Policy {
        observer: counted.clone(),
        ..Policy::default()
    };
    let _db = connected_to::<D>(&server, policy).await;
    let seen = counted.0.lock().expect("no panic").clone();
    // A slow start has the next probe within it; of one that goes on now, one half may be told already.
    assert!(seen.len() >= 2, "{seen:?}");
    for of_one_probe in seen.chunks_exact(2) {
        assert_eq!(of_one_probe, [(Role::Read, 10, true), (Role::Write, 10, true)]);
    }
}

/// What a recorder of the `metrics` facade gets; one recorder for this process.
#[cfg(feature = "metrics")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_have_units_in_their_names_and_labels_from_the_code_alone() {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use resilient_db::CountMetrics;

    let recorder = PrometheusBuilder::new().install_recorder().expect("the only recorder");
    CountMetrics::describe();
    let postgres = private_server::<Postgres>().await;
    let faults = Faults::default();
    let policy = Policy {
        observer: Arc::new(CountMetrics { database: "main" }),
        faults: Some(faults.clone()),
        ..Policy::default()
    };
    let db = connected_to::<Postgres>(&postgres, policy).await;
    ask(&db).await.expect("an answer");
    execute(&db, "SELECT no_such_column").await.expect_err("wrong");
    faults.inject(Fault::Refuse, Duration::from_secs(60));
    eventually("the breaker is open", Duration::from_secs(5), || async {
        ask(&db).await.is_err_and(|error| error.attempts == 0)
    })
    .await;
    let text = recorder.render();
    for line in [
        r#"db_calls_total{database="main",call="ask",role="read",outcome="succeeded"} 1"#,
        r#"db_calls_total{database="main",call="execute",role="write",outcome="defect"} 1"#,
        r#"db_refusals_total{database="main",call="ask",role="read",reason="breaker_open"} 1"#,
        r#"db_pool_connections_max{database="main",role="read"} 10"#,
        r#"db_pool_connections_overflow{database="main",role="read"} 0"#,
        r#"db_pool_limit{database="main",role="read"} 10"#,
        r#"db_trend_rising{database="main",role="write",trend="slowing"} 0"#,
        "# TYPE db_breaker_state gauge",
        "db_call_duration_seconds",
        "db_probe_duration_seconds",
        r#"db_retries_total{database="main",call="ask",role="read",kind="unreachable"}"#,
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    let breaker = |level: &str| text.contains(&format!(r#"db_breaker_state{{database="main",role="read"}} {level}"#));
    assert!(breaker("2") || breaker("1"), "{text}");
    faults.stop();
    eventually("the gauge says closed", Duration::from_secs(5), || async {
        recorder
            .render()
            .contains(r#"db_breaker_state{database="main",role="read"} 0"#)
    })
    .await;
    assert!(!text.contains("no_such_column"), "{text}");
}

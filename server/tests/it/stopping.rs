//! Told to stop while people save: what has been begun is ended and answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use resilient_core::submission::answer::Outcome;

use crate::support::drawn_form::DrawnForm;
use crate::support::running_server::RunningServer;

const CLIENTS: usize = 16;
const ROUNDS: usize = 3;

const SCHEMA: &str = "CREATE TABLE activity (id INTEGER PRIMARY KEY, title TEXT NOT NULL);";

/// Saves one new record after the other until no answer comes any more; tells how many were answered with `saved`.
async fn saves_until_it_is_gone(
    server: Arc<RunningServer>,
    form: DrawnForm,
    name: String,
    begun: Arc<AtomicUsize>,
) -> i64 {
    for n in 0.. {
        let id = uuid::Uuid::new_v4().to_string();
        let mut form = form.clone().with("_id", &id).with("v.title", &format!("{name} {n}"));
        form.action = format!("/records/activity/new?form={id}");
        begun.fetch_add(1, Ordering::Relaxed);
        match server.save(&form).await {
            Some(answer) => assert_eq!(answer.outcome, Outcome::Saved, "a wrong answer: {answer:?}"),
            None => return n,
        }
    }
    unreachable!("it was told to stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_ends_and_answers_what_was_begun() {
    let server = Arc::new(RunningServer::over_sqlite(SCHEMA).await);
    let mut answered = 0;
    for round in 0..ROUNDS {
        let path = format!("/records/activity/new?form={}", uuid::Uuid::new_v4());
        let form = server.form(&path).await.expect("a form");
        let begun = Arc::new(AtomicUsize::new(0));
        let clients = (0..CLIENTS).map(|client| {
            let (server, form, begun) = (Arc::clone(&server), form.clone(), Arc::clone(&begun));
            tokio::spawn(saves_until_it_is_gone(server, form, format!("{round} {client}"), begun))
        });
        let clients: Vec<_> = clients.collect();
        while begun.load(Ordering::Relaxed) < 10 * CLIENTS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let told = Instant::now();
        let ended = tokio::task::block_in_place(|| server.terminate());
        println!("round {round}: ended {:?} after it was told to", told.elapsed());
        assert!(ended.success(), "{ended}");
        for client in clients {
            answered += client.await.expect("no wrong answer");
        }
        let there = server.count("SELECT count(*) FROM activity".to_owned()).await;
        println!("round {round}: {there} saved, {answered} answered so");
        assert_eq!(
            there, answered,
            "a save is there without an answer, or answered and not there"
        );
        let started = Instant::now();
        server.start().await;
        println!("round {round}: ready {:?} after its start", started.elapsed());
    }
}

//! Told to stop while people save: what has been begun is ended and answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use resilient_core::submission::answer::Outcome;

use crate::support::drawn_form::DrawnForm;
use crate::support::running_server::RunningServer;

const CLIENTS: usize = 16;
/// Between two presses of Save under one id.
const PAUSE: Duration = Duration::from_millis(50);
const ROUNDS: usize = 3;

const SCHEMA: &str = "CREATE TABLE activity (id INTEGER PRIMARY KEY, title TEXT NOT NULL);";

#[derive(Clone, Copy, Default)]
struct Saves {
    /// The last answer was `saved`.
    answered: i64,
    /// The last answer was that it is kept: the server sends it by itself, now or after its next start.
    kept: i64,
}

/// Saves one new record after the other until no answer comes any more.
async fn saves_until_it_is_gone(
    server: Arc<RunningServer>,
    form: DrawnForm,
    name: String,
    begun: Arc<AtomicUsize>,
) -> Saves {
    let mut saves = Saves::default();
    for n in 0.. {
        let id = uuid::Uuid::new_v4().to_string();
        let mut form = form.clone().with("_id", &id).with("v.title", &format!("{name} {n}"));
        form.action = format!("/records/activity/new?form={id}");
        begun.fetch_add(1, Ordering::Relaxed);
        match saved(&server, &form).await {
            Ended::Saved => saves.answered += 1,
            Ended::Kept => {
                saves.kept += 1;
                return saves;
            }
            Ended::Unanswered => return saves,
        }
    }
    unreachable!("it was told to stop");
}

enum Ended {
    Saved,
    Kept,
    Unanswered,
}

/// Presses Save under the same id until it is saved, or no answer comes any more. All write to one file: where the machine
/// stands still for a second, those who wait for their turn are told that it is kept, and no other reason counts.
async fn saved(server: &RunningServer, form: &DrawnForm) -> Ended {
    let mut is_kept = false;
    while let Some(answer) = server.save(form).await {
        match (answer.outcome, answer.reason.as_deref()) {
            (Outcome::Saved, _) => return Ended::Saved,
            (Outcome::Kept, Some("overload")) => is_kept = true,
            (Outcome::InProgress, _) if is_kept => {}
            _ => panic!("a wrong answer: {answer:?}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    match is_kept {
        true => Ended::Kept,
        false => Ended::Unanswered,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_ends_and_answers_what_was_begun() {
    let server = Arc::new(RunningServer::over_sqlite(SCHEMA).await);
    let mut all = Saves::default();
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
            let saves = client.await.expect("no wrong answer");
            all.answered += saves.answered;
            all.kept += saves.kept;
        }
        let there = async || server.count("SELECT count(*) FROM activity".to_owned()).await;
        let (saved, Saves { answered, kept }) = (there().await, all);
        println!("round {round}: {saved} saved, {answered} answered so, {kept} kept");
        assert!(
            (answered..=answered + kept).contains(&saved),
            "a save is there without an answer, or answered and not there: {saved}, {answered} answered, {kept} kept"
        );
        let started = Instant::now();
        server.start().await;
        println!("round {round}: ready {:?} after its start", started.elapsed());
        // What it said it keeps, it saves.
        while there().await != answered + kept {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{} saved, {answered} answered so, {kept} kept",
                there().await
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

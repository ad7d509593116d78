//! A thousand saves, creates and changes of what was made, while ways are cut and the server is killed at random: none
//! lost, none twice, no wrong answer.
//!
//! Beside them stands a control: a client that takes a fresh form and id for every attempt. It has to write things
//! twice, or the faults hit nothing and the test proves nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use fault_proxy::Fault;
use resilient_core::submission::answer::{Answer, Outcome};

use crate::support::drawn_form::DrawnForm;
use crate::support::private_database::PrivateDatabase;
use crate::support::running_server::RunningServer;
use crate::support::test_app::Outage;

const SAVES: usize = 1_000;
const CONTROL_SAVES: usize = 60;
const AT_ONCE: usize = 8;
const SEED: u64 = 20_261_126;

/// The tables of the test on SQLite. `saves` is counted by the database itself, past anything the server could say.
const SQLITE_SCHEMA: &str = "
    CREATE TABLE activity (
        id INTEGER PRIMARY KEY,
        title TEXT NOT NULL,
        notes TEXT,
        saves INTEGER NOT NULL DEFAULT 0
    );
    CREATE TRIGGER count_saves AFTER UPDATE OF title ON activity
    BEGIN UPDATE activity SET saves = saves + 1 WHERE id = NEW.id; END;
";
const POSTGRES_TRIGGER: &str = "
    CREATE FUNCTION count_saves() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.saves := OLD.saves + 1; RETURN NEW; END $$;
    CREATE TRIGGER count_saves BEFORE UPDATE OF title ON activity FOR EACH ROW EXECUTE FUNCTION count_saves();
";

const MARIADB_TRIGGER: &str = "
    CREATE TRIGGER count_saves BEFORE UPDATE ON activity FOR EACH ROW SET NEW.saves = OLD.saves + 1;
";

/// A server that is being broken.
#[async_trait]
trait Server: Send + Sync + 'static {
    /// `None`: no good answer.
    async fn form(&self, path: &str) -> Option<DrawnForm>;
    async fn save(&self, form: &DrawnForm) -> Option<Answer>;
    /// One number out of the database, past the server.
    async fn count(&self, sql: String) -> i64;
    fn audit(&self) -> String;
}

#[async_trait]
impl Server for Outage {
    async fn form(&self, path: &str) -> Option<DrawnForm> {
        let page = self.app.get(path).await;
        page.status.is_success().then(|| DrawnForm::read(&page.body))
    }

    async fn save(&self, form: &DrawnForm) -> Option<Answer> {
        Some(self.app.save(form).await.1)
    }

    async fn count(&self, sql: String) -> i64 {
        Outage::count(self, &sql)
    }

    fn audit(&self) -> String {
        self.database.own("audit")
    }
}

#[async_trait]
impl Server for RunningServer {
    async fn form(&self, path: &str) -> Option<DrawnForm> {
        RunningServer::form(self, path).await
    }

    async fn save(&self, form: &DrawnForm) -> Option<Answer> {
        RunningServer::save(self, form).await
    }

    async fn count(&self, sql: String) -> i64 {
        RunningServer::count(self, sql).await
    }

    fn audit(&self) -> String {
        "inkfast_audit".to_owned()
    }
}

/// How a client names its attempts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ids {
    /// One id for one press of Save.
    Kept,
    /// Another one for each attempt, and another form: one form makes one record whatever its ids.
    Fresh,
}

fn new_form() -> (String, String) {
    let id = uuid::Uuid::new_v4().to_string();
    (format!("/records/activity/new?form={id}"), id)
}

async fn opens(server: &dyn Server, path: &str) -> DrawnForm {
    for _ in 0..1_000 {
        if let Some(form) = server.form(path).await {
            return form;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} cannot be opened");
}

/// Presses Save until it is saved; counts the attempts that were not.
async fn saves(server: &dyn Server, mut form: DrawnForm, ids: Ids, unsaved: &AtomicUsize) -> Answer {
    for _ in 0..1_000 {
        match server.save(&form).await {
            Some(answer) if answer.outcome == Outcome::Saved => return answer,
            Some(answer) if !matches!(answer.outcome, Outcome::Kept | Outcome::InProgress) => {
                panic!("a wrong answer: {:?} {:?}", answer.outcome, answer.errors)
            }
            _ => unsaved.fetch_add(1, Ordering::Relaxed),
        };
        if ids == Ids::Fresh {
            let (action, id) = new_form();
            form.action = action;
            form = form.with("_id", &id);
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    panic!("not saved within 1 000 attempts");
}

/// What was acknowledged: the record's key, and the title it has to have now.
type Acknowledged = (String, String);

/// A create, and a change of what it made.
async fn makes_and_changes(server: &dyn Server, title: &str, unsaved: &AtomicUsize) -> Acknowledged {
    let form = opens(server, &new_form().0)
        .await
        .with("v.title", &format!("{title} made"));
    let made = saves(server, form, Ids::Kept, unsaved).await;
    let key = made.key.expect("a saved record has a key");
    let changed = format!("{title} changed");
    let form = opens(server, &format!("/records/activity/{key}")).await;
    assert_eq!(
        form.value("v.title"),
        Some(format!("{title} made").as_str()),
        "a wrong page"
    );
    saves(server, form.with("v.title", &changed), Ids::Kept, unsaved).await;
    (key, changed)
}

/// All of them, [`AT_ONCE`] at a time.
async fn thousand(server: &Arc<impl Server>) -> (Vec<Acknowledged>, usize) {
    let unsaved = Arc::new(AtomicUsize::new(0));
    let workers = (0..AT_ONCE).map(|worker| {
        let (server, unsaved) = (Arc::clone(server), Arc::clone(&unsaved));
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for n in (worker..SAVES / 2).step_by(AT_ONCE) {
                acknowledged.push(makes_and_changes(&*server, &format!("kept {n}"), &unsaved).await);
            }
            acknowledged
        })
    });
    let mut acknowledged = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        acknowledged.extend(worker.await.expect("no wrong answer"));
    }
    (acknowledged, unsaved.load(Ordering::Relaxed))
}

/// Creates whose every attempt has an id of its own; how many records are too many afterwards.
async fn control(server: &Arc<impl Server>) -> i64 {
    let unsaved = AtomicUsize::new(0);
    for n in 0..CONTROL_SAVES {
        let form = opens(&**server, &new_form().0)
            .await
            .with("v.title", &format!("control {n}"));
        saves(&**server, form, Ids::Fresh, &unsaved).await;
    }
    let made = "SELECT count(*) FROM activity WHERE title LIKE 'control %'".to_owned();
    server.count(made).await - CONTROL_SAVES as i64
}

async fn nothing_is_lost_doubled_or_wrong(server: &impl Server, acknowledged: &[Acknowledged]) {
    let made = SAVES as i64 / 2;
    let there = acknowledged.iter().map(|(key, title)| format!("({key}, '{title}')"));
    let there = there.collect::<Vec<_>>().join(", ");
    let count = async |select: &str| server.count(select.to_owned()).await;
    let right =
        format!("WITH told(id, title) AS (VALUES {there}) SELECT count(*) FROM told JOIN activity USING (id, title)");
    assert_eq!(
        count(&right).await,
        made,
        "records that are not as they were acknowledged"
    );
    let kept = "FROM activity WHERE title LIKE 'kept %'";
    assert_eq!(count(&format!("SELECT count(*) {kept}")).await, made, "records");
    let changed_once = count(&format!("SELECT count(*) {kept} AND saves = 1")).await;
    assert_eq!(changed_once, made, "records changed exactly once");
    let audit = server.audit();
    let lines = "changes LIKE '%\"kept %'";
    let written = count(&format!("SELECT count(*) FROM {audit} WHERE {lines}")).await;
    let submissions = count(&format!("SELECT count(DISTINCT submission) FROM {audit} WHERE {lines}")).await;
    assert_eq!((written, submissions), (2 * made, 2 * made), "audit lines");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_saves_are_saved_once_while_postgresql_is_cut_at_random() {
    saved_once_while_cut_at_random("PostgreSQL", PrivateDatabase::postgres(), POSTGRES_TRIGGER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_saves_are_saved_once_while_mariadb_is_cut_at_random() {
    saved_once_while_cut_at_random("MariaDB", PrivateDatabase::mariadb(), MARIADB_TRIGGER).await;
}

async fn saved_once_while_cut_at_random(name: &str, database: PrivateDatabase, trigger: &str) {
    let outage = Arc::new(Outage::over(database).await);
    outage.database.query(trigger);
    let before = outage.proxy.counters().cut;
    let probability = 0.02;
    outage
        .proxy
        .set(Fault::CutAtRandom {
            probability,
            seed: SEED,
        })
        .await;
    let (acknowledged, unsaved) = thousand(&outage).await;
    let cuts = outage.proxy.counters().cut - before;
    outage.proxy.set(Fault::Pass).await;
    println!("{name}: {SAVES} saves, {cuts} cuts, {unsaved} unsaved answers");
    assert!(cuts > SAVES as u64 / 2, "only {cuts} cuts");
    nothing_is_lost_doubled_or_wrong(&*outage, &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_saves_are_saved_once_while_the_server_over_sqlite_is_killed() {
    let server = Arc::new(RunningServer::over_sqlite(SQLITE_SCHEMA).await);
    let before = server.proxy.counters().cut;
    let probability = 0.03;
    server
        .proxy
        .set(Fault::CutAtRandom {
            probability,
            seed: SEED,
        })
        .await;
    let over = Arc::new(AtomicBool::new(false));
    let killing = tokio::spawn(kill_again_and_again(Arc::clone(&server), Arc::clone(&over)));
    let (acknowledged, unsaved) = thousand(&server).await;
    let too_many = control(&server).await;
    over.store(true, Ordering::Relaxed);
    let kills = killing.await.expect("it can be started again");
    let cuts = server.proxy.counters().cut - before;
    println!("SQLite: {SAVES} saves, {kills} kills, {cuts} cuts, {unsaved} unsaved answers");
    println!("SQLite, control with fresh ids: {CONTROL_SAVES} saves, {too_many} twice");
    assert!(kills >= 20, "only {kills} kills");
    assert!(too_many > 0, "the control duplicates nothing: the faults hit nothing");
    nothing_is_lost_doubled_or_wrong(&*server, &acknowledged).await;
}

async fn kill_again_and_again(server: Arc<RunningServer>, over: Arc<AtomicBool>) -> usize {
    let mut kills = 0;
    // Steps that do not divide the round: a kill comes at ever other moments of a save.
    while !over.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(300 + (kills as u64 * 37) % 500)).await;
        server.kill();
        kills += 1;
        server.start().await;
    }
    kills
}

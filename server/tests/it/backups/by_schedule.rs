//! Backups that nobody asks for, while the server runs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::Value;

use super::support::{ENDLESS, Place, signal, tools, wait_for};
use crate::support::running_server::RunningServer;

const SCHEMA: &str = "CREATE TABLE activity (id INTEGER PRIMARY KEY, title TEXT NOT NULL)";
const TOKEN: &str = "a token of sixteen and more";
const EVERY_SECOND: &[(&str, &str)] = &[
    ("RUST_LOG", "info"),
    ("INKFAST_API_TOKEN", TOKEN),
    ("INKFAST_BACKUP_EVERY", "1s"),
    ("INKFAST_BACKUP_KEEP", "3"),
    ("INKFAST_BACKUP_KEEP_DAILY", "0"),
];
const PATIENCE: Duration = Duration::from_secs(90);

fn names(shelf: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(shelf).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.retain(|name| name.starts_with("inkfast-"));
    names.sort();
    names
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn backups_of(server: &RunningServer) -> Value {
    let answered = server
        .through_proxy(Method::GET, "/health/detailed", None, &[])
        .await
        .expect("an answer");
    let report: Value = serde_json::from_str(&answered.body).expect("JSON");
    report["data"]["details"]["backups"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_made_seen_counted_and_swept() {
    let server = RunningServer::with(SCHEMA, EVERY_SECOND).await;
    let shelf = server.data_dir().join("backups");
    let mut seen = std::collections::BTreeSet::new();
    until("five backups", async || {
        seen.extend(names(&shelf));
        seen.len() >= 5
    })
    .await;
    // One more may just have come, and its elders not yet gone.
    assert!(names(&shelf).len() <= 4, "{:?}", names(&shelf));
    let told = backups_of(&server).await;
    assert_eq!(
        (&told["every_ms"], &told["failures"]),
        (&1_000.into(), &0.into()),
        "{told}"
    );
    assert!(told["last_good"]["bytes"].as_u64() > Some(0), "{told}");
    assert!(
        told["next_due_unix_ms"].as_u64() > told["last_good"]["made_at_unix_ms"].as_u64(),
        "{told}"
    );
    let page = server
        .through_proxy(Method::GET, "/monitoring", None, &[])
        .await
        .expect("an answer");
    assert!(page.body.contains("The last good one is of"), "{}", page.body);
    let bearer = format!("Bearer {TOKEN}");
    let metrics = server
        .through_proxy(Method::GET, "/metrics", None, &[("authorization", &bearer)])
        .await;
    let metrics = metrics.expect("an answer").body;
    for metric in [
        "inkfast_backup_last_success_timestamp_seconds ",
        "inkfast_backup_failures_total 0",
    ] {
        assert!(
            metrics.lines().any(|line| line.starts_with(metric)),
            "{metric}: {metrics}"
        );
    }
    let ended = tokio::task::block_in_place(|| server.terminate());
    assert!(ended.success(), "{ended}");
    let left = std::fs::read_dir(&shelf).expect("a shelf").flatten();
    let partial = left.filter(|entry| entry.file_name().to_string_lossy().starts_with(".partial"));
    assert_eq!(partial.count(), 0, "nothing is left half made");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_an_error_and_is_tried_again() {
    let server = RunningServer::with(SCHEMA, EVERY_SECOND).await;
    let shelf = server.data_dir().join("backups");
    until("a backup", async || !names(&shelf).is_empty()).await;
    // Where the directory was, there is a file, unless the next backup has made the directory anew in between.
    let begun = Instant::now();
    for n in 0.. {
        std::fs::rename(&shelf, server.data_dir().join(format!("elsewhere-{n}"))).expect("renamed");
        match std::fs::write(&shelf, "in the way") {
            Ok(()) => break,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
    }
    until("a failure", async || {
        backups_of(&server).await["failures"].as_u64() > Some(0)
    })
    .await;
    assert_eq!(backups_of(&server).await["last_failure"]["why"], "disk");
    assert!(server.log().contains("a scheduled backup failed"), "{}", server.log());
    std::fs::remove_file(&shelf).expect("removed");
    until("a backup after it", async || !names(&shelf).is_empty()).await;
}

#[test]
fn a_server_that_is_told_to_stop_ends_the_backup_that_is_being_made() {
    let database = crate::support::private_database::PrivateDatabase::postgres();
    database.make_schema();
    let folder = tempfile::tempdir().expect("a temporary directory");
    tools(folder.path(), "pg_dump", ENDLESS);
    let place = Place::over(database.url_at(([127, 0, 0, 1], database.port()).into()))
        .set(
            "INKFAST_BACKUP_TOOLS_DIR",
            folder.path().to_str().expect("a plain path"),
        )
        .set("INKFAST_BACKUP_EVERY", "1s");
    let mut server = Started::serve(&place);
    let read = || std::fs::read_to_string(folder.path().join("pid")).unwrap_or_default();
    wait_for("it serves", || server.answers());
    wait_for("the copy begins", || read().ends_with('\n'));
    assert_eq!(place.leftovers().len(), 1, "it is being made");
    assert!(signal("-TERM", &server.process.id().to_string()));
    let ended = server.process.wait().expect("a child of ours");
    assert!(ended.success(), "{ended}");
    wait_for("the program ends with it", || !signal("-0", read().trim()));
    assert!(
        place.leftovers().is_empty() && place.backups().is_empty(),
        "{:?}",
        place.leftovers()
    );
    let turn = "SELECT until_ms FROM inkfast.backup_turn";
    assert_eq!(database.query(turn), "0", "nobody waits for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_they_are_made_as_well() {
    let database = crate::support::private_database::PrivateDatabase::mariadb();
    database.make_schema();
    let url = database.url_at(([127, 0, 0, 1], database.port()).into());
    let place = Place::over(url).set("INKFAST_BACKUP_EVERY", "1s");
    let server = Started::serve(&place);
    until("two backups", async || names(&place.shelf()).len() >= 2).await;
    drop(server);
    let done = "SELECT count(*) FROM inkfast_backup_turn WHERE done_ms > 0 AND holder <> ''";
    assert_eq!(database.query(done), "1");
}

/// Two servers, two data directories, one database.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_on_one_database_one_makes_it() {
    let database = crate::support::private_database::PrivateDatabase::postgres();
    database.make_schema();
    let url = database.url_at(([127, 0, 0, 1], database.port()).into());
    let places: Vec<Place> = (0..2)
        .map(|_| Place::over(url.clone()).set("INKFAST_BACKUP_EVERY", "1h"))
        .collect();
    let servers: Vec<Started> = places.iter().map(Started::serve).collect();
    let made = || places.iter().map(|place| names(&place.shelf()).len()).sum::<usize>();
    // Without any, the first is due within a minute; both are.
    until("a backup", async || made() > 0).await;
    let of_both = "SELECT count(*) FROM inkfast.backup_turn WHERE done_ms > 0 AND until_ms = 0";
    until("its turn is over", async || database.query(of_both) == "1").await;
    // The other one was due within the same minute.
    tokio::time::sleep(Duration::from_secs(65)).await;
    assert_eq!(made(), 1);
    drop(servers);
}

/// Ended when dropped.
struct Started {
    process: Child,
    address: SocketAddr,
}

impl Started {
    fn serve(place: &Place) -> Self {
        let port = fault_proxy::free_port().expect("a free port");
        let mut command: Command = place.command(&["serve"]);
        let command = command.env("INKFAST_LISTEN", format!("127.0.0.1:{port}"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self {
            process: child.expect("the program was built"),
            address: ([127, 0, 0, 1], port).into(),
        }
    }

    /// It listens before it can answer.
    fn answers(&self) -> bool {
        let ask = || {
            let mut stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.write_all(format!("GET /livez HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).as_bytes())?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).map(|_| answer)
        };
        ask().is_ok_and(|answer| answer.ends_with(b"ok"))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

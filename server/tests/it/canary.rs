//! A word that nobody may ever read again is put into every secret there is: settings, headers, passwords, a secret
//! column. Whatever happens then, it is in no log, page, answer, draft, history or file.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fault_proxy::{Fault, FaultProxy};
use private_servers::PrivatePostgres;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::SCHEMA;
use crate::support::drawn_form::DrawnForm;

/// Every secret begins with it.
const CANARY: &str = "canary7f3a91";
const TITLE: &str = "v.title";
const SECRET: &str = "v.api_key";
const FORM: &str = "application/x-www-form-urlencoded";

struct Panel {
    process: Child,
    address: SocketAddr,
    data_dir: TempDir,
    cookie: String,
    /// All that was ever answered.
    heard: String,
    asked: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_told_to_nobody_whatever_happens() {
    let postgres = PrivatePostgres::start().expect("PostgreSQL is installed");
    postgres.create_database("maintenance").expect("a new database");
    postgres.query("maintenance", SCHEMA).expect("the schema");
    let stored = format!("UPDATE activity SET api_key = '{CANARY}-stored' WHERE id < 10");
    postgres.query("maintenance", &stored).expect("the witness");
    let upstream = SocketAddr::from(([127, 0, 0, 1], postgres.port()));
    let proxy = FaultProxy::start(upstream).await.expect("a proxy");
    let mut panel = Panel::start(proxy.address()).await;

    panel.sign_in(&format!("{CANARY}-wrong")).await;
    panel.sign_in(&format!("{CANARY}-password")).await;
    assert!(!panel.cookie.is_empty(), "admin is signed in");
    for page in [
        "/",
        "/drafts",
        "/records/activity",
        "/records/activity/1",
        "/records/activity/new",
        "/records/activity/1/history",
        "/records/activity/1/delete",
        "/records/nothing",
        "/health/detailed",
        "/admin/connection-status",
        "/monitoring",
        "/api/database/health",
        "/api/database/info",
        "/api/database/status",
        "/api/errors/recent",
        "/api/errors/statistics",
        "/api/circuit-breakers",
        "/api/endpoint-metrics",
        "/metrics",
    ] {
        panel.get(page).await;
    }
    panel
        .get(&format!(
            "/records/activity?f.api_key={CANARY}-stored&q=Activity&sort=api_key"
        ))
        .await;
    let secret = format!("{CANARY}-typed");
    let typed = panel.form(1).await.with(SECRET, &secret).with(TITLE, "Typed");
    assert_eq!(panel.post(&typed, "application/json").await, 200);
    let kept = postgres.query("maintenance", "SELECT api_key FROM activity WHERE id = 1");
    assert_eq!(kept.expect("the witness"), secret, "it is where it belongs");
    assert_eq!(
        panel
            .post(&typed.clone().with(TITLE, "Another body"), "application/json")
            .await,
        422
    );
    let stale = panel.form(2).await.with(SECRET, &secret).with(TITLE, "Mine");
    postgres
        .query("maintenance", "UPDATE activity SET title = 'Theirs' WHERE id = 2")
        .expect("the witness");
    let invalid = panel.form(3).await.with(SECRET, &secret).with(TITLE, &"x".repeat(300));
    let bad = panel.form(4).await.with(SECRET, &secret).with("v.hours", "many");
    let refused = panel.form(5).await.with(SECRET, &secret).with("v.site_id", "4711");
    for accept in ["application/json", "text/html"] {
        assert_eq!(panel.post(&stale, accept).await, 409);
        for form in [&invalid, &bad, &refused] {
            assert_eq!(panel.post(form, accept).await, 422);
        }
    }
    let draft = serde_json::json!({
        "version": "v", "base": {"api_key": secret}, "values": {"api_key": secret, "title": "Typed"}, "seq": 1,
        "writer": "aaaaaaaaaaaaaaaa",
    });
    assert_eq!(
        panel
            .ask(
                "POST",
                "/api/drafts/activity/6",
                "application/json",
                "*/*",
                &draft.to_string()
            )
            .await
            .0,
        200
    );
    panel.get("/api/drafts/activity/6").await;
    panel.get("/records/activity/6").await;
    let form = panel.form(7).await;
    let value = |name: &str| form.value(name).unwrap_or_default().to_owned();
    let submission = serde_json::json!({"submission": {
        "id": value("_id"), "form_key": "activity/7", "version": value("_version"),
        "values": {"api_key": secret}, "seq": 1, "writer": "aaaaaaaaaaaaaaaa",
    }});
    assert_eq!(
        panel
            .ask(
                "POST",
                "/api/records/save",
                "application/json",
                "*/*",
                &submission.to_string()
            )
            .await
            .0,
        200
    );

    let (queued, lost) = (panel.form(8).await, panel.form(9).await);
    let queued = queued.with(SECRET, &secret).with(TITLE, "Kept");
    let lost = lost.with(SECRET, &secret).with(TITLE, "Kept too");
    proxy.set(Fault::Cut).await;
    assert_eq!(panel.post(&queued, "application/json").await, 503);
    assert_eq!(panel.post(&lost, "text/html").await, 503);
    panel.get("/records/activity/8").await;
    proxy.set(Fault::Pass).await;
    for _ in 0..300 {
        if panel.ask("GET", "/readyz", FORM, "*/*", "").await.0 == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(panel.post(&queued, "application/json").await, 200);
    for page in [
        "/drafts",
        "/records/activity/8",
        "/records/activity/9",
        "/records/activity/1/history",
        "/",
    ] {
        panel.get(page).await;
    }
    let cookie = std::mem::take(&mut panel.cookie);
    assert_eq!(
        panel.post(&lost, "text/html").await,
        401,
        "carried through the sign-in without its secret"
    );
    panel.ask("GET", "/metrics", FORM, "*/*", "").await;
    panel.cookie = cookie;
    panel.get("/metrics").await;

    // Written down beside everything else, when the database is back.
    let noted = "SELECT count(*) FROM inkfast.error_history";
    for _ in 0..600 {
        if postgres.query("maintenance", noted).expect("the witness").trim() != "0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (asked, places) = panel.stop(&postgres);
    let logged = places
        .iter()
        .any(|(place, text)| place == "the log" && text.contains("/records/activity/8"));
    assert!(logged, "the log tells what was asked");
    for (place, text) in &places {
        assert!(text.len() > 20, "{place} was looked at");
        let found = text
            .find(CANARY)
            .map(|at| text[at.saturating_sub(200)..].chars().take(300).collect::<String>());
        assert_eq!(found, None, "{place}");
    }
    println!(
        "canary: {asked} requests, {} places looked at, found in none",
        places.len()
    );
}

impl Panel {
    async fn start(database: SocketAddr) -> Self {
        let data_dir = tempfile::tempdir().expect("a temporary directory");
        let port = fault_proxy::free_port().expect("a free port");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let log = std::fs::File::create(data_dir.path().join("log")).expect("a file");
        let process = Command::new(env!("CARGO_BIN_EXE_inkfast"))
            .env_clear()
            .env("INKFAST_LISTEN", address.to_string())
            .env("INKFAST_DATA_DIR", data_dir.path().join("data"))
            .env("INKFAST_SECRET", format!("{CANARY}-secret-of-at-least-32-characters"))
            .env("INKFAST_API_TOKEN", format!("{CANARY}-token"))
            .env("INKFAST_ADMIN_PASSWORD", format!("{CANARY}-password"))
            .env(
                "DATABASE_URL",
                format!("postgres://postgres:{CANARY}-database@{database}/maintenance?sslmode=disable"),
            )
            .env(
                "RUST_LOG",
                "trace,sqlx=debug,hyper=info,tower=info,leptos=info,server_fn=info",
            )
            .current_dir(data_dir.path())
            .stdout(Stdio::from(log.try_clone().expect("a file")))
            .stderr(Stdio::from(log))
            .spawn()
            .expect("the program was built");
        let mut panel = Self {
            process,
            address,
            data_dir,
            cookie: String::new(),
            heard: String::new(),
            asked: 0,
        };
        for _ in 0..600 {
            if panel.ask("GET", "/readyz", FORM, "*/*", "").await.0 == 200 {
                return panel;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server is not ready within a minute");
    }

    async fn sign_in(&mut self, password: &str) {
        let body = format!("username=admin&password={password}");
        let (_, answer) = self.ask("POST", "/login", FORM, "*/*", &body).await;
        let cookie = answer
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: inkfast="));
        if let Some(cookie) = cookie.and_then(|cookie| cookie.split(';').next()) {
            self.cookie = format!("inkfast={cookie}");
        }
    }

    async fn get(&mut self, path: &str) {
        let (status, _) = self.ask("GET", path, FORM, "*/*", "").await;
        assert!(status != 500 && status != 0, "{path}: {status}");
    }

    async fn form(&mut self, activity: u32) -> DrawnForm {
        let (_, page) = self
            .ask("GET", &format!("/records/activity/{activity}"), FORM, "text/html", "")
            .await;
        DrawnForm::read(page.split_once("\r\n\r\n").map_or("", |(_, body)| body))
    }

    async fn post(&mut self, form: &DrawnForm, accept: &str) -> u16 {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&form.controls)
            .finish();
        self.ask("POST", &form.action, FORM, accept, &body).await.0
    }

    /// Status 0 where no answer came.
    async fn ask(&mut self, method: &str, path: &str, kind: &str, accept: &str, body: &str) -> (u16, String) {
        let (host, cookie, length) = (self.address, &self.cookie, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAccept: {accept}\r\n\
             Cookie: other={CANARY}-cookie; {cookie}\r\nAuthorization: Bearer {CANARY}-token\r\n\
             X-Api-Key: {CANARY}-header\r\nX-Forwarded-For: {CANARY}-address\r\n\
             Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let asking = async {
            let mut stream = TcpStream::connect(host).await.ok()?;
            stream.write_all(request.as_bytes()).await.ok()?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.ok()?;
            Some(String::from_utf8_lossy(&answer).into_owned())
        };
        let answer = tokio::time::timeout(Duration::from_secs(20), asking).await;
        let answer = answer.ok().flatten().unwrap_or_default();
        self.asked += 1;
        self.heard += &answer;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or(0), answer)
    }

    /// Ends it, and gathers every place where something could have been written.
    fn stop(mut self, postgres: &PrivatePostgres) -> (usize, Vec<(String, String)>) {
        self.process.kill().expect("it was running");
        self.process.wait().expect("it is a child of ours");
        let mut places = vec![("the answers".to_owned(), std::mem::take(&mut self.heard))];
        let log = std::fs::read(self.data_dir.path().join("log")).expect("the log");
        places.push(("the log".to_owned(), String::from_utf8_lossy(&log).into_owned()));
        for table in ["account", "submission", "audit", "error_history"] {
            let sql = format!("SELECT coalesce(string_agg(whole::text, ' '), '') FROM inkfast.{table} AS whole");
            let rows = postgres.query("maintenance", &sql).expect("the witness");
            places.push((format!("the table {table}"), rows));
        }
        for file in std::fs::read_dir(self.data_dir.path().join("data"))
            .expect("the data directory")
            .flatten()
        {
            let bytes = std::fs::read(file.path()).unwrap_or_default();
            if bytes.len() > 20 {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                places.push((file.path().display().to_string(), text));
            }
        }
        (self.asked, places)
    }
}

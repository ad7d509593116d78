//! The real program as a process of its own, killed and started again; browsers reach it through a proxy.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::{ACCEPT, SET_COOKIE};
use axum::http::{Method, StatusCode};
use fault_proxy::FaultProxy;
use resilient_core::submission::answer::Answer;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::drawn_form::DrawnForm;
use super::exchange::{Caller, exchange};
use super::test_app::{Answered, PASSWORD};

/// `inkfast` over a SQLite file, unless its settings name another database.
pub struct RunningServer {
    process: Mutex<Option<Child>>,
    address: SocketAddr,
    data_dir: TempDir,
    /// From browsers to the server.
    pub proxy: FaultProxy,
    cookie: String,
    settings: Vec<(String, String)>,
}

impl RunningServer {
    /// Over a new file with this schema, with `admin` signed in.
    pub async fn over_sqlite(schema: &'static str) -> Self {
        Self::with(schema, &[("RUST_LOG", "off")]).await
    }

    /// The same with settings of the test's own.
    pub async fn with(schema: &'static str, settings: &[(&str, &str)]) -> Self {
        let data_dir = tempfile::tempdir().expect("a temporary directory");
        let options = SqliteConnectOptions::new()
            .filename(data_dir.path().join("records.db"))
            .create_if_missing(true);
        let mut connection = options.connect().await.expect("a new file");
        sqlx::raw_sql(schema)
            .execute(&mut connection)
            .await
            .expect("the schema");
        Self::on(data_dir, settings).await
    }

    /// Over another database, which the settings name.
    pub async fn over(settings: &[(&str, &str)]) -> Self {
        Self::on(tempfile::tempdir().expect("a temporary directory"), settings).await
    }

    async fn on(data_dir: TempDir, settings: &[(&str, &str)]) -> Self {
        let port = fault_proxy::free_port().expect("a free port");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut server = Self {
            process: Mutex::default(),
            address,
            data_dir,
            proxy: FaultProxy::start(address).await.expect("a proxy"),
            cookie: String::new(),
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        server.start().await;
        server.cookie = server.sign_in().await;
        server
    }

    /// The program with all that it is served with.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let data_dir = self.data_dir.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_inkfast"));
        command
            .args(arguments)
            .env_clear()
            .env("INKFAST_LISTEN", self.address.to_string())
            .env("INKFAST_DATA_DIR", data_dir)
            .env("INKFAST_ADMIN_PASSWORD", PASSWORD)
            .env(
                "DATABASE_URL",
                format!("sqlite:{}", data_dir.join("records.db").display()),
            )
            .envs(self.settings.iter().cloned())
            .current_dir(data_dir);
        command
    }

    /// Starts it on the data it had, and does not wait for it.
    pub fn spawn(&self) {
        let mut command = self.command(&[]);
        let child = command.stdout(self.file("printed")).stderr(self.file("log")).spawn();
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(child.expect("the program was built"));
    }

    /// Starts it on the data it had; comes back when it can save.
    pub async fn start(&self) {
        self.spawn();
        self.until_ready().await;
    }

    /// Comes back when it can save.
    pub async fn until_ready(&self) {
        for _ in 0..3_000 {
            let ready = self.ask(self.address, Method::GET, "/readyz", None, &[]).await;
            if ready.is_some_and(|answered| answered.status == StatusCode::OK) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the server is not ready within a minute");
    }

    fn file(&self, name: &str) -> std::fs::File {
        let mut options = std::fs::OpenOptions::new();
        let file = options.create(true).append(true).open(self.data_dir.path().join(name));
        file.expect("a file for what it says")
    }

    /// All it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data_dir.path().join("log")).expect("a log")
    }

    /// All it has told whoever started it.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(self.data_dir.path().join("printed")).expect("what it printed")
    }

    /// `kill -9`: nothing is flushed, nobody is told.
    pub fn kill(&self) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut child) = process {
            child.kill().expect("it was running");
            child.wait().expect("it is a child of ours");
        }
    }

    /// `SIGTERM`, as an administrator stops it; how it ended.
    pub fn terminate(&self) -> ExitStatus {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut child = process.expect("it was running");
        let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(told.expect("kill is installed").success());
        child.wait().expect("it is a child of ours")
    }

    /// Asks for something whose answer does not end by itself.
    pub async fn begin(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        let (host, cookie) = (self.address, &self.cookie);
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        stream
    }

    /// The page's form; `None` where no good answer came.
    pub async fn form(&self, path: &str) -> Option<DrawnForm> {
        let page = self.through_proxy(Method::GET, path, None, &[]).await?;
        (page.status == StatusCode::OK).then(|| DrawnForm::read(&page.body))
    }

    /// As the page's script; `None` where no answer came.
    pub async fn save(&self, form: &DrawnForm) -> Option<Answer> {
        let json = [(ACCEPT.as_str(), "application/json")];
        let answered = self.through_proxy(Method::POST, &form.action, Some(&form.controls), &json);
        answered.await.map(|answered| answered.answer())
    }

    /// Where it keeps everything; the database is `records.db` in it.
    pub fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// After its sessions were ended.
    pub async fn sign_in_again(&mut self) {
        self.cookie = self.sign_in().await;
    }

    /// Whoever is signed in.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Where it listens itself, past the proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the file, past the server.
    pub async fn run(&self, sql: &'static str) {
        let options = SqliteConnectOptions::new().filename(self.data_dir.path().join("records.db"));
        let mut connection = options.connect().await.expect("the file");
        sqlx::raw_sql(sql).execute(&mut connection).await.expect("the change");
    }

    /// One number out of the file, past the server.
    pub async fn count(&self, sql: String) -> i64 {
        let options = SqliteConnectOptions::new().filename(self.data_dir.path().join("records.db"));
        let mut connection = options.connect().await.expect("the file");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await;
        row.expect("the witness").get(0)
    }

    async fn sign_in(&self) -> String {
        self.signed_in_as("admin").await
    }

    /// The session cookie of an account that has the tests' password.
    pub async fn signed_in_as(&self, name: &str) -> String {
        let form = [("username", name), ("password", PASSWORD)].map(|(name, value)| (name.into(), value.into()));
        let answered = self.through_proxy(Method::POST, "/login", Some(&form), &[]).await;
        let headers = answered.expect("nothing is broken yet").headers;
        let cookies = headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|cookie| cookie.to_str().ok());
        let session = cookies
            .filter_map(|cookie| cookie.split(';').next())
            .find(|cookie| cookie.starts_with("inkfast="));
        session.expect("who has an account can sign in").to_owned()
    }

    pub async fn through_proxy(
        &self,
        method: Method,
        path: &str,
        form: Option<&[(String, String)]>,
        headers: &[(&str, &str)],
    ) -> Option<Answered> {
        self.ask(self.proxy.address(), method, path, form, headers).await
    }

    /// One request on a connection of its own.
    async fn ask(
        &self,
        address: SocketAddr,
        method: Method,
        path: &str,
        form: Option<&[(String, String)]>,
        headers: &[(&str, &str)],
    ) -> Option<Answered> {
        let body = form.map(|pairs| {
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
        });
        let kind = "application/x-www-form-urlencoded";
        self.exchange(address, method, path, (kind, body.unwrap_or_default()), headers)
            .await
    }

    /// As a program that is signed in.
    pub async fn post_json(&self, path: &str, body: String) -> Option<Answered> {
        self.exchange(self.address, Method::POST, path, ("application/json", body), &[])
            .await
    }

    async fn exchange(
        &self,
        address: SocketAddr,
        method: Method,
        path: &str,
        body: (&str, String),
        headers: &[(&str, &str)],
    ) -> Option<Answered> {
        let caller = Caller {
            host: self.address.to_string(),
            cookie: self.cookie.clone(),
        };
        exchange(address, &caller, method, path, body, headers).await
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.kill();
    }
}

//! One MariaDB server of a test's own.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fault_proxy::free_port;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::ServerError;
use crate::certificate::Certificate;
use crate::installation::{ServiceUser, find_program};
use crate::postgres::{last_lines, said_by};
use crate::process_tree::{self, signal};
use crate::template::Template;

/// A start that takes longer than this has failed. Recovery after a kill is part of it.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Beside `root`, who comes through the socket alone, somebody with a password, as an application
/// would have it: all rights on all databases, and none on the server.
const USER_AND_DATABASE: &str = "FLUSH PRIVILEGES;
CREATE USER tester@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING PASSWORD('tester');
GRANT ALL PRIVILEGES ON `%`.* TO tester@'127.0.0.1';
CREATE DATABASE main CHARACTER SET utf8mb4;
";

/// Somebody to follow by, and the right for an application to ask how far that has come.
const FOLLOWER: &str =
    "CREATE USER follower@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING PASSWORD('follower');
GRANT REPLICATION SLAVE ON *.* TO follower@'127.0.0.1';
GRANT SLAVE MONITOR ON *.* TO tester@'127.0.0.1'";

/// Small, and as durable as in production; a log file of another size would be made anew at each start.
const SETTINGS: [&str; 9] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-log-file-size=8M",
    "--innodb-buffer-pool-size=16M",
    "--innodb-buffer-pool-dump-at-shutdown=OFF",
    "--aria-pagecache-buffer-size=1M",
    "--key-buffer-size=1M",
    "--performance-schema=OFF",
];

/// A running MariaDB that nobody else uses. Connect to [`url`](Self::url) as `tester`, with the
/// password `tester`. All methods may be called from any thread, also while others are connected.
pub struct PrivateMariaDb {
    programs: Programs,
    directory: TempDir,
    port: u16,
    /// Beside what all servers are started with.
    settings: &'static [&'static str],
    /// `None` while it is killed.
    process: Mutex<Option<Child>>,
    /// `None` where the next start offers no TLS.
    certificate: Mutex<Option<Certificate>>,
}

impl PrivateMariaDb {
    /// Makes the data in a temporary directory and starts a server on a free port. The first one of
    /// a process takes four seconds, those after it half a second; blocks the calling thread.
    ///
    /// # Errors
    /// Where MariaDB is not installed, or does not start within 30 s.
    pub fn start() -> Result<Self, ServerError> {
        Self::start_with(&[])
    }

    /// The same with a log that [standbys](Self::start_standby) can follow.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_primary() -> Result<Self, ServerError> {
        let primary = Self::start_with(&["--server-id=1", "--log-bin=log-bin", "--sync-binlog=1"])?;
        primary.query("mysql", FOLLOWER)?;
        Ok(primary)
    }

    /// A read-only server that does all that this one has done since it was [started as a
    /// primary](Self::start_primary). It goes on alone, with what it has, when this one is killed, and others can
    /// follow it.
    ///
    /// # Errors
    /// Where this server is no primary, or the standby does not start within 30 s.
    pub fn start_standby(&self) -> Result<Self, ServerError> {
        let standby = Self::start_with(&[
            "--server-id=2",
            "--read-only=1",
            "--log-bin=log-bin",
            "--log-slave-updates",
        ])?;
        // Each is named by its port: no two that follow each other may have one id.
        let follow = format!(
            "SET GLOBAL server_id = {}; CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={}, MASTER_USER='follower', \
             MASTER_PASSWORD='follower', MASTER_CONNECT_RETRY=1, MASTER_USE_GTID=slave_pos; START SLAVE",
            standby.port, self.port
        );
        standby.query("mysql", &follow)?;
        Ok(standby)
    }

    /// Makes a standby a primary of its own. Returns when it takes writes.
    ///
    /// # Errors
    /// Where it is down.
    pub fn promote(&self) -> Result<(), ServerError> {
        let alone = "STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = 0";
        self.query("mysql", alone).map(drop)
    }

    fn start_with(settings: &'static [&'static str]) -> Result<Self, ServerError> {
        let programs = Programs::find()?;
        let template = TEMPLATE.directory(|directory| programs.install(directory))?;
        let server = Self {
            directory: tempfile::Builder::new().prefix("private-mariadb-").tempdir()?,
            programs,
            port: free_port()?,
            settings,
            process: Mutex::new(None),
            certificate: Mutex::new(None),
        };
        server.programs.own(server.directory.path())?;
        let mut copy = server.programs.as_user("cp");
        copy.arg("-r").arg(template.join("data")).arg(server.data());
        said_by("cp", copy.output()?)?;
        server.restart()?;
        Ok(server)
    }

    /// The address of a database for sqlx. `main` always exists.
    pub fn url(&self, database: &str) -> String {
        format!("mysql://tester:tester@127.0.0.1:{}/{database}", self.port)
    }

    /// Stays the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id, 0 while it is killed. Another one after each restart.
    pub fn pid(&self) -> u32 {
        self.process().as_ref().map_or(0, Child::id)
    }

    /// Makes an empty database and returns its address.
    ///
    /// # Errors
    /// Where it exists already, or the server is down.
    pub fn create_database(&self, name: &str) -> Result<String, ServerError> {
        self.query("mysql", &format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4"))?;
        Ok(self.url(name))
    }

    /// Runs SQL as `root` by the `mariadb` program and returns its rows, columns separated by `|`: a
    /// witness that shares no code with what is tested.
    ///
    /// # Errors
    /// Where the server is down or rejects the SQL.
    pub fn query(&self, database: &str, sql: &str) -> Result<String, ServerError> {
        let mut client = Command::new(&self.programs.client);
        client.args(["--no-defaults", "--user=root", "--connect-timeout=5"]);
        client.args(["--batch", "--skip-column-names", "--default-character-set=utf8mb4"]);
        client.arg(format!("--socket={}", self.socket().display()));
        client.args([&format!("--database={database}"), "-e", sql]);
        let said = said_by("mariadb", client.stdin(Stdio::null()).output()?)?;
        // A tab inside a value is written as `\t`.
        Ok(said.trim_end().replace('\t', "|"))
    }

    /// `kill -9`: nothing is flushed, nobody is told, connections are reset. Returns when it is gone.
    pub fn kill(&self) {
        if let Some(process) = self.process().take() {
            process_tree::kill(process);
        }
    }

    /// Starts the server on the same data and port; where it runs it is killed first. Returns when it
    /// accepts connections.
    ///
    /// # Errors
    /// Where it does not start within 30 s.
    pub fn restart(&self) -> Result<(), ServerError> {
        self.kill();
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let mut mariadbd = self.programs.as_user(&self.programs.server);
        mariadbd.arg("--no-defaults").args(SETTINGS).args(self.settings);
        mariadbd.arg(format!("--datadir={}", self.data().display()));
        mariadbd.arg(own_temporary(self.directory.path()));
        mariadbd.arg(format!("--socket={}", self.socket().display()));
        mariadbd.arg(format!("--pid-file={}", self.directory.path().join("pid").display()));
        mariadbd.arg(format!("--port={}", self.port));
        if let Some(Certificate { certificate, key }) = &*self.certificate() {
            mariadbd.arg(format!("--ssl-cert={}", certificate.display()));
            mariadbd.arg(format!("--ssl-key={}", key.display()));
        }
        mariadbd.current_dir(self.directory.path());
        let child = mariadbd
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        *self.process() = Some(child);
        self.wait_until_ready()
    }

    /// Whether TLS is offered from the next start on, with a certificate of the server's own. At first it is
    /// not.
    ///
    /// # Errors
    /// Where `openssl` is not installed.
    pub fn offer_tls(&self, offered: bool) -> Result<(), ServerError> {
        let make = || Certificate::make(self.directory.path(), self.programs.user);
        *self.certificate() = offered.then(make).transpose()?;
        Ok(())
    }

    /// Gives a directory to whom the server runs as, so that it can keep data there.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn give(&self, directory: &Path) -> Result<(), ServerError> {
        self.programs.own(directory)
    }

    /// `SIGSTOP`: the kernel still accepts and acknowledges, and nobody answers. This is what a hung
    /// disk or a paused virtual machine looks like.
    pub fn freeze(&self) {
        signal(self.pid(), Signal::STOP);
    }

    /// Ends a [`freeze`](Self::freeze): everything goes on where it was.
    pub fn thaw(&self) {
        signal(self.pid(), Signal::CONT);
    }

    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn certificate(&self) -> MutexGuard<'_, Option<Certificate>> {
        self.certificate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until_ready(&self) -> Result<(), ServerError> {
        let started = Instant::now();
        while self.query("mysql", "SELECT 1").is_err() {
            let ended = self
                .process()
                .as_mut()
                .is_none_or(|child| matches!(child.try_wait(), Ok(Some(_))));
            if ended || started.elapsed() > START_LIMIT {
                return Err(ServerError::Failed {
                    program: "mariadbd",
                    said: last_lines(&self.log(), 3),
                });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }
}

impl Drop for PrivateMariaDb {
    fn drop(&mut self) {
        // The data are thrown away. SIGKILL ends a frozen process, too.
        self.kill();
    }
}

/// Where MariaDB's programs are, and whom they run as.
struct Programs {
    server: PathBuf,
    installer: PathBuf,
    client: PathBuf,
    user: Option<ServiceUser>,
}

static TEMPLATE: Template = Template::new();

impl Programs {
    fn find() -> Result<Self, ServerError> {
        let find = |name| find_program(name).ok_or(ServerError::MariaDbNotInstalled);
        Ok(Self {
            server: find("mariadbd")?,
            installer: find("mariadb-install-db")?,
            client: find("mariadb")?,
            user: ServiceUser::find("mysql", ServerError::MariaDbNotInstalled)?,
        })
    }

    fn own(&self, directory: &Path) -> Result<(), ServerError> {
        self.user
            .map_or(Ok(()), |user| user.own(directory))
            .map_err(ServerError::Io)
    }

    fn as_user(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        if let Some(user) = self.user {
            user.run(&mut command);
        }
        command
    }

    fn install(&self, directory: &Path) -> Result<(), ServerError> {
        self.own(directory)?;
        let extra = directory.join("extra.sql");
        std::fs::write(&extra, USER_AND_DATABASE)?;
        let mut installer = self.as_user(&self.installer);
        installer.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
        installer.args(["--skip-test-db", "--force"]).args(SETTINGS);
        installer.arg(format!("--datadir={}", directory.join("data").display()));
        installer.arg(own_temporary(directory));
        installer.arg(format!("--extra-file={}", extra.display()));
        installer.current_dir(directory).stdin(Stdio::null());
        said_by("mariadb-install-db", installer.output()?).map(drop)
    }
}

/// Each one that starts removes the temporary tables that it finds, those of others in the same folder too.
fn own_temporary(directory: &Path) -> String {
    format!("--tmpdir={}", directory.display())
}

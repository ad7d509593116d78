//! One PostgreSQL server of a test's own.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fault_proxy::free_port;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::certificate::Certificate;
use crate::installation::{ServiceUser, find_programs};
use crate::process_tree::{descendants, signal, wait_until_gone};
use crate::template::Template;

/// A start that takes longer than this has failed. Recovery after a kill is part of it.
const START_LIMIT: Duration = Duration::from_secs(30);
/// After this long an orderly stop becomes `SIGKILL`.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("PostgreSQL is not installed: on Debian `apt-get install postgresql`")]
    NotInstalled,
    #[error("Redis is not installed: on Debian `apt-get install redis-server`")]
    RedisNotInstalled,
    #[error("MariaDB is not installed: on Debian `apt-get install mariadb-server`")]
    MariaDbNotInstalled,
    #[error("{program} failed: {said}")]
    Failed { program: &'static str, said: String },
    #[error("PostgreSQL did not accept connections within {START_LIMIT:?}; its log ends: {log_end}")]
    NotReady { log_end: String },
    #[error("private server: {0}")]
    Io(#[from] io::Error),
}

static TEMPLATE: Template = Template::new();

/// A running PostgreSQL that nobody else uses. Connect as `postgres`, without a password, to
/// [`url`](Self::url). All methods may be called from any thread, also while others are connected.
pub struct PrivatePostgres {
    programs: PathBuf,
    user: Option<ServiceUser>,
    directory: TempDir,
    port: u16,
    /// `None` while it is killed.
    postmaster: Mutex<Option<Child>>,
    /// `None` where the next start offers no TLS.
    certificate: Mutex<Option<Certificate>>,
}

impl PrivatePostgres {
    /// Makes a cluster in a temporary directory and starts it on a free port. The first one of a
    /// process takes one to three seconds, those after it less than one; blocks the calling thread.
    ///
    /// # Errors
    /// Where PostgreSQL is not installed, or does not start within 30 s.
    pub fn start() -> Result<Self, ServerError> {
        let server = Self::without_data()?;
        let template = TEMPLATE.directory(|directory| server.make_cluster(directory))?;
        server.copy(&template.join("data"))?;
        server.restart()?;
        Ok(server)
    }

    /// A standby of this server, which streams what it commits and can be read from. It goes on alone,
    /// with what it has, when this one is killed.
    ///
    /// # Errors
    /// Where this server is down, or the standby does not start within 30 s.
    pub fn start_standby(&self) -> Result<Self, ServerError> {
        let standby = Self::without_data()?;
        let mut copy = standby.program("pg_basebackup", standby.user);
        copy.args(["-h", "127.0.0.1", "-U", "postgres", "-p"])
            .arg(self.port.to_string());
        copy.args([
            "--checkpoint=fast",
            "--wal-method=stream",
            "--no-sync",
            "--write-recovery-conf",
            "-D",
        ]);
        said_by("pg_basebackup", copy.arg(standby.data()).stdin(Stdio::null()).output()?)?;
        standby.restart()?;
        Ok(standby)
    }

    /// Makes a standby a primary of its own. Returns when it takes writes.
    ///
    /// # Errors
    /// Where it is down, or no standby.
    pub fn promote(&self) -> Result<(), ServerError> {
        self.query("postgres", "SELECT pg_promote(true, 20)").map(drop)
    }

    fn without_data() -> Result<Self, ServerError> {
        let programs = find_programs()?;
        let user = ServiceUser::find("postgres", ServerError::NotInstalled)?;
        let directory = tempfile::Builder::new().prefix("private-postgres-").tempdir()?;
        if let Some(user) = user {
            user.own(directory.path())?;
        }
        Ok(Self {
            programs,
            user,
            directory,
            port: free_port()?,
            postmaster: Mutex::new(None),
            certificate: Mutex::new(None),
        })
    }

    /// The address of a database for sqlx and psql. `postgres` always exists.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Stays the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The postmaster's process id, 0 while it is killed. Another one after each restart.
    pub fn pid(&self) -> u32 {
        self.postmaster().as_ref().map_or(0, Child::id)
    }

    /// Makes an empty database and returns its address.
    ///
    /// # Errors
    /// Where it exists already, or the server is down.
    pub fn create_database(&self, name: &str) -> Result<String, ServerError> {
        self.client("createdb", &[name])?;
        Ok(self.url(name))
    }

    /// Runs SQL by `psql` and returns its rows, columns separated by `|`: a witness that shares no
    /// code with what is tested.
    ///
    /// # Errors
    /// Where the server is down or rejects the SQL.
    pub fn query(&self, database: &str, sql: &str) -> Result<String, ServerError> {
        let arguments = [
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            database,
            "-c",
            sql,
        ];
        Ok(self.client("psql", &arguments)?.trim_end().to_owned())
    }

    /// `kill -9` of the whole server: nothing is flushed, nobody is told, connections are reset.
    /// Returns when none of its processes lives.
    pub fn kill(&self) {
        let Some(mut postmaster) = self.postmaster().take() else {
            return;
        };
        let backends = descendants(postmaster.id());
        // The postmaster first: left alive, it would start recovery as soon as a backend dies.
        signal(postmaster.id(), Signal::KILL);
        backends.iter().for_each(|pid| signal(*pid, Signal::KILL));
        let _reaped = postmaster.wait();
        wait_until_gone(&backends, STOP_LIMIT);
    }

    /// Starts the server on the same data and port; where it runs it is killed first. Returns when
    /// it accepts connections.
    ///
    /// # Errors
    /// Where it does not start within 30 s.
    pub fn restart(&self) -> Result<(), ServerError> {
        self.kill();
        let child = self.spawn_postmaster()?;
        *self.postmaster() = Some(child);
        self.wait_until_ready()
    }

    /// Whether TLS is offered from the next start on, with a certificate of the server's own. At first it is
    /// not.
    ///
    /// # Errors
    /// Where `openssl` is not installed.
    pub fn offer_tls(&self, offered: bool) -> Result<(), ServerError> {
        let make = || Certificate::make(self.directory.path(), self.user);
        *self.certificate() = offered.then(make).transpose()?;
        Ok(())
    }

    /// Gives a directory to whom the server runs as, so that it can keep data there.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn give(&self, directory: &Path) -> Result<(), ServerError> {
        self.user.map_or(Ok(()), |user| Ok(user.own(directory)?))
    }

    /// `SIGSTOP` for every process of the server: the kernel still accepts and acknowledges, and
    /// nobody answers. This is what a hung disk or a paused virtual machine looks like.
    pub fn freeze(&self) {
        let pid = self.pid();
        if pid == 0 {
            return;
        }
        // The postmaster first, so that no backend is born between the list and the signals.
        signal(pid, Signal::STOP);
        descendants(pid)
            .into_iter()
            .for_each(|backend| signal(backend, Signal::STOP));
    }

    /// Ends a [`freeze`](Self::freeze): everything goes on where it was.
    pub fn thaw(&self) {
        let pid = self.pid();
        if pid == 0 {
            return;
        }
        descendants(pid)
            .into_iter()
            .for_each(|backend| signal(backend, Signal::CONT));
        signal(pid, Signal::CONT);
    }

    fn postmaster(&self) -> MutexGuard<'_, Option<Child>> {
        self.postmaster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn certificate(&self) -> MutexGuard<'_, Option<Certificate>> {
        self.certificate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_cluster(&self, directory: &Path) -> Result<(), ServerError> {
        if let Some(user) = self.user {
            user.own(directory)?;
        }
        let mut initdb = self.program("initdb", self.user);
        initdb.args([
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "-D",
        ]);
        said_by("initdb", initdb.arg(directory.join("data")).output()?)?;
        Ok(())
    }

    fn copy(&self, cluster: &Path) -> Result<(), ServerError> {
        let mut copy = Command::new("cp");
        if let Some(user) = self.user {
            user.run(&mut copy);
        }
        copy.arg("-r").arg(cluster).arg(self.data());
        said_by("cp", copy.current_dir(self.directory.path()).output()?).map(drop)
    }

    fn spawn_postmaster(&self) -> Result<Child, ServerError> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log())?;
        let mut postgres = self.program("postgres", self.user);
        postgres.arg("-D").arg(self.data()).arg("-p").arg(self.port.to_string());
        postgres
            .arg("-c")
            .arg(format!("unix_socket_directories={}", self.directory.path().display()));
        for setting in [
            "listen_addresses=127.0.0.1",
            "shared_buffers=16MB",
            "fsync=on",
            "synchronous_commit=on",
        ] {
            postgres.arg("-c").arg(setting);
        }
        if let Some(Certificate { certificate, key }) = &*self.certificate() {
            postgres.args(["-c", "ssl=on", "-c"]);
            postgres.arg(format!("ssl_cert_file={}", certificate.display()));
            postgres.arg("-c").arg(format!("ssl_key_file={}", key.display()));
        }
        Ok(postgres
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?)
    }

    fn wait_until_ready(&self) -> Result<(), ServerError> {
        let started = Instant::now();
        while self.query("postgres", "select 1").is_err() {
            let ended = self
                .postmaster()
                .as_mut()
                .is_none_or(|child| matches!(child.try_wait(), Ok(Some(_))));
            if ended || started.elapsed() > START_LIMIT {
                return Err(ServerError::NotReady {
                    log_end: self.log_end(),
                });
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }

    fn client(&self, name: &'static str, arguments: &[&str]) -> Result<String, ServerError> {
        let mut client = self.program(name, None);
        client
            .args(["-h", "127.0.0.1", "-U", "postgres", "-p"])
            .arg(self.port.to_string());
        client.env("PGCONNECT_TIMEOUT", "5");
        said_by(name, client.args(arguments).stdin(Stdio::null()).output()?)
    }

    /// A program of the installation, deaf to the `PG*` variables of whoever runs the tests.
    fn program(&self, name: &str, user: Option<ServiceUser>) -> Command {
        let mut command = Command::new(self.programs.join(name));
        for (variable, _) in std::env::vars_os() {
            if variable.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(variable);
            }
        }
        if let Some(user) = user {
            user.run(&mut command);
        }
        command.current_dir(self.directory.path());
        command
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn log_end(&self) -> String {
        last_lines(&self.log(), 3)
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        self.thaw();
        let Some(mut postmaster) = self.postmaster().take() else {
            return;
        };
        let backends = descendants(postmaster.id());
        // Immediate shutdown: the data are thrown away, but shared memory is given back.
        signal(postmaster.id(), Signal::QUIT);
        if !wait_until_gone(&[postmaster.id()], STOP_LIMIT) {
            signal(postmaster.id(), Signal::KILL);
            backends.iter().for_each(|pid| signal(*pid, Signal::KILL));
        }
        let _reaped = postmaster.wait();
        wait_until_gone(&backends, STOP_LIMIT);
    }
}

pub(crate) fn said_by(program: &'static str, output: Output) -> Result<String, ServerError> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ServerError::Failed { program, said })
}

pub(crate) fn last_lines(file: &Path, count: usize) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join(" / ")
}

//! One Redis server of a test's own.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fault_proxy::free_port;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::ServerError;
use crate::process_tree::{self, signal};

/// A start that takes longer than this has failed. Reading the log back is part of it.
const START_LIMIT: Duration = Duration::from_secs(30);
/// An answer that takes longer than this does not come.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A running Redis that nobody else uses, durable as one for drafts should be: each write is on the
/// disk before it is acknowledged. All methods may be called from any thread.
pub struct PrivateRedis {
    directory: TempDir,
    port: u16,
    /// Given at each start.
    settings: Vec<String>,
    /// `None` while it is killed.
    process: Mutex<Option<Child>>,
}

impl PrivateRedis {
    /// Starts a server with a temporary directory on a free port; blocks the calling thread.
    ///
    /// # Errors
    /// Where Redis is not installed, or does not start within 30 s.
    pub fn start() -> Result<Self, ServerError> {
        Self::start_with(&[])
    }

    /// The same with settings of its own: `["--name", "value", …]`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(settings: &[&str]) -> Result<Self, ServerError> {
        let server = Self {
            directory: tempfile::Builder::new().prefix("private-redis-").tempdir()?,
            port: free_port()?,
            settings: settings.iter().map(|word| (*word).to_owned()).collect(),
            process: Mutex::new(None),
        };
        server.restart()?;
        Ok(server)
    }

    /// The server's address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Stays the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id, 0 while it is killed. Another one after each restart.
    pub fn pid(&self) -> u32 {
        self.process().as_ref().map_or(0, Child::id)
    }

    /// `kill -9`: nothing is flushed, nobody is told. Returns when it is gone.
    pub fn kill(&self) {
        if let Some(process) = self.process().take() {
            process_tree::kill(process);
        }
    }

    /// Starts the server on the same data and port; where it runs it is killed first. Returns when
    /// it answers.
    ///
    /// # Errors
    /// Where it does not start within 30 s.
    pub fn restart(&self) -> Result<(), ServerError> {
        self.restart_with(&[])
    }

    /// The same with settings of its own: `["--name", "value", …]`.
    ///
    /// # Errors
    /// As [`restart`](Self::restart).
    pub fn restart_with(&self, settings: &[&str]) -> Result<(), ServerError> {
        self.begin_restart(settings)?;
        self.wait_until_ready()
    }

    /// The same, and does not wait: it may be loading for a while.
    ///
    /// # Errors
    /// Where Redis is not installed.
    pub fn begin_restart(&self, settings: &[&str]) -> Result<(), ServerError> {
        self.kill();
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.directory.path().join("log"))?;
        let mut redis = Command::new("redis-server");
        redis.args(["--bind", "127.0.0.1", "--port", &self.port.to_string()]);
        redis.arg("--dir").arg(self.directory.path());
        redis.args([
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--maxmemory-policy",
            "noeviction",
        ]);
        redis.args(&self.settings).args(settings);
        let spawned = redis.stdin(Stdio::null()).stdout(log).stderr(Stdio::null()).spawn();
        let child = spawned.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ServerError::RedisNotInstalled,
            _ => ServerError::Io(error),
        })?;
        *self.process() = Some(child);
        Ok(())
    }

    /// Cuts so many bytes off the end of the log, as where the machine went down in the middle of a write. Only while
    /// it is killed.
    ///
    /// # Errors
    /// Where there is no log, or not as much of it.
    pub fn cut_log(&self, bytes: u64) -> Result<(), ServerError> {
        let logs = std::fs::read_dir(self.directory.path().join("appendonlydir"))?;
        let logs = logs.flatten().map(|entry| entry.path());
        let log = logs.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).max();
        let log = OpenOptions::new().write(true).open(log.ok_or_else(ended_early)?)?;
        let length = log.metadata()?.len().checked_sub(bytes).ok_or_else(ended_early)?;
        Ok(log.set_len(length)?)
    }

    /// Where its data lie.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// `SIGSTOP`: the kernel still accepts and acknowledges, and nobody answers.
    pub fn freeze(&self) {
        signal(self.pid(), Signal::STOP);
    }

    /// Ends a [`freeze`](Self::freeze): everything goes on where it was.
    pub fn thaw(&self) {
        signal(self.pid(), Signal::CONT);
    }

    /// One command and its answer, on a connection of its own: a witness that shares no code with
    /// what is tested. An array's items stand one a line, in whatever depth.
    ///
    /// # Errors
    /// Where the server is down or refuses the command.
    pub fn command(&self, words: &[&str]) -> Result<String, ServerError> {
        ask(self.port, words)
    }

    /// All keys that match a pattern.
    ///
    /// # Errors
    /// Where the server is down.
    pub fn keys(&self, pattern: &str) -> Result<Vec<String>, ServerError> {
        let found = self.command(&["KEYS", pattern])?;
        Ok(found.lines().map(str::to_owned).collect())
    }

    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until_ready(&self) -> Result<(), ServerError> {
        let started = Instant::now();
        while self.command(&["PING"]).is_err() {
            let ended = self
                .process()
                .as_mut()
                .is_none_or(|child| matches!(child.try_wait(), Ok(Some(_))));
            if ended || started.elapsed() > START_LIMIT {
                let said = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
                return Err(ServerError::Failed {
                    program: "redis-server",
                    said: said.lines().last().unwrap_or_default().to_owned(),
                });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        // SIGKILL ends a frozen process, too.
        self.kill();
    }
}

/// One command on a connection of its own, and its answer.
pub(crate) fn ask(port: u16, words: &[&str]) -> Result<String, ServerError> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(request.as_bytes())?;
    let mut lines = Vec::new();
    read_reply(&mut BufReader::new(stream), &mut lines)?;
    Ok(lines.join("\n"))
}

/// One answer of the older protocol (RESP2).
fn read_reply(from: &mut impl BufRead, lines: &mut Vec<String>) -> Result<(), ServerError> {
    let mut head = String::new();
    from.read_line(&mut head)?;
    let head = head.trim_end();
    let (kind, rest) = head.split_at_checked(1).ok_or_else(ended_early)?;
    match kind {
        "+" | ":" => lines.push(rest.to_owned()),
        "$" => {
            if let Ok(length) = rest.parse::<usize>() {
                let mut text = vec![0; length + 2];
                from.read_exact(&mut text)?;
                text.truncate(length);
                lines.push(String::from_utf8_lossy(&text).into_owned());
            }
        }
        "*" => {
            for _ in 0..rest.parse::<usize>().unwrap_or(0) {
                read_reply(from, lines)?;
            }
        }
        _ => {
            return Err(ServerError::Failed {
                program: "redis-server",
                said: rest.to_owned(),
            });
        }
    }
    Ok(())
}

fn ended_early() -> ServerError {
    ServerError::Io(std::io::ErrorKind::UnexpectedEof.into())
}

//! The databases' own programs: where they are, which version they have, and how they are run. What they are told of
//! passwords stands neither on a command line nor in a log.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::kept_file::{self, Digest};
use super::replay::Replay;
use super::{BackupError, Why};

/// Debian keeps some out of the PATH, in one directory per version.
const DEBIAN_VERSIONS: &str = "/usr/lib/postgresql";
/// All that a program gets of this one's environment: nothing of it may lead it to another database.
const INHERITED: [&str; 4] = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"];
/// Of what a program says when it fails.
const HEARD: u64 = 16 << 10;
const TOLD: usize = 600;
/// A copy of which nothing has come for so long does not come any more: whatever the program waits for, it waits in vain.
const SILENT_FOR: Duration = Duration::from_secs(10 * 60);

/// Where programs are looked for.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Only here, where it is set.
    pub tools_dir: Option<PathBuf>,
}

/// A program that is there.
#[derive(Clone, Debug)]
pub struct Program {
    pub path: PathBuf,
    /// What it says of its version.
    pub version: String,
}

impl Places {
    fn directories(&self) -> Vec<PathBuf> {
        if let Some(only) = &self.tools_dir {
            return vec![only.clone()];
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN_VERSIONS)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
            .collect();
        versions.sort();
        let debian = versions.into_iter().rev().map(|(_, directory)| directory);
        std::env::split_paths(&path).chain(debian).collect()
    }

    /// Every program of one of these names, in the order of places and then of names.
    pub async fn find(&self, names: &[&str]) -> Vec<Program> {
        let mut found = Vec::new();
        for directory in self.directories() {
            for name in names {
                let path = directory.join(name);
                if path.is_file()
                    && let Some(version) = version_of(&path).await
                {
                    found.push(Program { path, version });
                }
            }
        }
        found
    }

    /// For messages.
    pub fn described(&self) -> String {
        match &self.tools_dir {
            Some(only) => format!("in {}", only.display()),
            None => "in PATH".to_owned(),
        }
    }
}

async fn version_of(path: &Path) -> Option<String> {
    let output = command(path).arg("--version").output().await.ok()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !said.is_empty()).then_some(said)
}

impl Program {
    /// `pg_dump (PostgreSQL) 15.18 (Debian …)`: 15.
    pub fn postgres_major(&self) -> Option<u32> {
        let (_, after) = self.version.split_once("(PostgreSQL) ")?;
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    }

    pub fn is_of_mariadb(&self) -> bool {
        self.version.contains("MariaDB")
    }

    pub fn command(&self) -> Command {
        command(&self.path)
    }

    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Runs it to its end and writes what it gives to a new file. It ends when this is dropped, and when this process
    /// dies: then nobody reads any more what it writes.
    pub async fn run_into(
        &self,
        command: Command,
        file: &Path,
        seen: impl FnMut(&[u8]),
    ) -> Result<Digest, BackupError> {
        self.run_into_within(command, file, seen, SILENT_FOR).await
    }

    async fn run_into_within(
        &self,
        mut command: Command,
        file: &Path,
        mut seen: impl FnMut(&[u8]),
        silent_for: Duration,
    ) -> Result<Digest, BackupError> {
        let mut child = self.spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let said = hear(&mut child);
        let output = child.stdout.take().expect("it is piped");
        let (heard, mut silence) = watch::channel(());
        let writing = kept_file::write(output, file, |bytes| {
            heard.send_replace(());
            seen(bytes);
        });
        let silence = async { while let Ok(Ok(())) = timeout(silent_for, silence.changed()).await {} };
        let written = tokio::select! {
            written = writing => written?,
            () = silence => return Err(self.is_silent(silent_for)),
        };
        let ended = timeout(silent_for, child.wait()).await;
        let status = ended
            .map_err(|_| self.is_silent(silent_for))?
            .map_err(|error| BackupError::of(&self.path, &error))?;
        self.succeeded(status, said).await?;
        Ok(written)
    }

    fn is_silent(&self, silent_for: Duration) -> BackupError {
        let (name, minutes) = (self.name(), silent_for.as_secs() / 60);
        let words = format!("{name} has given nothing for {minutes} minutes, and was stopped.");
        BackupError::new(Why::Database, words)
    }

    /// What it gives, which is short.
    pub async fn output(&self, mut command: Command) -> Result<String, BackupError> {
        let mut child = self.spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let said = hear(&mut child);
        let mut given = String::new();
        let of = |error: std::io::Error| BackupError::of(&self.path, &error);
        let mut output = child.stdout.take().expect("it is piped");
        output.read_to_string(&mut given).await.map_err(of)?;
        let status = child.wait().await.map_err(of)?;
        self.succeeded(status, said).await?;
        Ok(given)
    }

    /// Runs it to its end. `input`: a file that it reads, on the way changed by this.
    pub async fn run(&self, mut command: Command, input: Option<(&Path, Replay)>) -> Result<(), BackupError> {
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut child = self.spawn(command.stdin(stdin).stdout(Stdio::null()))?;
        let said = hear(&mut child);
        let stdin = child.stdin.take();
        let running = async {
            if let (Some((file, replay)), Some(stdin)) = (input, stdin) {
                feed(stdin, file, replay).await?;
            }
            child.wait().await.map_err(|error| BackupError::of(&self.path, &error))
        };
        // Told to stop, it ends before this does, so that what it has begun can be undone.
        let stopped = tokio::select! {
            status = running => Ok(status?),
            () = crate::startup::told_to_stop() => Err(BackupError::new(Why::Refused, "Stopped.")),
        };
        match stopped {
            Ok(status) => self.succeeded(status, said).await,
            Err(stopped) => {
                let _ended = child.kill().await;
                Err(stopped)
            }
        }
    }

    fn spawn(&self, command: &mut Command) -> Result<Child, BackupError> {
        let child = command.stderr(Stdio::piped()).spawn();
        child.map_err(|error| BackupError::new(Why::Tool, format!("{} cannot be run: {error}.", self.path.display())))
    }

    async fn succeeded(&self, status: ExitStatus, said: JoinHandle<String>) -> Result<(), BackupError> {
        if status.success() {
            return Ok(());
        }
        let said = said.await.unwrap_or_default();
        let (name, said) = (self.name(), said.trim());
        let why = if said.contains("No space left on device") {
            Why::DiskFull
        } else {
            Why::Database
        };
        Err(BackupError::new(why, format!("{name} failed ({status}): {said}")))
    }
}

/// What it says of errors, while it runs: it must never wait for somebody to read it.
fn hear(child: &mut Child) -> JoinHandle<String> {
    let errors = child.stderr.take();
    tokio::spawn(async move {
        let Some(mut errors) = errors else { return String::new() };
        let mut said = Vec::new();
        let _ = (&mut errors).take(HEARD).read_to_end(&mut said).await;
        drain(errors).await;
        let said = String::from_utf8_lossy(&said);
        said.chars().take(TOLD).collect()
    })
}

/// Where it reads no more, it has failed, and says why itself.
async fn feed(mut to: ChildStdin, file: &Path, mut replay: Replay) -> Result<(), BackupError> {
    let of = |error: std::io::Error| BackupError::of(file, &error);
    let mut from = tokio::fs::File::open(file).await.map_err(of)?;
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut chunk).await.map_err(of)?;
        if read == 0 {
            break;
        }
        if to.write_all(&replay.see(&chunk[..read])).await.is_err() {
            return Ok(());
        }
    }
    let _gone = to.write_all(&replay.end()).await;
    let _gone = to.shutdown().await;
    Ok(())
}

async fn drain(mut from: impl AsyncRead + Unpin) {
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
}

fn command(path: &Path) -> Command {
    let mut command = Command::new(path);
    command.env_clear().kill_on_drop(true);
    let inherited = INHERITED
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.envs(inherited.collect::<Vec<(&str, OsString)>>());
    // Messages in English: they may be looked up.
    command.env("LC_ALL", "C");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(version: &str) -> Program {
        Program {
            path: "/usr/bin/pg_dump".into(),
            version: version.to_owned(),
        }
    }

    #[tokio::test]
    async fn a_copy_of_which_nothing_comes_any_more_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let shell = Program {
            path: "/bin/sh".into(),
            version: String::new(),
        };
        let mut hangs = shell.command();
        hangs.args(["-c", "echo begun; sleep 0.2; echo more; exec sleep 600"]);
        let (file, mut seen) = (folder.path().join("copy"), Vec::new());
        let see = |bytes: &[u8]| seen.extend_from_slice(bytes);
        let ended = shell.run_into_within(hangs, &file, see, Duration::from_secs(2)).await;
        let failed = ended.expect_err("it hangs");
        assert!(
            failed.why == Why::Database && failed.to_string().contains("was stopped"),
            "{failed}"
        );
        assert_eq!(seen, b"begun\nmore\n");
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(
            program("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)").postgres_major(),
            Some(15)
        );
        assert_eq!(program("pg_dump (PostgreSQL) 18beta1").postgres_major(), Some(18));
        assert_eq!(program("something else").postgres_major(), None);
        assert!(program("mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu").is_of_mariadb());
        assert!(!program("mysqldump  Ver 8.4.3 for Linux on x86_64 (MySQL Community Server - GPL)").is_of_mariadb());
    }
}

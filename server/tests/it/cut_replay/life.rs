//! A server that is this very program, in a process of its own, which ends or stands still where it is told to. The
//! released program knows nothing of that.

use std::fs::OpenOptions;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use inkfast_server::config::{Settings, environment};
use inkfast_server::replay::Cut;
use inkfast_server::startup;
use rustix::process::{Pid, Signal, getpid, kill_process};
use tokio::net::TcpListener;

use crate::support::running_server::RunningServer;

const TOLD: &str = "INKFAST_TEST_LIFE";
const NOWHERE: &str = "nowhere";
/// Short, so that nobody waits long for what an ended process had begun. A save takes far less.
pub const LEASE: Duration = Duration::from_secs(3);
const SETTLED_FOR: Duration = Duration::from_millis(500);
/// Between two looks at everything in a life that nobody kills.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(60);
const CUTS: [Cut; 5] = [
    Cut::Saved,
    Cut::Enqueued,
    Cut::Leased,
    Cut::Committed,
    Cut::Acknowledged,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `kill -9`
    Killed,
    /// `SIGSTOP`: it goes on when somebody says so.
    Frozen,
}

/// Where a life ends, or stands still: when this point is reached for that time.
#[derive(Clone, Copy, Debug)]
pub struct End {
    pub cut: Cut,
    /// From 1.
    pub time: usize,
    pub how: How,
}

impl End {
    fn written(ends: &[Self]) -> String {
        let one = |end: &Self| format!("{:?}:{}:{:?}", end.cut, end.time, end.how);
        match ends {
            [] => NOWHERE.to_owned(),
            ends => ends.iter().map(one).collect::<Vec<_>>().join(","),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let cut = parts.next()?;
        let time = usize::from_str(parts.next()?).ok()?;
        let how = parts.next()?;
        Some(Self {
            cut: CUTS.into_iter().find(|one| format!("{one:?}") == cut)?,
            time,
            how: [How::Killed, How::Frozen]
                .into_iter()
                .find(|one| format!("{one:?}") == how)?,
        })
    }
}

/// Whether this process is to be a server.
pub fn is_told() -> bool {
    std::env::var_os(TOLD).is_some()
}

/// Serves until it ends.
pub async fn serve() {
    let told = environment(TOLD).expect("it was told");
    let ends: Vec<End> = told.split(',').filter_map(End::read).collect();
    let mut settings = Settings::from_env(&environment).expect("these settings are right");
    settings.replay.lease = LEASE;
    settings.replay.settled_for = SETTLED_FOR;
    // It is killed here, never slow: what is kept beside it is meant to be there.
    settings.redis.limits.response = PATIENCE;
    settings.redis.limits.call = PATIENCE;
    let listener = TcpListener::bind(settings.listen.address).await.expect("a free port");
    let prepared = startup::prepare(settings).await.expect("the server can be set up");
    let waiting = prepared.services.drafts.waiting().clone();
    if !ends.iter().any(|end| end.how == How::Killed) {
        let waiting = waiting.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOKS_EVERY).await;
                waiting.ring();
            }
        });
    }
    let times: Vec<AtomicUsize> = ends.iter().map(|_| AtomicUsize::new(0)).collect();
    waiting.on_cut(move |cut| {
        for (end, times) in ends.iter().zip(&times).filter(|(end, _)| end.cut == cut) {
            if times.fetch_add(1, Ordering::AcqRel) + 1 == end.time {
                stop_here(end.how);
            }
        }
    });
    startup::serve(prepared, listener).await.expect("it serves");
}

/// All threads at once; after a `SIGKILL` nothing of it runs any more.
fn stop_here(how: How) {
    let signal = match how {
        How::Killed => Signal::KILL,
        How::Frozen => Signal::STOP,
    };
    kill_process(getpid(), signal).expect("a process may signal itself");
    // Another thread may be the one that takes it, later. Nothing is done here until it has stopped this one, too.
    while is_pending(signal) {
        std::thread::yield_now();
    }
}

/// Whether no thread has taken this signal of the process yet.
fn is_pending(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    let pending = u64::from_str_radix(pending.expect("among the signals").trim(), 16);
    pending.expect("a mask") & (1 << (signal.as_raw() - 1)) != 0
}

/// The process; ends with this.
pub struct Life {
    child: Mutex<Child>,
    ends: Vec<End>,
    told: String,
}

impl Life {
    /// In place of `server`, on its data and at its address.
    pub fn begin(server: &RunningServer, arguments: &[&str], ends: &[End]) -> Self {
        let like = server.command(&[]);
        let program = std::env::current_exe().expect("this program has a path");
        let told = End::written(ends);
        let log = server.data_dir().join("lives");
        let log = OpenOptions::new().create(true).append(true).open(log).expect("a log");
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env(TOLD, &told)
            .current_dir(server.data_dir())
            .stdout(Stdio::null())
            .stderr(log);
        Self {
            child: Mutex::new(command.spawn().expect("this program can be started again")),
            ends: ends.to_vec(),
            told,
        }
    }

    /// Whether it has ended where it was told to. It must not end in any other way.
    pub fn has_ended(&mut self) -> bool {
        let told = &self.told;
        let child = self.child.get_mut().expect("nobody panicked with it");
        let Some(status) = child.try_wait().expect("it is a child of ours") else {
            return false;
        };
        let is_killed = status.signal() == Some(Signal::KILL.as_raw());
        assert!(
            is_killed && !self.ends.is_empty(),
            "it ended with {status}, told {told}"
        );
        true
    }

    /// Comes back when it stands still.
    pub async fn until_frozen(&self) {
        let begun = Instant::now();
        let stat = format!("/proc/{}/stat", self.pid().as_raw_nonzero());
        loop {
            let stat = std::fs::read_to_string(&stat).expect("it lives");
            let state = stat
                .rsplit_once(')')
                .and_then(|(_, rest)| rest.split_whitespace().next());
            if state == Some("T") {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "it never came to {}", self.told);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Lets one that stands still go on.
    pub fn thaw(&self) {
        kill_process(self.pid(), Signal::CONT).expect("it lives");
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child.lock().expect("nobody panicked with it"))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ended_already = child.kill();
        let _reaped = child.wait();
    }
}

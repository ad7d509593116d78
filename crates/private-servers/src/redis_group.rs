//! Several Redis servers of a test's own that stand in for each other.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fault_proxy::free_port;
use tempfile::TempDir;

use crate::redis::{PrivateRedis, ask};
use crate::{ServerError, process_tree};

/// What takes longer has failed.
const LIMIT: Duration = Duration::from_secs(30);

/// A primary, a replica of it, and three sentinels that make the replica the primary when that is gone.
pub struct WatchedRedis {
    /// The first one is the primary at the start.
    pub servers: [PrivateRedis; 2],
    sentinels: Vec<Sentinel>,
}

struct Sentinel {
    port: u16,
    process: Option<Child>,
    _directory: TempDir,
}

impl WatchedRedis {
    /// What the sentinels call it.
    pub const NAME: &str = "drafts";

    /// Blocks the calling thread until the replica follows and the sentinels know of it and of each other.
    ///
    /// # Errors
    /// Where Redis is not installed, or they do not find each other within 30 s.
    pub fn start() -> Result<Self, ServerError> {
        let primary = PrivateRedis::start()?;
        let of = format!("127.0.0.1 {}", primary.port());
        let replica = PrivateRedis::start_with(&["--replicaof", &of])?;
        let mut watched = Self {
            servers: [primary, replica],
            sentinels: Vec::new(),
        };
        until("the replica follows", || {
            let info = watched.servers[1].command(&["INFO", "replication"]);
            info.is_ok_and(|info| info.contains("master_link_status:up"))
        })?;
        for _ in 0..3 {
            watched.sentinels.push(Sentinel::start(watched.servers[0].port())?);
        }
        until("the sentinels know all", || {
            watched
                .sentinels
                .iter()
                .all(|sentinel| sentinel.knows("num-slaves", 1) && sentinel.knows("num-other-sentinels", 2))
        })?;
        Ok(watched)
    }

    /// Where the sentinels are.
    pub fn sentinel_ports(&self) -> Vec<u16> {
        self.sentinels.iter().map(|sentinel| sentinel.port).collect()
    }

    /// `kill -9` of one of the sentinels.
    pub fn kill_sentinel(&mut self, which: usize) {
        if let Some(process) = self.sentinels[which].process.take() {
            process_tree::kill(process);
        }
    }
}

impl Sentinel {
    fn start(primary: u16) -> Result<Self, ServerError> {
        let directory = tempfile::Builder::new().prefix("private-sentinel-").tempdir()?;
        let port = free_port()?;
        let name = WatchedRedis::NAME;
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {name} 127.0.0.1 {primary} 2\n\
             sentinel down-after-milliseconds {name} 5000\nsentinel failover-timeout {name} 6000\n",
            directory.path().display()
        );
        // A server is asked every second, or as often as the time after which it is called down where that is shorter:
        // then one answer that comes late is enough, and a new primary was seen to be given up as soon as it was made.
        // A busy machine holds a process up for seconds: that is not to be called down, either.
        // It writes what it learns into this file.
        let file = directory.path().join("sentinel.conf");
        std::fs::write(&file, settings)?;
        let mut redis = Command::new("redis-server");
        redis.arg(&file).arg("--sentinel");
        let spawned = redis
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let sentinel = Self {
            port,
            process: Some(spawned?),
            _directory: directory,
        };
        until("a sentinel answers", || ask(port, &["PING"]).is_ok())?;
        Ok(sentinel)
    }

    fn knows(&self, what: &str, at_least: u32) -> bool {
        let told = ask(self.port, &["SENTINEL", "MASTER", WatchedRedis::NAME]).unwrap_or_default();
        let number = told.lines().skip_while(|line| *line != what).nth(1);
        number
            .and_then(|number| number.parse().ok())
            .is_some_and(|number: u32| number >= at_least)
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process_tree::kill(process);
        }
    }
}

/// A cluster of three primaries.
pub struct RedisCluster {
    /// Each has a third of the slots.
    pub servers: Vec<PrivateRedis>,
}

impl RedisCluster {
    /// Blocks the calling thread until each of them knows where all slots are.
    ///
    /// # Errors
    /// Where Redis is not installed, or they do not find each other within 30 s.
    pub fn start() -> Result<Self, ServerError> {
        let (mut servers, mut buses) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            // Its own port and 10 000 may be one that the kernel gives to others.
            let bus = free_port()?.to_string();
            // Longer than a busy machine holds a process up: once one server is given up, all of them refuse. It is
            // taken back after twice as long at the earliest, for which there has to be time.
            let settings = [
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "10000",
                "--cluster-port",
                &bus,
            ];
            servers.push(PrivateRedis::start_with(&settings)?);
            buses.push(bus);
        }
        for (server, slots) in servers
            .iter()
            .zip([["0", "5460"], ["5461", "10922"], ["10923", "16383"]])
        {
            server.command(&["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]])?;
        }
        for (server, bus) in servers.iter().zip(&buses).skip(1) {
            let port = server.port().to_string();
            servers[0].command(&["CLUSTER", "MEET", "127.0.0.1", &port, bus])?;
        }
        let cluster = Self { servers };
        cluster.until_whole()?;
        Ok(cluster)
    }

    /// Waits until all of them say that every slot is served.
    ///
    /// # Errors
    /// Where that takes longer than 30 s.
    pub fn until_whole(&self) -> Result<(), ServerError> {
        let is_whole = |server: &PrivateRedis| {
            let info = server.command(&["CLUSTER", "INFO"]).unwrap_or_default();
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        until("the cluster is whole", || self.servers.iter().all(is_whole))
    }

    /// All of them, for a client.
    pub fn hosts(&self) -> String {
        let hosts: Vec<String> = self
            .servers
            .iter()
            .map(|server| format!("127.0.0.1:{}", server.port()))
            .collect();
        hosts.join(",")
    }
}

fn until(what: &str, so: impl Fn() -> bool) -> Result<(), ServerError> {
    let began = Instant::now();
    while !so() {
        if began.elapsed() > LIMIT {
            return Err(ServerError::Failed {
                program: "redis-server",
                said: format!("not within 30 s: {what}"),
            });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

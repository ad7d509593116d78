//! HAProxy with the configuration of `deploy/`, in front of servers of a test's own.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/haproxy.cfg");
const NAMES: [&str; 3] = ["INKFAST_ONE", "INKFAST_TWO", "INKFAST_THREE"];

/// Ends when dropped.
pub struct Balancer {
    process: Child,
}

impl Balancer {
    /// At `address`, in front of two or three servers.
    pub fn start(address: SocketAddr, servers: &[SocketAddr]) -> Self {
        let mut haproxy = Command::new(program());
        let servers = servers.iter().map(SocketAddr::to_string);
        haproxy
            // In the foreground.
            .args(["-db", "-f", CONFIGURATION])
            .env("INKFAST_BIND", address.to_string())
            .envs(NAMES.into_iter().zip(servers))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = haproxy.spawn().expect("HAProxy is installed");
        Self { process }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _gone_already = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// Debian keeps servers out of the `PATH` of whoever is not root.
fn program() -> &'static str {
    match std::path::Path::new("/usr/sbin/haproxy").is_file() {
        true => "/usr/sbin/haproxy",
        false => "haproxy",
    }
}

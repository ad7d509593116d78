//! The listener: who is let in, and what is known about it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::connection;
use crate::fault::{Fault, Script};
use crate::port::listen_on_free_port;

/// What happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counters {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections open now.
    pub open: u64,
    /// Connections reset by a fault.
    pub cut: u64,
    /// Times a pattern was found and acted upon, or an answer was swallowed.
    pub matched: u64,
    pub bytes_to_server: u64,
    pub bytes_to_client: u64,
}

#[derive(Default)]
pub(crate) struct Tally {
    pub accepted: AtomicU64,
    pub cut: AtomicU64,
    pub matched: AtomicU64,
    pub bytes_to_server: AtomicU64,
    pub bytes_to_client: AtomicU64,
}

/// What the listener and every connection share.
pub(crate) struct Shared {
    pub upstream: SocketAddr,
    pub tally: Tally,
    pub open: watch::Sender<u64>,
    listening: watch::Sender<bool>,
}

/// A proxy in front of one server. Dropping it closes the listener and resets every connection.
pub struct FaultProxy {
    address: SocketAddr,
    script: watch::Sender<Arc<Script>>,
    shared: Arc<Shared>,
}

impl FaultProxy {
    /// Listens on a free port of 127.0.0.1 and passes everything to `upstream`, which need not be
    /// there yet: a client of a server that cannot be reached is reset.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        Self::listen(0, upstream).await
    }

    /// The same on a port of the caller's choice; 0 chooses one.
    ///
    /// # Errors
    /// Where the port is taken.
    pub async fn listen(port: u16, upstream: SocketAddr) -> io::Result<Self> {
        let listener = match port {
            0 => {
                let listener = listen_on_free_port()?;
                listener.set_nonblocking(true)?;
                TcpListener::from_std(listener)?
            }
            port => TcpListener::bind(("127.0.0.1", port)).await?,
        };
        let address = listener.local_addr()?;
        let (script, scripts) = watch::channel(Arc::new(Script::new(Fault::Pass)));
        let shared = Arc::new(Shared {
            upstream,
            tally: Tally::default(),
            open: watch::Sender::new(0),
            listening: watch::Sender::new(true),
        });
        tokio::spawn(accept(listener, address, scripts, Arc::clone(&shared)));
        Ok(Self {
            address,
            script,
            shared,
        })
    }

    /// Where clients connect; the same all the time.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts a fault in force in place of the last one. When this returns it is: the listener is
    /// closed or open again, and what was to be cut is cut.
    pub async fn set(&self, fault: Fault) {
        let mut scripts = self.script.subscribe();
        self.script.send_replace(Arc::new(Script::new(fault)));
        let script = Arc::clone(&scripts.borrow_and_update());
        tokio::select! {
            () = self.in_force(&script) => {}
            // Another call has put something else in its place.
            _ = scripts.changed() => {}
        }
    }

    async fn in_force(&self, script: &Script) {
        let (mut listening, mut open) = (self.shared.listening.subscribe(), self.shared.open.subscribe());
        drop(listening.wait_for(|listening| *listening != script.refuses()).await);
        if script.cuts() {
            drop(open.wait_for(|open| *open == 0).await);
        }
    }

    /// The fault as it was set.
    pub fn fault(&self) -> Fault {
        self.script.borrow().fault.clone()
    }

    pub fn counters(&self) -> Counters {
        let tally = &self.shared.tally;
        Counters {
            accepted: tally.accepted.load(Ordering::SeqCst),
            open: *self.shared.open.borrow(),
            cut: tally.cut.load(Ordering::SeqCst),
            matched: tally.matched.load(Ordering::SeqCst),
            bytes_to_server: tally.bytes_to_server.load(Ordering::SeqCst),
            bytes_to_client: tally.bytes_to_client.load(Ordering::SeqCst),
        }
    }
}

/// Accepts until the proxy is dropped. The listener is really closed while connections are refused.
async fn accept(
    listener: TcpListener,
    address: SocketAddr,
    mut scripts: watch::Receiver<Arc<Script>>,
    shared: Arc<Shared>,
) {
    let mut listener = Some(listener);
    loop {
        let refuses = scripts.borrow_and_update().refuses();
        if refuses {
            listener = None;
        } else if listener.is_none() {
            listener = Some(listen_again(address).await);
        }
        shared.listening.send_replace(!refuses);
        tokio::select! {
            changed = scripts.changed() => if changed.is_err() { return },
            accepted = next(listener.as_ref()) => {
                let Ok((client, _)) = accepted else { continue };
                shared.tally.accepted.fetch_add(1, Ordering::SeqCst);
                shared.open.send_modify(|open| *open += 1);
                tokio::spawn(connection::carry(client, scripts.clone(), Arc::clone(&shared)));
            }
        }
    }
}

async fn next(listener: Option<&TcpListener>) -> io::Result<(tokio::net::TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

async fn listen_again(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

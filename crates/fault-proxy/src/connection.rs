//! One client, carried to the server and back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use crate::fault::{Chance, Fault, Script};
use crate::matcher::Matcher;
use crate::proxy::Shared;

const CHUNK: usize = 16 * 1024;
/// A request is complete when its client has said nothing more for this long: a message may go on
/// after the pattern, in another chunk.
const SILENCE: Duration = Duration::from_millis(50);
/// How long a server whose client was cut may take over its answer.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);
/// A slow connection moves in steps of this length, or of one byte.
const STEP: Duration = Duration::from_millis(50);

/// Why a connection ends before both sides have said everything.
enum Cut {
    /// Both sides are reset.
    Both,
    /// The client is reset; the server is heard out, so that a reset does not stop its work.
    ClientOnly,
    /// The same, and the server has begun to answer.
    ClientAfterAnswer,
    /// The client gets the answer that the fault names.
    Answered(Arc<Script>),
    /// One side went away by itself.
    Broken,
}

impl From<io::Error> for Cut {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

/// Carries one client until both sides have finished or a fault ends it.
pub(crate) async fn carry(mut client: TcpStream, scripts: watch::Receiver<Arc<Script>>, shared: Arc<Shared>) {
    let _open = Open(&shared);
    let mut cut = scripts.clone();
    let ended = tokio::select! {
        // An error is the proxy's end.
        _ = cut.wait_for(|script| script.cuts()) => Some((Cut::Both, None)),
        ended = pass(&mut client, scripts, &shared) => ended,
    };
    let Some((cut, server)) = ended else { return };
    if let Cut::Answered(script) = &cut {
        let _gone_already = answer_instead(client, script.answer().unwrap_or_default()).await;
        return;
    }
    if !matches!(cut, Cut::Broken) {
        shared.tally.cut.fetch_add(1, Ordering::SeqCst);
    }
    let _gone_already = client.set_zero_linger();
    drop(client);
    if let Some(server) = server {
        let limit = match cut {
            Cut::ClientAfterAnswer => SILENCE,
            _ => DRAIN_LIMIT,
        };
        tokio::spawn(hear_out(server, limit));
    }
}

/// `None` when both sides have finished in order.
async fn pass(
    client: &mut TcpStream,
    mut scripts: watch::Receiver<Arc<Script>>,
    shared: &Shared,
) -> Option<(Cut, Option<TcpStream>)> {
    if moving(&mut scripts).await.swallows() {
        return swallow_all(client).await;
    }
    let Ok(server) = TcpStream::connect(shared.upstream).await else {
        return Some((Cut::Broken, None));
    };
    // Reset rather than closed, whenever this connection is dropped in the middle.
    let mut server = ResetOnDrop(Some(server));
    let stream = server.0.as_mut()?;
    let _only_slower = (stream.set_nodelay(true), client.set_nodelay(true));
    let line = Line {
        shared,
        answers_withheld: AtomicBool::new(false),
        silent: AtomicBool::new(false),
    };
    let (from_server, to_server) = stream.split();
    let (from_client, to_client) = client.split();
    let ended = tokio::try_join!(
        line.requests(from_client, to_server, scripts.clone()),
        line.answers(from_server, to_client, scripts)
    );
    match ended {
        Ok(_) => {
            server.0 = None;
            None
        }
        Err(cut @ (Cut::ClientOnly | Cut::ClientAfterAnswer)) => Some((cut, server.0.take())),
        Err(cut) => Some((cut, None)),
    }
}

/// What both directions of a connection know.
struct Line<'a> {
    shared: &'a Shared,
    /// Set before the bytes that ask for the answer are forwarded.
    answers_withheld: AtomicBool,
    /// Something was swallowed: the rest would make no sense to whoever reads it.
    silent: AtomicBool,
}

impl Line<'_> {
    /// Whether nothing that is read is to be passed on.
    fn swallows(&self, script: &Script) -> bool {
        if script.swallows() {
            self.silent.store(true, Ordering::SeqCst);
        }
        self.silent.load(Ordering::SeqCst)
    }

    async fn requests(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        mut scripts: watch::Receiver<Arc<Script>>,
    ) -> Result<(), Cut> {
        let mut chunk = vec![0; CHUNK];
        let mut matcher = Matcher::default();
        let mut cut_when_silent = false;
        loop {
            moving(&mut scripts).await;
            let read = match cut_when_silent {
                true => tokio::time::timeout(SILENCE, from.read(&mut chunk))
                    .await
                    .map_err(|_| Cut::ClientOnly)??,
                false => from.read(&mut chunk).await?,
            };
            let script = moving(&mut scripts).await;
            if read == 0 {
                if self.answers_withheld.load(Ordering::SeqCst) {
                    return Err(Cut::ClientOnly);
                }
                to.shutdown().await?;
                return Ok(());
            }
            if self.swallows(&script) {
                continue;
            }
            if matcher.sees(script.pattern(), &chunk[..read]) && script.claim() {
                self.shared.tally.matched.fetch_add(1, Ordering::SeqCst);
                if script.answer().is_some() {
                    return Err(Cut::Answered(script));
                }
                self.answers_withheld.store(true, Ordering::SeqCst);
                cut_when_silent = matches!(script.fault, Fault::CutAfterForwarding { .. });
            }
            if deliver(
                &mut to,
                &chunk[..read],
                &script,
                &mut scripts,
                &self.shared.tally.bytes_to_server,
            )
            .await?
            {
                return Err(Cut::ClientOnly);
            }
        }
    }

    async fn answers(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        mut scripts: watch::Receiver<Arc<Script>>,
    ) -> Result<(), Cut> {
        let mut chunk = vec![0; CHUNK];
        let mut swallowing = false;
        loop {
            moving(&mut scripts).await;
            let read = from.read(&mut chunk).await?;
            let script = moving(&mut scripts).await;
            swallowing |= self.swallows(&script);
            if self.answers_withheld.load(Ordering::SeqCst) {
                return Err(Cut::ClientAfterAnswer);
            }
            if !swallowing && read > 0 && script.swallows_answer() {
                self.shared.tally.matched.fetch_add(1, Ordering::SeqCst);
                swallowing = true;
            }
            if read == 0 {
                if !swallowing {
                    to.shutdown().await?;
                }
                return Ok(());
            }
            if swallowing {
                continue;
            }
            if deliver(
                &mut to,
                &chunk[..read],
                &script,
                &mut scripts,
                &self.shared.tally.bytes_to_client,
            )
            .await?
            {
                return Err(Cut::Both);
            }
        }
    }
}

/// Writes one chunk as the fault in force lets it; whether chance cuts the connection after it.
async fn deliver(
    to: &mut WriteHalf<'_>,
    chunk: &[u8],
    script: &Script,
    scripts: &mut watch::Receiver<Arc<Script>>,
    bytes: &AtomicU64,
) -> Result<bool, Cut> {
    let chance = script.chance();
    if chance == Some(Chance::BeforeForwarding) {
        return Err(Cut::Both);
    }
    if let Fault::Slow { latency, .. } = script.fault {
        tokio::time::sleep(latency).await;
    }
    let mut rest = chunk;
    while !rest.is_empty() {
        let (length, _) = step_of(&scripts.borrow().fault);
        let (slice, later) = rest.split_at(length.min(rest.len()));
        to.write_all(slice).await?;
        bytes.fetch_add(slice.len() as u64, Ordering::SeqCst);
        rest = later;
        if !rest.is_empty() {
            wait_a_step(scripts).await;
            moving(scripts).await;
        }
    }
    Ok(chance == Some(Chance::AfterForwarding))
}

/// The bytes that move in one step, and how long it lasts; one byte takes longer where it has to.
fn step_of(fault: &Fault) -> (usize, Duration) {
    match *fault {
        Fault::Slow { bytes_per_second, .. } if bytes_per_second > 0 => {
            let second = Duration::from_secs(1);
            let length = (bytes_per_second as usize * STEP.as_millis() as usize / 1000).max(1);
            (length, second.mul_f64(length as f64 / bytes_per_second as f64))
        }
        _ => (CHUNK, STEP),
    }
}

/// Ends early when another fault is put in force.
async fn wait_a_step(scripts: &mut watch::Receiver<Arc<Script>>) {
    let (_, step) = step_of(&scripts.borrow_and_update().fault);
    let _another = tokio::time::timeout(step, scripts.changed()).await;
}

/// Waits while frozen, then tells what is in force. At the proxy's end it waits for good: the
/// connection is ended from outside.
async fn moving(scripts: &mut watch::Receiver<Arc<Script>>) -> Arc<Script> {
    if let Ok(script) = scripts.wait_for(|script| !script.freezes()).await {
        return Arc::clone(&script);
    }
    std::future::pending().await
}

/// For a client that is never to hear anything; its end is the end of it.
async fn swallow_all(client: &mut TcpStream) -> Option<(Cut, Option<TcpStream>)> {
    let mut chunk = vec![0; CHUNK];
    while client.read(&mut chunk).await.is_ok_and(|read| read > 0) {}
    None
}

/// Hears the client out first: one whose question is left half read is reset, and reads no answer.
async fn answer_instead(mut client: TcpStream, answer: &[u8]) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    while let Ok(read) = tokio::time::timeout(SILENCE, client.read(&mut chunk)).await
        && read? > 0
    {}
    client.write_all(answer).await?;
    client.shutdown().await
}

/// Keeps a server's connection open until it has answered, or for `limit`, then closes it in order.
async fn hear_out(mut server: TcpStream, limit: Duration) {
    let mut answer = [0; 256];
    let _whatever_it_says = tokio::time::timeout(limit, server.read(&mut answer)).await;
}

struct ResetOnDrop(Option<TcpStream>);

impl Drop for ResetOnDrop {
    fn drop(&mut self) {
        if let Some(stream) = &self.0 {
            let _gone_already = stream.set_zero_linger();
        }
    }
}

/// Counts a connection as open until it is gone.
struct Open<'a>(&'a Shared);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

//! Servers that speak just enough of a real protocol to a real driver, and say at a given point what
//! no real server could be made to say: any error there is, or nothing more.

pub mod mysql;
pub mod postgres;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// When in a conversation an order is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The client has connected; nothing was said to it.
    Greeting,
    /// The client has said who it is.
    SignIn,
    /// The client wants a statement run that begins so.
    Statement(&'static str),
}

/// What the server does there instead of what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Refuse(Refusal),
    /// Closes the connection without an answer.
    Cut,
    /// Closes it in the middle of the answer.
    CutInTheAnswer,
}

/// An error as it goes over the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// SQLSTATE, or the number where the protocol has one.
    pub code: String,
    pub message: String,
    /// The connection is closed after it.
    pub fatal: bool,
}

/// What was seen of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// An order was carried out.
    Struck,
    Statement(String),
    /// The client said that it leaves.
    Farewell,
    /// The client was gone, without a word.
    Gone,
}

/// What the server answers to a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    Text(&'static str),
    Number(i64),
    Yes,
}

/// What a protocol has to do: everything else is the same for all.
pub trait Protocol: Copy + Send + Sync + 'static {
    /// Talks to one client until one of them leaves.
    fn talk(self, client: Client) -> impl Future<Output = io::Result<()>> + Send;
}

/// A server on a port of 127.0.0.1. It and its connections are gone when it is dropped.
pub struct FakeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    order: Mutex<Option<(At, Act)>>,
    seen: Mutex<Vec<(usize, Seen)>>,
}

impl FakeServer {
    pub async fn start<P: Protocol>(protocol: P) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, shared) = (listener.local_addr().expect("an address"), Arc::<Shared>::default());
        let accepting = tokio::spawn(accept(listener, protocol, Arc::clone(&shared)));
        Self {
            address,
            shared,
            accepting,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, every time; `None` takes it back.
    pub fn order(&self, order: Option<(At, Act)>) {
        *locked(&self.shared.order) = order;
    }

    /// How often an order was carried out.
    pub fn struck(&self) -> usize {
        let seen = locked(&self.shared.seen);
        seen.iter().filter(|(_, seen)| *seen == Seen::Struck).count()
    }

    /// The statements that begin so.
    pub fn statements(&self, begin: &str) -> Vec<String> {
        let seen = locked(&self.shared.seen);
        let statements = seen.iter().filter_map(|(_, seen)| match seen {
            Seen::Statement(sql) => sql.starts_with(begin).then(|| sql.clone()),
            _ => None,
        });
        statements.collect()
    }

    /// What came on the same connection after the first stroke.
    pub fn after_the_first_stroke(&self) -> Vec<Seen> {
        let seen = locked(&self.shared.seen);
        let Some(first) = seen.iter().position(|(_, seen)| *seen == Seen::Struck) else {
            return Vec::new();
        };
        let struck = seen[first].0;
        let later = seen[first + 1..].iter().filter(|(connection, _)| *connection == struck);
        later.map(|(_, seen)| seen.clone()).collect()
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept<P: Protocol>(listener: TcpListener, protocol: P, shared: Arc<Shared>) {
    let mut conversations = JoinSet::new();
    for number in 0.. {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        let client = Client { number, stream, shared };
        conversations.spawn(protocol.talk(client));
    }
}

/// One client, from the server's side.
pub struct Client {
    number: usize,
    stream: TcpStream,
    shared: Arc<Shared>,
}

impl Client {
    /// What is to be done at this point instead of what was asked.
    fn ordered(&self, at: At) -> Option<Act> {
        self.ordered_where(|wanted| wanted == at)
    }

    fn ordered_for(&self, sql: &str) -> Option<Act> {
        self.see(Seen::Statement(sql.to_owned()));
        self.ordered_where(|wanted| matches!(wanted, At::Statement(begin) if sql.starts_with(begin)))
    }

    fn ordered_where(&self, fits: impl Fn(At) -> bool) -> Option<Act> {
        let order = locked(&self.shared.order);
        let (_, act) = order.as_ref().filter(|(at, _)| fits(*at))?;
        self.see(Seen::Struck);
        Some(act.clone())
    }

    fn see(&self, seen: Seen) {
        locked(&self.shared.seen).push((self.number, seen));
    }

    /// Fills `buffer`, or finds that the client is gone.
    async fn read(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; length];
        let read = self.stream.read_exact(&mut buffer).await;
        if read.is_err() {
            self.see(Seen::Gone);
        }
        read.map(|_| buffer)
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Half of the bytes, and then nothing.
    async fn write_half(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(&bytes[..bytes.len().div_ceil(2)]).await?;
        Err(closed())
    }
}

/// The server closes the connection.
fn closed() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is answered where nothing else is ordered: enough for the crate's own questions.
fn answer(sql: &str, version: &'static str) -> Answer {
    if sql.contains("VERSION()") {
        Answer::Text(version)
    } else if sql.contains("read_only") {
        Answer::Yes
    } else if sql.starts_with("SELECT") {
        Answer::Number(1)
    } else {
        Answer::Done
    }
}

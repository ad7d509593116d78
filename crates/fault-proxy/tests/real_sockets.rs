//! What a client and a server notice of each fault, with real sockets.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it says"
)]

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fault_proxy::{Fault, FaultProxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

/// Far longer than anything here takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(10);

/// Answers each piece it is sent by `ok:` and the piece, and remembers all of them.
struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
    /// Held by each connection.
    open: Arc<()>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (log, open) = (Arc::clone(&received), Arc::new(()));
        let opened = Arc::downgrade(&open);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, open) = (Arc::clone(&log), opened.upgrade());
                tokio::spawn(async move {
                    echo(stream, log).await;
                    drop(open);
                });
            }
        });
        Self {
            address,
            received,
            open,
        }
    }

    fn open(&self) -> usize {
        Arc::strong_count(&self.open) - 1
    }

    async fn received(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().await).into_owned()
    }

    /// After a pause in which more could have come.
    async fn received_at_last(&self) -> String {
        sleep(Duration::from_millis(60)).await;
        self.received().await
    }

    /// Waits until it has received what is meant.
    async fn until_received(&self, is_meant: impl Fn(&str) -> bool) {
        let waiting = async {
            while !is_meant(&self.received().await) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = timeout(LONG, waiting).await;
        let all = self.received().await;
        assert!(in_time.is_ok(), "{all:?}");
    }
}

/// The first client that sends it is cut.
fn cut_after_commit() -> Fault {
    Fault::CutAfterForwarding {
        pattern: b"COMMIT".to_vec(),
        times: 1,
    }
}

/// Waits until it is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, waiting).await.expect(what);
}

async fn echo(mut stream: TcpStream, log: Arc<Mutex<Vec<u8>>>) {
    let mut piece = vec![0; 65536];
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        log.lock().await.extend_from_slice(&piece[..read]);
        // A server takes a moment; an answer must not be lost for being too fast.
        sleep(Duration::from_millis(30)).await;
        let answer = [b"ok:", &piece[..read]].concat();
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

async fn set_up() -> (Server, FaultProxy) {
    let server = Server::start().await;
    let proxy = FaultProxy::start(server.address).await.unwrap();
    (server, proxy)
}

async fn ask(client: &mut TcpStream, question: &str) -> std::io::Result<String> {
    client.write_all(question.as_bytes()).await?;
    let mut answer = vec![0; 65536];
    let read = timeout(LONG, client.read(&mut answer))
        .await
        .map_err(|_| ErrorKind::TimedOut)??;
    if read == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
}

async fn connect(proxy: &FaultProxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

#[tokio::test]
async fn what_is_passed_arrives_and_both_ends_close_in_order() {
    let (server, proxy) = set_up().await;
    let mut client = connect(&proxy).await;
    assert_eq!(ask(&mut client, "one").await.unwrap(), "ok:one");
    client.shutdown().await.unwrap();
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(server.received().await, "one");
    until("nothing is open", || proxy.counters().open == 0).await;
    let counters = proxy.counters();
    assert_eq!((counters.accepted, counters.open, counters.cut), (1, 0, 0));
    assert_eq!((counters.bytes_to_server, counters.bytes_to_client), (3, 6));
}

#[tokio::test]
async fn while_refused_new_clients_fail_at_once_and_old_ones_go_on() {
    let (_server, proxy) = set_up().await;
    let mut old = connect(&proxy).await;
    ask(&mut old, "one").await.unwrap();
    for _ in 0..20 {
        proxy.set(Fault::Refuse).await;
        let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        proxy.set(Fault::Pass).await;
        connect(&proxy).await;
    }
    assert_eq!(ask(&mut old, "two").await.unwrap(), "ok:two");
}

#[tokio::test]
async fn a_cut_resets_everyone_now_and_after_it_all_is_well() {
    let (_server, proxy) = set_up().await;
    let mut client = connect(&proxy).await;
    ask(&mut client, "one").await.unwrap();
    proxy.set(Fault::Cut).await;
    assert_eq!(
        client.read(&mut [0; 8]).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert!(TcpStream::connect(proxy.address()).await.is_err());
    assert_eq!(proxy.counters().open, 0);
    proxy.set(Fault::Pass).await;
    assert_eq!(ask(&mut connect(&proxy).await, "two").await.unwrap(), "ok:two");
}

#[tokio::test]
async fn while_frozen_clients_connect_and_nothing_moves_until_the_thaw() {
    let (server, proxy) = set_up().await;
    let mut old = connect(&proxy).await;
    ask(&mut old, "old").await.unwrap();
    proxy.set(Fault::Freeze).await;
    let mut new = connect(&proxy).await;
    new.write_all(b"new").await.unwrap();
    old.write_all(b"again").await.unwrap();
    assert!(
        timeout(Duration::from_millis(300), old.read(&mut [0; 8]))
            .await
            .is_err()
    );
    assert_eq!(server.received_at_last().await, "old");
    proxy.set(Fault::Pass).await;
    assert_eq!(ask(&mut new, "").await.unwrap(), "ok:new");
    assert_eq!(ask(&mut old, "").await.unwrap(), "ok:again");
}

#[tokio::test]
async fn a_frozen_connection_can_still_be_cut() {
    let (_server, proxy) = set_up().await;
    proxy.set(Fault::Freeze).await;
    let mut client = connect(&proxy).await;
    proxy.set(Fault::Cut).await;
    assert!(client.read(&mut [0; 8]).await.is_err());
}

#[tokio::test]
async fn a_slow_way_takes_its_time_and_loses_nothing() {
    let (server, proxy) = set_up().await;
    proxy
        .set(Fault::Slow {
            bytes_per_second: 2000,
            latency: Duration::from_millis(100),
        })
        .await;
    let mut client = connect(&proxy).await;
    let began = Instant::now();
    client.write_all(&[b'x'; 600]).await.unwrap();
    server.until_received(|all| all.len() == 600).await;
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(330), "{took:?}");
}

#[tokio::test]
async fn one_byte_a_second_is_one_byte_a_second_until_another_fault_is_set() {
    let (server, proxy) = set_up().await;
    let crawl = Fault::Slow {
        bytes_per_second: 1,
        latency: Duration::ZERO,
    };
    proxy.set(crawl).await;
    let mut client = connect(&proxy).await;
    let message = "slow".repeat(10);
    let began = Instant::now();
    client.write_all(message.as_bytes()).await.unwrap();
    server.until_received(|all| all.len() >= 2).await;
    let crept = server.received().await.len();
    let took = began.elapsed();
    assert!(crept as u64 <= took.as_secs() + 1, "{crept} bytes in {took:?}");
    let left = message.len() - crept;
    let began = Instant::now();
    proxy.set(Fault::Pass).await;
    server.until_received(|all| all == message).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(left as u64), "{left} bytes in {took:?}");
}

#[tokio::test]
async fn what_falls_into_a_black_hole_is_lost_and_its_connection_with_it() {
    let (server, proxy) = set_up().await;
    let mut idle = connect(&proxy).await;
    ask(&mut idle, "idle").await.unwrap();
    let mut busy = connect(&proxy).await;
    ask(&mut busy, "busy").await.unwrap();
    proxy.set(Fault::BlackHole).await;
    let mut new = connect(&proxy).await;
    for client in [&mut busy, &mut new] {
        client.write_all(b"lost").await.unwrap();
    }
    assert_eq!(server.received_at_last().await, "idlebusy");
    proxy.set(Fault::Pass).await;
    for client in [&mut busy, &mut new] {
        client.write_all(b"silent").await.unwrap();
        assert!(
            timeout(Duration::from_millis(200), client.read(&mut [0; 8]))
                .await
                .is_err()
        );
    }
    assert_eq!(server.received_at_last().await, "idlebusy");
    assert_eq!(ask(&mut idle, "again").await.unwrap(), "ok:again");
}

#[tokio::test]
async fn a_commit_is_forwarded_and_its_answer_never_comes_back() {
    let (server, proxy) = set_up().await;
    proxy
        .set(Fault::CutAfterForwarding {
            pattern: b"COMMIT".to_vec(),
            times: 2,
        })
        .await;
    for (round, question) in ["a:COMMIT;", "b:COMMIT;"].into_iter().enumerate() {
        let mut client = connect(&proxy).await;
        assert_eq!(ask(&mut client, "INSERT").await.unwrap(), "ok:INSERT");
        assert_eq!(
            ask(&mut client, question).await.unwrap_err().kind(),
            ErrorKind::ConnectionReset
        );
        // The server has it all.
        server.until_received(|all| all.ends_with(question)).await;
        assert_eq!(proxy.counters().matched, round as u64 + 1);
    }
    assert_eq!(
        ask(&mut connect(&proxy).await, "c:COMMIT;").await.unwrap(),
        "ok:c:COMMIT;"
    );
}

#[tokio::test]
async fn a_server_that_has_answered_a_client_that_was_cut_is_let_go() {
    let (server, proxy) = set_up().await;
    proxy.set(cut_after_commit()).await;
    ask(&mut connect(&proxy).await, "COMMIT").await.unwrap_err();
    server.until_received(|all| all == "COMMIT").await;
    // Sooner than a server whose answer does not come, which is heard for 5 s.
    let let_go = until("it is let go", || server.open() == 0);
    timeout(Duration::from_secs(4), let_go).await.expect("it has answered");
}

#[tokio::test]
async fn a_pattern_is_found_across_chunks_and_the_rest_of_the_message_still_arrives() {
    let (server, proxy) = set_up().await;
    proxy.set(cut_after_commit()).await;
    let mut client = connect(&proxy).await;
    // Answered, each has gone through alone.
    for piece in ["CO", "MM"] {
        assert_eq!(ask(&mut client, piece).await.unwrap(), format!("ok:{piece}"));
    }
    // Written at once, and more than the proxy reads at once.
    let rest = format!("IT{}-end", "-".repeat(20_000));
    client.write_all(rest.as_bytes()).await.unwrap();
    assert!(client.read(&mut [0; 8]).await.is_err());
    server.until_received(|all| all == format!("COMM{rest}")).await;
}

#[tokio::test]
async fn a_client_with_the_pattern_has_a_moment_for_the_rest_of_its_message() {
    // The kernel accepts for it, and nobody answers: an answer would end the moment.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = FaultProxy::start(silent.local_addr().unwrap()).await.unwrap();
    proxy.set(cut_after_commit()).await;
    let mut client = connect(&proxy).await;
    let began = Instant::now();
    client.write_all(b"COMMIT").await.unwrap();
    assert!(client.read(&mut [0; 8]).await.is_err());
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(50), "{took:?}");
}

#[tokio::test]
async fn an_answer_is_lost_only_once_it_begins_and_only_for_the_request_that_was_named() {
    let (server, proxy) = set_up().await;
    proxy
        .set(Fault::CutAnswerTo {
            pattern: b"POST /records/".to_vec(),
            times: 1,
        })
        .await;
    let mut client = connect(&proxy).await;
    assert!(ask(&mut client, "GET /records/").await.is_ok());
    let began = Instant::now();
    assert!(ask(&mut client, "POST /records/site/1").await.is_err());
    assert!(
        began.elapsed() >= Duration::from_millis(29),
        "the server has had its time"
    );
    server.until_received(|all| all.ends_with("POST /records/site/1")).await;
    assert!(ask(&mut connect(&proxy).await, "POST /records/site/1").await.is_ok());
}

#[tokio::test]
async fn a_proxy_of_the_usual_kind_answers_for_the_server_which_hears_of_nothing() {
    let (server, proxy) = set_up().await;
    proxy
        .set(Fault::AnswerInstead {
            pattern: b"POST /records/".to_vec(),
            answer: b"HTTP/1.1 503 -".to_vec(),
            times: 1,
        })
        .await;
    let mut client = connect(&proxy).await;
    assert_eq!(ask(&mut client, "GET /").await.unwrap(), "ok:GET /");
    let long = format!("POST /records/site/1 {}", "x".repeat(200_000));
    assert_eq!(ask(&mut client, &long).await.unwrap(), "HTTP/1.1 503 -");
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0, "closed in order");
    assert_eq!(server.received_at_last().await, "GET /");
    assert_eq!((proxy.counters().matched, proxy.counters().cut), (1, 0));
    assert!(ask(&mut connect(&proxy).await, "POST /records/site/1").await.is_ok());
}

#[tokio::test]
async fn a_dropped_answer_leaves_its_client_waiting_and_nobody_else() {
    let (server, proxy) = set_up().await;
    let (mut first, mut second) = (connect(&proxy).await, connect(&proxy).await);
    proxy.set(Fault::DropAnswerOnce).await;
    first.write_all(b"one").await.unwrap();
    assert!(
        timeout(Duration::from_millis(300), first.read(&mut [0; 8]))
            .await
            .is_err()
    );
    // On a busy machine it is answered late.
    until("the answer was dropped", || proxy.counters().matched == 1).await;
    assert_eq!(ask(&mut second, "two").await.unwrap(), "ok:two");
    first.write_all(b"three").await.unwrap();
    assert!(
        timeout(Duration::from_millis(300), first.read(&mut [0; 8]))
            .await
            .is_err()
    );
    server.until_received(|all| all.contains("three")).await;
}

#[tokio::test]
async fn chance_cuts_some_and_spares_some() {
    let (_server, proxy) = set_up().await;
    proxy
        .set(Fault::CutAtRandom {
            probability: 0.3,
            seed: 5,
        })
        .await;
    let mut answered = 0;
    for _ in 0..40 {
        let mut client = connect(&proxy).await;
        answered += usize::from(ask(&mut client, "one").await.is_ok());
    }
    assert!((5..36).contains(&answered), "{answered} of 40 answered");
    assert!(proxy.counters().cut > 4);
}

#[tokio::test]
async fn clients_of_a_server_that_is_away_are_reset_and_served_when_it_is_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = FaultProxy::start(listener.local_addr().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert!(connect(&proxy).await.read(&mut [0; 8]).await.is_err());
    let listener = TcpListener::bind(address).await.unwrap();
    let (accepted, _client) = tokio::join!(listener.accept(), connect(&proxy));
    accepted.unwrap();
}

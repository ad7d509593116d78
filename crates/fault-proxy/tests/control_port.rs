//! The program, steered as a browser story steers it.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it says"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

struct Program {
    child: Child,
    ports: Value,
}

impl Program {
    fn start(upstream: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fault-proxy"))
            .args(["--upstream", upstream])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            ports: serde_json::from_str(&line).unwrap(),
        }
    }

    fn connect(&self, port: &str) -> std::io::Result<TcpStream> {
        TcpStream::connect(("127.0.0.1", self.ports[port].as_u64().unwrap() as u16))
    }

    fn request(&self, request: &str) -> (String, Value) {
        let mut stream = self.connect("control").unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (
            head.lines().next().unwrap().to_owned(),
            serde_json::from_str(body).unwrap(),
        )
    }

    fn order(&self, json: &str) -> (String, Value) {
        let length = json.len();
        self.request(&format!(
            "POST /fault HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{json}"
        ))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_story_takes_the_way_down_and_up_again() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let program = Program::start(&server.local_addr().unwrap().to_string());
    program.connect("listen").unwrap();

    let (status, state) = program.order(r#"{"kind":"refuse"}"#);
    assert!(status.contains(" 200"), "{status}");
    assert_eq!(state["fault"], "Refuse");
    assert!(program.connect("listen").is_err());

    program.order(r#"{"kind":"pass"}"#);
    program.connect("listen").unwrap();
    let began = Instant::now();
    loop {
        let (_, state) = program.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(state["fault"], "Pass");
        // The kernel has accepted for it, and it may come to that later.
        if state["counters"]["accepted"].as_u64().unwrap() >= 1 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{state}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_order_that_is_not_understood_changes_nothing_and_says_why() {
    let program = Program::start("127.0.0.1:9");
    let (status, said) = program.order(r#"{"kind":"explode"}"#);
    assert!(status.contains(" 400"), "{status}");
    assert!(said["error"].as_str().unwrap().contains("explode"));
    assert!(program.request("GET /other HTTP/1.1\r\n\r\n").0.contains(" 404"));
    assert!(program.request("nonsense\r\n\r\n").0.contains(" 404"));
    assert_eq!(program.request("GET / HTTP/1.1\r\n\r\n").1["fault"], "Pass");
}

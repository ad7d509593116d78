//! PostgreSQL's protocol, version 3.0, as a server without TLS and passwords speaks it.

use std::collections::HashMap;
use std::io;

use super::{Act, Answer, At, Client, Protocol, Refusal, Seen, answer, closed};

const SSL_REQUEST: u32 = 80_877_103;

const BOOL: (u32, i16) = (16, 1);
const INT8: (u32, i16) = (20, 8);
const TEXT: (u32, i16) = (25, -1);

#[derive(Clone, Copy, Debug)]
pub struct FakePostgres;

impl Protocol for FakePostgres {
    async fn talk(self, client: Client) -> io::Result<()> {
        Conversation {
            client,
            status: b'I',
            prepared: HashMap::new(),
            bound: String::new(),
            pending: Vec::new(),
            skipping: false,
        }
        .hold()
        .await
    }
}

struct Conversation {
    client: Client,
    /// Idle, in a transaction, or in one that failed: `I`, `T`, `E`.
    status: u8,
    prepared: HashMap<String, String>,
    /// The statement of the portal without a name; there is no other.
    bound: String,
    /// Sent with the next ReadyForQuery.
    pending: Vec<u8>,
    /// After an error everything is ignored until Sync.
    skipping: bool,
}

impl Conversation {
    async fn hold(mut self) -> io::Result<()> {
        self.start_up().await?;
        loop {
            let kind = self.client.read(1).await?[0];
            let body = self.body().await?;
            match kind {
                b'X' => {
                    self.client.see(Seen::Farewell);
                    return Ok(());
                }
                b'S' => self.ready().await?,
                b'Q' => {
                    let sql = text(&body);
                    self.run(&sql, true).await?;
                    self.ready().await?;
                }
                _ if self.skipping => {}
                b'P' => {
                    self.prepared.insert(text(&body), text(&body[text(&body).len() + 1..]));
                    self.say(b'1', &[]);
                }
                b'D' => self.describe(&body),
                b'B' => {
                    let statement = text(&body[text(&body).len() + 1..]);
                    self.bound = self.prepared.get(&statement).cloned().unwrap_or_default();
                    self.say(b'2', &[]);
                }
                b'E' => {
                    let sql = self.bound.clone();
                    self.run(&sql, false).await?;
                }
                b'C' => self.say(b'3', &[]),
                _ => return Err(closed()),
            }
        }
    }

    async fn start_up(&mut self) -> io::Result<()> {
        let mut startup = self.body().await?;
        if startup[..4] == SSL_REQUEST.to_be_bytes() {
            self.client.write(b"N").await?;
            startup = self.body().await?;
        }
        drop(startup);
        let authenticated = 0u32.to_be_bytes();
        let greeting = self.client.ordered(At::Greeting);
        self.strike_or_say(greeting, b'R', &authenticated).await?;
        let sign_in = self.client.ordered(At::SignIn);
        self.strike_or_say(sign_in, b'K', &[0; 8]).await?;
        self.ready().await
    }

    async fn strike_or_say(&mut self, act: Option<Act>, kind: u8, body: &[u8]) -> io::Result<()> {
        if let Some(act) = act {
            // Whoever is refused here is always left.
            self.strike(act, true).await?;
        }
        self.say(kind, body);
        Ok(())
    }

    /// The body of a message, which begins with its own length.
    async fn body(&mut self) -> io::Result<Vec<u8>> {
        let length = self.client.read(4).await?;
        let length = u32::from_be_bytes(length.try_into().expect("four bytes"));
        self.client.read(length as usize - 4).await
    }

    async fn run(&mut self, sql: &str, simple: bool) -> io::Result<()> {
        if let Some(act) = self.client.ordered_for(sql) {
            return self.strike(act, false).await;
        }
        let tag = match sql {
            "BEGIN" => {
                self.status = b'T';
                "BEGIN"
            }
            // A transaction in which something failed is rolled back, whatever was asked for.
            "COMMIT" if self.status == b'T' => {
                self.status = b'I';
                "COMMIT"
            }
            "COMMIT" | "ROLLBACK" => {
                self.status = b'I';
                "ROLLBACK"
            }
            _ if sql.starts_with("INSERT") => "INSERT 0 1",
            _ => "SELECT 1",
        };
        let answer = answer(sql, "15.18");
        if simple && answer != Answer::Done {
            self.describe_answer(&answer);
        }
        if let Some(value) = value(&answer) {
            let mut row = 1i16.to_be_bytes().to_vec();
            row.extend_from_slice(&(value.len() as i32).to_be_bytes());
            row.extend_from_slice(&value);
            self.say(b'D', &row);
        }
        self.say(b'C', &terminated(tag));
        Ok(())
    }

    async fn strike(&mut self, act: Act, leaves: bool) -> io::Result<()> {
        match act {
            Act::Cut => Err(closed()),
            Act::CutInTheAnswer => {
                let half_said = message(b'C', &terminated("COMMIT"));
                self.client.write_half(&half_said).await
            }
            Act::Refuse(refusal) => {
                self.say(b'E', &error(&refusal));
                if refusal.fatal || leaves {
                    let last_words = std::mem::take(&mut self.pending);
                    self.client.write(&last_words).await?;
                    return Err(closed());
                }
                self.skipping = true;
                if self.status == b'T' {
                    self.status = b'E';
                }
                Ok(())
            }
        }
    }

    fn describe(&mut self, body: &[u8]) {
        let sql = self.prepared.get(&text(&body[1..])).cloned().unwrap_or_default();
        self.say(b't', &0i16.to_be_bytes());
        self.describe_answer(&answer(&sql, "15.18"));
    }

    fn describe_answer(&mut self, answer: &Answer) {
        let (oid, size) = match answer {
            Answer::Done => return self.say(b'n', &[]),
            Answer::Yes => BOOL,
            Answer::Number(_) => INT8,
            Answer::Text(_) => TEXT,
        };
        let mut description = 1i16.to_be_bytes().to_vec();
        description.extend_from_slice(&terminated("value"));
        description.extend_from_slice(&[0; 6]);
        description.extend_from_slice(&oid.to_be_bytes());
        description.extend_from_slice(&size.to_be_bytes());
        description.extend_from_slice(&(-1i32).to_be_bytes());
        description.extend_from_slice(&1i16.to_be_bytes());
        self.say(b'T', &description);
    }

    fn say(&mut self, kind: u8, body: &[u8]) {
        self.pending.extend_from_slice(&message(kind, body));
    }

    async fn ready(&mut self) -> io::Result<()> {
        self.skipping = false;
        let status = self.status;
        self.say(b'Z', &[status]);
        let pending = std::mem::take(&mut self.pending);
        self.client.write(&pending).await
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    message.extend_from_slice(body);
    message
}

fn error(refusal: &Refusal) -> Vec<u8> {
    let severity = if refusal.fatal { "FATAL" } else { "ERROR" };
    let mut fields = Vec::new();
    for (name, value) in [
        (b'S', severity),
        (b'V', severity),
        (b'C', &refusal.code),
        (b'M', &refusal.message),
    ] {
        fields.push(name);
        fields.extend_from_slice(&terminated(value));
    }
    fields.push(0);
    fields
}

/// In the binary form that sqlx asks for.
fn value(answer: &Answer) -> Option<Vec<u8>> {
    match answer {
        Answer::Done => None,
        Answer::Yes => Some(vec![1]),
        Answer::Number(number) => Some(number.to_be_bytes().to_vec()),
        Answer::Text(text) => Some(text.as_bytes().to_vec()),
    }
}

fn terminated(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

/// Up to the next zero.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

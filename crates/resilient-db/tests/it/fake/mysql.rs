//! MySQL's protocol, version 10, as a server without TLS speaks it. Any password is right.

use std::collections::HashMap;
use std::io;

use super::{Act, Answer, At, Client, Protocol, Refusal, Seen, answer, closed};

/// Bits of the two products' capabilities that the conversation below keeps to.
mod capability {
    /// Set by MySQL; MariaDB leaves it out and has bits of its own instead.
    pub const OF_MYSQL: u32 = 1;
    pub const FOUND_ROWS: u32 = 1 << 1;
    pub const CONNECT_WITH_DB: u32 = 1 << 3;
    pub const PROTOCOL_41: u32 = 1 << 9;
    pub const TRANSACTIONS: u32 = 1 << 13;
    pub const SECURE_CONNECTION: u32 = 1 << 15;
    pub const MULTI_STATEMENTS: u32 = 1 << 16;
    pub const MULTI_RESULTS: u32 = 1 << 17;
    pub const PS_MULTI_RESULTS: u32 = 1 << 18;
    pub const PLUGIN_AUTH: u32 = 1 << 19;
    pub const DEPRECATE_EOF: u32 = 1 << 24;

    pub const ALL: u32 = FOUND_ROWS
        | CONNECT_WITH_DB
        | PROTOCOL_41
        | TRANSACTIONS
        | SECURE_CONNECTION
        | MULTI_STATEMENTS
        | MULTI_RESULTS
        | PS_MULTI_RESULTS
        | PLUGIN_AUTH
        | DEPRECATE_EOF;
}

const AUTOCOMMIT: u16 = 2;
const MORE_RESULTS: u16 = 8;

const UTF8MB4: u16 = 45;
const LONG_LONG: u8 = 8;
const VAR_STRING: u8 = 253;

#[derive(Clone, Copy, Debug)]
pub enum FakeMySql {
    MySql,
    MariaDb,
}

impl FakeMySql {
    fn version(self) -> &'static str {
        match self {
            Self::MySql => "8.4.0",
            Self::MariaDb => "10.11.19-MariaDB",
        }
    }

    /// MariaDB puts an old version before its own, for clients that expect MySQL.
    fn greeting(self) -> Vec<u8> {
        let (prefix, capabilities) = match self {
            Self::MySql => ("", capability::ALL | capability::OF_MYSQL),
            Self::MariaDb => ("5.5.5-", capability::ALL),
        };
        let capabilities = capabilities.to_le_bytes();
        let mut greeting = vec![10];
        greeting.extend_from_slice(prefix.as_bytes());
        greeting.extend_from_slice(self.version().as_bytes());
        greeting.push(0);
        greeting.extend_from_slice(&7u32.to_le_bytes());
        greeting.extend_from_slice(b"eightbyt\0");
        greeting.extend_from_slice(&capabilities[..2]);
        greeting.push(UTF8MB4 as u8);
        greeting.extend_from_slice(&AUTOCOMMIT.to_le_bytes());
        greeting.extend_from_slice(&capabilities[2..]);
        greeting.push(21);
        greeting.extend_from_slice(&[0; 10]);
        greeting.extend_from_slice(b"twelve bytes\0mysql_native_password\0");
        greeting
    }
}

impl Protocol for FakeMySql {
    async fn talk(self, client: Client) -> io::Result<()> {
        Conversation {
            client,
            version: self.version(),
            sequence: 0,
            prepared: HashMap::new(),
            last_prepared: 0,
        }
        .hold(&self.greeting())
        .await
    }
}

struct Conversation {
    client: Client,
    version: &'static str,
    /// Of the next packet; counts from each order on.
    sequence: u8,
    prepared: HashMap<u32, String>,
    last_prepared: u32,
}

impl Conversation {
    async fn hold(mut self, greeting: &[u8]) -> io::Result<()> {
        match self.client.ordered(At::Greeting) {
            // Nothing was agreed upon yet, so there is no SQLSTATE.
            Some(act) => self.strike(act, greeting, "").await?,
            None => self.send(greeting).await?,
        }
        self.receive().await?;
        match self.client.ordered(At::SignIn) {
            Some(act) => self.strike(act, &done(AUTOCOMMIT), "HY000").await?,
            None => self.send(&done(AUTOCOMMIT)).await?,
        }
        loop {
            let order = self.receive().await?;
            let (command, body) = order.split_first().ok_or_else(closed)?;
            match command {
                0x01 => {
                    self.client.see(Seen::Farewell);
                    return Ok(());
                }
                0x03 => self.query(&String::from_utf8_lossy(body)).await?,
                0x0e => self.send(&done(AUTOCOMMIT)).await?,
                0x16 => self.prepare(&String::from_utf8_lossy(body)).await?,
                0x17 => self.execute(body).await?,
                0x19 => drop(self.prepared.remove(&number(body))),
                _ => return Err(closed()),
            }
        }
    }

    /// In one message, with as many results as there are statements in it.
    async fn query(&mut self, sql: &str) -> io::Result<()> {
        if let Some(act) = self.client.ordered_for(sql) {
            return self.strike(act, &done(AUTOCOMMIT), "HY000").await;
        }
        let more = sql.matches("; ").count();
        for _ in 0..more {
            self.send(&done(AUTOCOMMIT | MORE_RESULTS)).await?;
        }
        self.send(&done(AUTOCOMMIT)).await
    }

    async fn prepare(&mut self, sql: &str) -> io::Result<()> {
        self.last_prepared += 1;
        let id = self.last_prepared;
        self.prepared.insert(id, sql.to_owned());
        let column = column(&answer(sql, self.version));
        let mut prepared = vec![0];
        prepared.extend_from_slice(&id.to_le_bytes());
        prepared.extend_from_slice(&(column.iter().len() as u16).to_le_bytes());
        prepared.extend_from_slice(&[0; 5]);
        self.send(&prepared).await?;
        match column {
            Some(column) => self.send(&column).await,
            None => Ok(()),
        }
    }

    async fn execute(&mut self, body: &[u8]) -> io::Result<()> {
        let sql = self.prepared.get(&number(body)).cloned().ok_or_else(closed)?;
        if let Some(act) = self.client.ordered_for(&sql) {
            return self.strike(act, &done(AUTOCOMMIT), "HY000").await;
        }
        let answer = answer(&sql, self.version);
        let Some(column) = column(&answer) else {
            return self.send(&done(AUTOCOMMIT)).await;
        };
        self.send(&[1]).await?;
        self.send(&column).await?;
        self.send(&row(&answer)).await?;
        let mut end = done(AUTOCOMMIT);
        end[0] = 0xfe;
        self.send(&end).await
    }

    async fn strike(&mut self, act: Act, instead_of: &[u8], state: &str) -> io::Result<()> {
        match act {
            Act::Cut => Err(closed()),
            Act::CutInTheAnswer => {
                let half_said = packet(self.sequence, instead_of);
                self.client.write_half(&half_said).await
            }
            Act::Refuse(refusal) => {
                self.send(&error(&refusal, state)).await?;
                // Before anything is agreed upon, whoever is refused is always left.
                if refusal.fatal || state.is_empty() {
                    Err(closed())
                } else {
                    Ok(())
                }
            }
        }
    }

    async fn receive(&mut self) -> io::Result<Vec<u8>> {
        let head = self.client.read(4).await?;
        self.sequence = head[3].wrapping_add(1);
        let length = u32::from_le_bytes([head[0], head[1], head[2], 0]);
        self.client.read(length as usize).await
    }

    async fn send(&mut self, body: &[u8]) -> io::Result<()> {
        let packet = packet(self.sequence, body);
        self.sequence = self.sequence.wrapping_add(1);
        self.client.write(&packet).await
    }
}

fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = (body.len() as u32).to_le_bytes()[..3].to_vec();
    packet.push(sequence);
    packet.extend_from_slice(body);
    packet
}

/// One row affected, no new key, no warnings.
fn done(status: u16) -> Vec<u8> {
    let status = status.to_le_bytes();
    vec![0, 1, 0, status[0], status[1], 0, 0]
}

fn error(refusal: &Refusal, state: &str) -> Vec<u8> {
    let number: u16 = refusal.code.parse().expect("a number");
    let mut error = vec![0xff];
    error.extend_from_slice(&number.to_le_bytes());
    if !state.is_empty() {
        error.push(b'#');
        error.extend_from_slice(state.as_bytes());
    }
    error.extend_from_slice(refusal.message.as_bytes());
    error
}

/// The one column of an answer.
fn column(answer: &Answer) -> Option<Vec<u8>> {
    let kind = match answer {
        Answer::Done => return None,
        Answer::Text(_) => VAR_STRING,
        Answer::Number(_) | Answer::Yes => LONG_LONG,
    };
    let mut column = Vec::new();
    for name in ["def", "", "", "", "value", "value"] {
        column.extend_from_slice(&counted(name));
    }
    column.push(12);
    column.extend_from_slice(&UTF8MB4.to_le_bytes());
    column.extend_from_slice(&255u32.to_le_bytes());
    column.push(kind);
    column.extend_from_slice(&[0; 5]);
    Some(column)
}

/// In the binary form, which is that of prepared statements.
fn row(answer: &Answer) -> Vec<u8> {
    let value = match answer {
        Answer::Done => Vec::new(),
        Answer::Text(text) => counted(text),
        Answer::Number(number) => number.to_le_bytes().to_vec(),
        Answer::Yes => 1i64.to_le_bytes().to_vec(),
    };
    [vec![0, 0], value].concat()
}

/// Its length, if it is short, and itself.
fn counted(text: &str) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(text.len()).expect("short")];
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

fn number(body: &[u8]) -> u32 {
    u32::from_le_bytes([body[0], body[1], body[2], body[3]])
}

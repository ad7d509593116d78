//! The script that changes a form if nobody else has changed it since it was read.

use redis::{Cmd, ErrorKind, RedisError, Script, ServerErrorKind};

use super::EXPIRES_AFTER;
use super::connector::Connection;
use super::hash::Change;
use crate::step::Room;
use crate::{MOST_BYTES, MOST_DRAFTS};

const SWAP: &str = include_str!("swap.lua");

/// How it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swapped {
    Done,
    Moved,
    Full,
    Heavy,
}

/// Which form, and what becomes of it.
pub struct Swap<'a> {
    /// Of the form, and of the account's index.
    pub keys: [&'a str; 2],
    pub form_key: &'a str,
    /// The mark that was read.
    pub mark: &'a str,
    /// The mark from now on.
    pub fresh_mark: &'a str,
    pub room: Room,
    pub change: &'a Change,
}

/// The script, which Redis keeps under the name of its hash.
pub struct Swapper {
    script: Script,
}

impl Swapper {
    pub fn new() -> Self {
        Self {
            script: Script::new(SWAP),
        }
    }

    pub async fn run(&self, connection: &mut Connection, swap: &Swap<'_>) -> Result<Swapped, RedisError> {
        let by_hash = command("EVALSHA", self.script.get_hash(), swap);
        let answer: String = match by_hash.query_async(connection).await {
            // A restart or SCRIPT FLUSH has emptied the cache: nothing was done.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                command("EVAL", SWAP, swap).query_async(connection).await?
            }
            answered => answered?,
        };
        Ok(match answer.as_str() {
            "done" => Swapped::Done,
            "full" => Swapped::Full,
            "heavy" => Swapped::Heavy,
            _ => Swapped::Moved,
        })
    }
}

fn command(name: &str, script: &str, swap: &Swap) -> Cmd {
    let change = swap.change;
    let most = if swap.room == Room::Limited { MOST_DRAFTS } else { 0 };
    let mut command = redis::cmd(name);
    command.arg(script).arg(2).arg(&swap.keys);
    command
        .arg(swap.mark)
        .arg(swap.fresh_mark)
        .arg(EXPIRES_AFTER.as_millis() as u64);
    command
        .arg(swap.form_key)
        .arg(most)
        .arg(MOST_BYTES)
        .arg(change.changed_at_ms);
    command.arg(change.remove.len()).arg(&change.remove);
    for (field, value) in &change.set {
        command.arg(field).arg(value);
    }
    command
}

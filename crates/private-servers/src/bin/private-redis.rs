//! A Redis for a test that is not written in Rust: says `{"url":…,"port":…,"pid":…}`.
//!
//! Orders: `kill`, `start`, `freeze`, `thaw`, `flush`, and `count PATTERN`, which adds `"keys"`, how
//! many match.

use private_servers::orders::{TakesOrders, take_orders};
use private_servers::{PrivateRedis, ServerError};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    take_orders::<Redis>().await
}

struct Redis(PrivateRedis);

impl TakesOrders for Redis {
    fn begin() -> Result<Self, ServerError> {
        PrivateRedis::start().map(Self)
    }

    fn state(&self) -> Value {
        json!({"url": self.0.url(), "port": self.0.port(), "pid": self.0.pid()})
    }

    fn obey(&self, order: &str, about: &str) -> Result<Option<Value>, ServerError> {
        match order {
            "kill" => self.0.kill(),
            "start" => self.0.restart()?,
            "freeze" => self.0.freeze(),
            "thaw" => self.0.thaw(),
            "flush" => drop(self.0.command(&["FLUSHALL"])?),
            "count" => return Ok(Some(json!({"keys": self.0.keys(about)?.len()}))),
            _ => return Ok(None),
        }
        Ok(Some(json!({})))
    }
}

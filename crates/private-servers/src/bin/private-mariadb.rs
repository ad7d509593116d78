//! A MariaDB for a test that is not written in Rust: says `{"url":…,"port":…,"pid":…}`.
//!
//! Orders: `kill`, `restart`, `freeze`, `thaw`, and `create NAME`, which tells the new database's `"url"`.

use private_servers::orders::{TakesOrders, take_orders};
use private_servers::{PrivateMariaDb, ServerError};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    take_orders::<MariaDb>().await
}

struct MariaDb(PrivateMariaDb);

impl TakesOrders for MariaDb {
    fn begin() -> Result<Self, ServerError> {
        PrivateMariaDb::start().map(Self)
    }

    fn state(&self) -> Value {
        json!({"url": self.0.url("main"), "port": self.0.port(), "pid": self.0.pid()})
    }

    fn obey(&self, order: &str, about: &str) -> Result<Option<Value>, ServerError> {
        match order {
            "kill" => self.0.kill(),
            "restart" => self.0.restart()?,
            "freeze" => self.0.freeze(),
            "thaw" => self.0.thaw(),
            "create" => {
                self.0.create_database(about)?;
                return Ok(Some(json!({"url": self.0.url(about)})));
            }
            _ => return Ok(None),
        }
        Ok(Some(json!({})))
    }
}

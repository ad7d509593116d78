//! The primary of servers that sentinels watch.
//!
//! All sentinels are asked at once: one that is gone without a word holds nobody up, which asking them in turn would.
//! What most of them say is tried first, and is believed only if that server says itself that it is the primary.

use std::collections::BTreeMap;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, ServerErrorKind, Value,
};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::link::Limits;

pub struct Watched {
    sentinels: Vec<Client>,
    name: String,
    server: ConnectionInfo,
}

impl Watched {
    pub fn new(sentinels: &[ConnectionInfo], name: &str, server: &ConnectionInfo) -> Result<Self, RedisError> {
        let sentinels = sentinels.iter().map(|sentinel| Client::open(sentinel.clone()));
        Ok(Self {
            sentinels: sentinels.collect::<Result<_, _>>()?,
            name: name.to_owned(),
            server: server.clone(),
        })
    }

    /// Looks the primary up anew each time.
    pub async fn connect(
        &self,
        config: &AsyncConnectionConfig,
        limits: Limits,
    ) -> Result<MultiplexedConnection, RedisError> {
        let mut last = RedisError::from((ErrorKind::Io, "no sentinel says where the primary is"));
        for address in self.addresses(limits).await {
            match self.primary_at(address, config).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// What the sentinels say, most votes first.
    async fn addresses(&self, limits: Limits) -> Vec<(String, u16)> {
        let mut asking = JoinSet::new();
        for sentinel in self.sentinels.clone() {
            let name = self.name.clone();
            asking.spawn(async move { timeout(limits.response, ask(&sentinel, &name, limits)).await.ok()?.ok() });
        }
        let mut votes = BTreeMap::<(String, u16), usize>::new();
        while let Some(answered) = asking.join_next().await {
            if let Ok(Some(address)) = answered {
                *votes.entry(address).or_default() += 1;
            }
        }
        let mut addresses: Vec<_> = votes.into_iter().collect();
        addresses.sort_by_key(|(_, votes)| std::cmp::Reverse(*votes));
        addresses.into_iter().map(|(address, _)| address).collect()
    }

    async fn primary_at(
        &self,
        (host, port): (String, u16),
        config: &AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, RedisError> {
        let client = Client::open(self.server.clone().set_addr(ConnectionAddr::Tcp(host, port)))?;
        let mut connection = client.get_multiplexed_async_connection_with_config(config).await?;
        let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut connection).await?;
        let role: Option<String> = role
            .into_iter()
            .next()
            .and_then(|role| redis::from_redis_value(role).ok());
        match role.as_deref() {
            Some("master") => Ok(connection),
            _ => Err((
                ErrorKind::Server(ServerErrorKind::MasterDown),
                "it is no primary, or not yet",
            )
                .into()),
        }
    }
}

async fn ask(sentinel: &Client, name: &str, limits: Limits) -> Result<(String, u16), RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(limits.response))
        .set_response_timeout(Some(limits.response));
    let mut connection = sentinel.get_multiplexed_async_connection_with_config(&config).await?;
    let mut asking = redis::cmd("SENTINEL");
    asking
        .arg("get-master-addr-by-name")
        .arg(name)
        .query_async(&mut connection)
        .await
}

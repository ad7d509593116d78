//! Makes connections: to one server, to the one that sentinels call the primary, or to a cluster.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisFuture, Value};

use super::address::{Address, Place};
use super::link::Limits;

/// A way to Redis that many calls share.
#[derive(Clone)]
pub enum Connection {
    One(MultiplexedConnection),
    #[cfg(feature = "cluster")]
    Cluster(redis::cluster_async::ClusterConnection),
}

/// One of a cluster's servers; `None` where there is one server only.
pub type Server = Option<(String, u16)>;

impl Connection {
    /// All servers that hold keys.
    pub async fn servers(&mut self) -> Result<Vec<Server>, RedisError> {
        match self {
            Self::One(_) => Ok(vec![None]),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => {
                let ranges: Vec<Vec<Value>> = redis::cmd("CLUSTER").arg("SLOTS").query_async(cluster).await?;
                let servers = ranges.into_iter().map(primary_of);
                let servers: std::collections::BTreeSet<_> = servers.collect::<Result<_, _>>()?;
                Ok(servers.into_iter().map(Some).collect())
            }
        }
    }

    /// One command to one of them.
    pub async fn query_at<T: FromRedisValue>(&mut self, server: &Server, command: &Cmd) -> Result<T, RedisError> {
        match self {
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) if server.is_some() => {
                use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
                let (host, port) = server.clone().unwrap_or_default();
                let route = RoutingInfo::SingleNode(SingleNodeRoutingInfo::ByAddress { host, port });
                let told = cluster.route_command(command.clone(), route).await?;
                Ok(redis::from_redis_value(told)?)
            }
            connection => {
                let _ = server;
                command.query_async(connection).await
            }
        }
    }
}

/// A range of `CLUSTER SLOTS`: from, to, then its servers, the primary first, each with host and port at least.
#[cfg(feature = "cluster")]
fn primary_of(range: Vec<Value>) -> Result<(String, u16), RedisError> {
    let server: Vec<Value> = redis::from_redis_value(range.into_iter().nth(2).unwrap_or(Value::Nil))?;
    let mut server = server.into_iter();
    let host = redis::from_redis_value(server.next().unwrap_or(Value::Nil))?;
    let port = redis::from_redis_value(server.next().unwrap_or(Value::Nil))?;
    Ok((host, port))
}

pub enum Connector {
    One(Client),
    #[cfg(feature = "sentinel")]
    Watched(super::watched::Watched),
    #[cfg(feature = "cluster")]
    Cluster(Box<redis::cluster::ClusterClient>),
}

impl Connector {
    pub fn of(address: &Address, limits: Limits) -> Result<Self, RedisError> {
        #[cfg(not(feature = "cluster"))]
        let _ = limits;
        Ok(match &address.0 {
            Place::One(info) => Self::One(Client::open(info.clone())?),
            #[cfg(feature = "sentinel")]
            Place::Watched {
                sentinels,
                name,
                server,
            } => Self::Watched(super::watched::Watched::new(sentinels, name, server)?),
            #[cfg(feature = "cluster")]
            Place::Cluster(servers) => {
                // Once more at once, where a slot has moved; everything else is for the probe to find out.
                let cluster = redis::cluster::ClusterClient::builder(servers.clone())
                    .retries(1)
                    .min_retry_wait(5)
                    .max_retry_wait(100)
                    .connection_timeout(limits.connect)
                    .response_timeout(limits.response)
                    .overall_response_timeout(Some(limits.list.max(limits.call)))
                    .use_protocol(redis::ProtocolVersion::RESP3);
                Self::Cluster(Box::new(cluster.build()?))
            }
        })
    }

    /// `limits.response` is how long an answer on it may take.
    pub async fn connect(&self, limits: Limits) -> Result<Connection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limits.connect))
            .set_response_timeout(Some(limits.response));
        match self {
            Self::One(client) => {
                let connecting = client.get_multiplexed_async_connection_with_config(&config);
                connecting.await.map(Connection::One)
            }
            #[cfg(feature = "sentinel")]
            Self::Watched(watched) => watched.connect(&config, limits).await.map(Connection::One),
            #[cfg(feature = "cluster")]
            Self::Cluster(client) => {
                let config = redis::cluster::ClusterConfig::new()
                    .set_connection_timeout(limits.connect)
                    .set_response_timeout(limits.response);
                let connecting = client.get_async_connection_with_config(config);
                connecting.await.map(Connection::Cluster)
            }
        }
    }

    /// Whether connecting anew may lead to another server, where the one at hand takes no writes any more.
    pub fn may_lead_elsewhere(&self) -> bool {
        !matches!(self, Self::One(_))
    }

    /// Whether a failure at one key says little about others.
    pub fn has_several_servers(&self) -> bool {
        #[cfg(feature = "cluster")]
        return matches!(self, Self::Cluster(_));
        #[cfg(not(feature = "cluster"))]
        false
    }
}

/// A way to a single server, for what is published: in a cluster, whichever of them tells what was said at the others.
pub enum Single {
    AnyOf(Vec<Client>),
    #[cfg(feature = "sentinel")]
    Watched(super::watched::Watched),
}

impl Single {
    pub fn of(address: &Address) -> Result<Self, RedisError> {
        match &address.0 {
            Place::One(info) => Self::any_of(std::slice::from_ref(info)),
            #[cfg(feature = "sentinel")]
            Place::Watched {
                sentinels,
                name,
                server,
            } => super::watched::Watched::new(sentinels, name, server).map(Self::Watched),
            #[cfg(feature = "cluster")]
            Place::Cluster(servers) => Self::any_of(servers),
        }
    }

    fn any_of(servers: &[redis::ConnectionInfo]) -> Result<Self, RedisError> {
        let clients = servers.iter().map(|server| Client::open(server.clone()));
        clients.collect::<Result<_, _>>().map(Self::AnyOf)
    }

    /// Each of them has as long as the configuration says.
    pub async fn connect(
        &self,
        config: &AsyncConnectionConfig,
        limits: Limits,
    ) -> Result<MultiplexedConnection, RedisError> {
        #[cfg(not(feature = "sentinel"))]
        let _ = limits;
        match self {
            Self::AnyOf(clients) => {
                let mut last = RedisError::from((redis::ErrorKind::Io, "no server is named"));
                for client in clients {
                    match client.get_multiplexed_async_connection_with_config(config).await {
                        Ok(connection) => return Ok(connection),
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
            #[cfg(feature = "sentinel")]
            Self::Watched(watched) => watched.connect(config, limits).await,
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(one) => one.req_packed_command(command),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(one) => one.req_packed_commands(pipeline, offset, count),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(one) => one.get_db(),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}

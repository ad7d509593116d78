//! Where Redis is, and with which password. Nothing here ever shows the password.

use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2};
use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

/// TCP notices a peer that is gone without a word after this long at most.
const PEER_GONE_AFTER: Duration = Duration::from_secs(2);

/// Where Redis is:
///
/// - `redis://[user[:password]@]host[:port][/database]` or `redis+unix:///path`: one server;
/// - `redis+sentinel://[user[:password]@]host[:port][,host[:port]…]/name[/database]` (feature `sentinel`): the
///   sentinels, and what they call the servers that they watch. User and password are for these servers; sentinels are
///   asked without any;
/// - `redis+cluster://[user[:password]@]host[:port][,host[:port]…]` (feature `cluster`): some servers of a cluster.
#[derive(Clone)]
pub struct Address(pub(super) Place);

#[derive(Clone)]
pub(super) enum Place {
    One(ConnectionInfo),
    #[cfg(feature = "sentinel")]
    Watched {
        sentinels: Vec<ConnectionInfo>,
        name: String,
        /// Like this, at the address that the sentinels say.
        server: ConnectionInfo,
    },
    #[cfg(feature = "cluster")]
    Cluster(Vec<ConnectionInfo>),
}

/// Why a text is no [`Address`]. It may hold a password, so nothing of it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error("asks for TLS, which is not built in; put a TLS tunnel before Redis, or use redis://")]
    Tls,
    #[error("asks for sentinels or a cluster, which is not built in")]
    OneServerOnly,
    #[error(
        "cannot be read as a Redis address; it takes redis://[user:password@]host[:port][/database], \
         redis+sentinel://host:port,host:port/name or redis+cluster://host:port,host:port"
    )]
    Unreadable,
}

impl std::str::FromStr for Address {
    type Err = BadAddress;

    fn from_str(url: &str) -> Result<Self, BadAddress> {
        if ["rediss:", "valkeys:", "rediss+"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            return Err(BadAddress::Tls);
        }
        let place = if let Some(rest) = url.strip_prefix("redis+sentinel://") {
            watched(rest)?
        } else if let Some(rest) = url.strip_prefix("redis+cluster://") {
            cluster(rest)?
        } else {
            Place::One(one(url)?)
        };
        Ok(Self(place))
    }
}

fn one(url: &str) -> Result<ConnectionInfo, BadAddress> {
    let info = url.into_connection_info().map_err(|_| BadAddress::Unreadable)?;
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(PEER_GONE_AFTER)
        .with_interval(Duration::from_secs(1))
        .with_retries(2);
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive)
        .set_user_timeout(PEER_GONE_AFTER);
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_tcp_settings(tcp).set_redis_settings(redis))
}

/// Several hosts, each with what stands before and after all of them.
#[cfg(any(feature = "sentinel", feature = "cluster"))]
fn several(hosts: &str, user: &str, port: u16, database: &str) -> Result<Vec<ConnectionInfo>, BadAddress> {
    let each = hosts.split(',').map(|host| {
        // A port follows the last colon, unless that stands within the brackets of an IPv6 address.
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        let port = if has_port { String::new() } else { format!(":{port}") };
        match host.is_empty() {
            true => Err(BadAddress::Unreadable),
            false => one(&format!("redis://{user}{host}{port}{database}")),
        }
    });
    each.collect()
}

/// User and password with their `@`, and the rest.
#[cfg(any(feature = "sentinel", feature = "cluster"))]
fn without_user(rest: &str) -> (&str, &str) {
    rest.rfind('@').map_or(("", rest), |at| rest.split_at(at + 1))
}

#[cfg(feature = "sentinel")]
fn watched(rest: &str) -> Result<Place, BadAddress> {
    let (user, rest) = without_user(rest);
    let (hosts, path) = rest.split_once('/').ok_or(BadAddress::Unreadable)?;
    let (name, database) = path.split_once('/').unwrap_or((path, ""));
    let database = if database.is_empty() {
        String::new()
    } else {
        format!("/{database}")
    };
    // The host is another one each time.
    let server = several("host", user, 6379, &database)?.remove(0);
    match name.is_empty() {
        true => Err(BadAddress::Unreadable),
        false => Ok(Place::Watched {
            sentinels: several(hosts, "", 26_379, "")?,
            name: name.to_owned(),
            server,
        }),
    }
}

#[cfg(not(feature = "sentinel"))]
fn watched(_: &str) -> Result<Place, BadAddress> {
    Err(BadAddress::OneServerOnly)
}

/// A cluster has one database.
#[cfg(feature = "cluster")]
fn cluster(rest: &str) -> Result<Place, BadAddress> {
    let (user, hosts) = without_user(rest);
    match hosts.trim_end_matches('/') {
        hosts if hosts.contains('/') => Err(BadAddress::Unreadable),
        hosts => Ok(Place::Cluster(several(hosts, user, 6379, "")?)),
    }
}

#[cfg(not(feature = "cluster"))]
fn cluster(_: &str) -> Result<Place, BadAddress> {
    Err(BadAddress::OneServerOnly)
}

impl std::fmt::Debug for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        #[cfg(any(feature = "sentinel", feature = "cluster"))]
        let listed = |all: &[ConnectionInfo]| {
            let all: Vec<String> = all.iter().map(|info| info.addr().to_string()).collect();
            all.join(",")
        };
        match &self.0 {
            Place::One(info) => write!(formatter, "{}", info.addr()),
            #[cfg(feature = "sentinel")]
            Place::Watched { sentinels, name, .. } => write!(formatter, "{name} of sentinels {}", listed(sentinels)),
            #[cfg(feature = "cluster")]
            Place::Cluster(servers) => write!(formatter, "cluster {}", listed(servers)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_nowhere() {
        let address: Address = "redis://ann:hunter2@127.0.0.1:7000/3".parse().unwrap();
        assert_eq!(format!("{address:?}"), "127.0.0.1:7000");
        for wrong in [
            "http://ann:hunter2@host",
            "redis://ann:hunter2@host:port",
            "rediss://ann:hunter2@host",
            "redis://ann:hunter2@host/x",
            "",
        ] {
            let refused = wrong.parse::<Address>().unwrap_err();
            assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{wrong}");
        }
    }

    #[cfg(all(feature = "sentinel", feature = "cluster"))]
    #[test]
    fn sentinels_and_clusters_are_named_by_several_hosts() {
        let shown = |url: &str| format!("{:?}", url.parse::<Address>().unwrap());
        assert_eq!(
            shown("redis+sentinel://ann:hunt@er2@a:1,b,[::1]:3/drafts/4"),
            "drafts of sentinels a:1,b:26379,::1:3"
        );
        assert_eq!(shown("redis+cluster://:hunter2@a,b:2/"), "cluster a:6379,b:2");
        let Address(Place::Watched { server, .. }) = "redis+sentinel://ann:hunter2@a/drafts/4".parse().unwrap() else {
            panic!("it is watched");
        };
        let settings = server.redis_settings();
        assert_eq!(
            (settings.db(), settings.username(), settings.password()),
            (4, Some("ann"), Some("hunter2"))
        );
        for wrong in [
            "redis+sentinel://a:1,b:2",
            "redis+sentinel://a:1,/drafts",
            "redis+sentinel://a:1/",
            "redis+sentinel://ann:hunter2@a:1/drafts/x",
            "redis+cluster://",
            "redis+cluster://a:1/3",
            "redis+cluster://ann:hunter2@a:port",
        ] {
            let refused = wrong.parse::<Address>().unwrap_err();
            assert_eq!(refused, BadAddress::Unreadable, "{wrong}");
        }
        assert_eq!("rediss+sentinel://a/b".parse::<Address>().unwrap_err(), BadAddress::Tls);
    }
}

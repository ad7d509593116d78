//! Where Redis is, and with which password. Nothing here ever shows the password.

use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2};
use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

/// TCP notices a peer that is gone without a word after this long at most.
const PEER_GONE_AFTER: Duration = Duration::from_secs(2);

/// A Redis server's address: `redis://[user[:password]@]host[:port][/database]` or
/// `redis+unix:///path`.
#[derive(Clone)]
pub struct Address(pub(super) ConnectionInfo);

/// Why a text is no [`Address`]. It may hold a password, so nothing of it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error("asks for TLS, which is not built in; put a TLS tunnel before Redis, or use redis://")]
    Tls,
    #[error("cannot be read as a Redis address; it takes redis://[user:password@]host[:port][/database]")]
    Unreadable,
}

impl std::str::FromStr for Address {
    type Err = BadAddress;

    fn from_str(url: &str) -> Result<Self, BadAddress> {
        if url.starts_with("rediss:") || url.starts_with("valkeys:") {
            return Err(BadAddress::Tls);
        }
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
        Ok(Self(info.set_tcp_settings(tcp).set_redis_settings(redis)))
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0.addr())
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
}

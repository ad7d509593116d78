//! What Redis does with what it has acknowledged, when it is killed or runs full.

use redis::RedisError;
use redis::aio::ConnectionLike;

/// As far as its settings tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Every write is on the disk before it is acknowledged, and nothing is ever evicted.
    Durable,
    /// What is missing for that.
    Weak(Vec<Weakness>),
    /// Redis does not let its settings be read.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// `appendonly no`
    NoLog,
    /// `appendfsync everysec` or `no`
    LateLog(String),
    /// A `maxmemory-policy` other than `noeviction`
    Evicts(String),
}

impl Durability {
    pub(super) async fn ask(connection: &mut impl ConnectionLike) -> Self {
        let mut settings = Vec::new();
        for name in ["appendonly", "appendfsync", "maxmemory-policy"] {
            // One by one: servers before 7.0 take one name only.
            let asked: Result<(String, String), RedisError> =
                redis::cmd("CONFIG").arg("GET").arg(name).query_async(connection).await;
            let Ok((_, value)) = asked else {
                return Self::Unknown;
            };
            settings.push(value);
        }
        Self::of(&settings[0], &settings[1], &settings[2])
    }

    fn of(appendonly: &str, appendfsync: &str, policy: &str) -> Self {
        let mut weak = Vec::new();
        if appendonly != "yes" {
            weak.push(Weakness::NoLog);
        } else if appendfsync != "always" {
            weak.push(Weakness::LateLog(appendfsync.to_owned()));
        }
        if policy != "noeviction" {
            weak.push(Weakness::Evicts(policy.to_owned()));
        }
        if weak.is_empty() {
            Self::Durable
        } else {
            Self::Weak(weak)
        }
    }
}

impl std::fmt::Display for Durability {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Durable => {
                formatter.write_str("Redis is durable: what it acknowledged survives a kill, and nothing is evicted")
            }
            Self::Unknown => formatter.write_str(
                "whether Redis is durable cannot be told (it does not let its settings be read); set appendonly yes, \
                 appendfsync always and maxmemory-policy noeviction",
            ),
            Self::Weak(weak) => {
                formatter.write_str("Redis is not durable: ")?;
                for (at, weakness) in weak.iter().enumerate() {
                    let comma = if at > 0 { "; " } else { "" };
                    write!(formatter, "{comma}{weakness}")?;
                }
                formatter.write_str(". Drafts lost there come back from the device they were typed on, no others")
            }
        }
    }
}

impl std::fmt::Display for Weakness {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoLog => formatter.write_str("killed, it loses all since its last snapshot (set appendonly yes)"),
            Self::LateLog(how) => write!(
                formatter,
                "killed, it may lose the last writes that it acknowledged (appendfsync is {how}; set always)"
            ),
            Self::Evicts(policy) => write!(
                formatter,
                "full, it drops drafts (maxmemory-policy is {policy}; set noeviction)"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_log_written_before_each_answer_without_eviction_is_durable() {
        assert_eq!(Durability::of("yes", "always", "noeviction"), Durability::Durable);
        let weak = Durability::of("yes", "everysec", "volatile-lru").to_string();
        assert!(weak.contains("everysec") && weak.contains("volatile-lru"), "{weak}");
        assert_eq!(
            Durability::of("no", "always", "noeviction"),
            Durability::Weak(vec![Weakness::NoLog])
        );
    }
}

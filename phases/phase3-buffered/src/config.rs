//! The settings of phase 3's three programs. Read once, before anything is bound; the doc comments
//! are the `--help` text.

use crate::buckets::BUCKETS;
use anyhow::ensure;
use clap::{Args, Parser, ValueEnum};
use signup_service::{ProcessConfig, ServiceConfig};
use std::path::PathBuf;

/// The gateway of phase 3 of the signup lab: publishes signups, and answers after the confirm.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct GatewayConfig {
    /// What every process of the contract has.
    #[command(flatten)]
    pub service: ServiceConfig,

    /// What both programs stand on.
    #[command(flatten)]
    pub parts: PartsConfig,

    /// Most connections to each shard.
    #[arg(long, env, default_value_t = 4)]
    pub shard_connections: usize,

    /// Signups through the queue. Off: a gateway writes the same batches straight into the shards
    /// and answers after the commit, so that a run can tell what the queue costs and what it buys.
    #[arg(long, env, value_enum, default_value = "on")]
    pub queue: Switch,
}

/// The writer of phase 3 of the signup lab: moves signups from the queue into the shards.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct WriterConfig {
    /// What every process has.
    #[command(flatten)]
    pub process: ProcessConfig,

    /// What both programs stand on.
    #[command(flatten)]
    pub parts: PartsConfig,

    /// Most messages in the queue of a shard; what comes then is refused. A million are as many
    /// signups at one a message, and 512 million in full ones; where messages are large, the disk and
    /// memory alarms come first. The same for as long as the queue exists: RabbitMQ refuses to declare
    /// it again with another limit.
    #[arg(long, env, default_value_t = 1_000_000)]
    pub queue_max_messages: u32,
}

/// Adds shards to phase 3 of the signup lab, while signups are accepted: start the new shards empty, start
/// writer and gateways again with the new list, and run this with the same. Broken off, run it again.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct ReshardConfig {
    /// All shards, the old ones first.
    #[command(flatten)]
    pub shards: ShardsConfig,
}

/// The shards.
#[derive(Debug, Clone, Args)]
pub struct ShardsConfig {
    /// The shards in their order, separated by commas, without passwords:
    /// postgres://user@host:port/name,…
    #[arg(long, env, value_delimiter = ',', required = true)]
    pub shard_urls: Vec<String>,

    /// File with the password of all shards; none when they ask for none.
    #[arg(long, env)]
    pub database_password_file: Option<PathBuf>,

    /// The role that owns the schema, and brings it up to date at the start; then it is not used again.
    /// None where the role of the URL owns it.
    #[arg(long, env, requires = "schema_password_file")]
    pub schema_user: Option<String>,

    /// File with its password.
    #[arg(long, env, requires = "schema_user")]
    pub schema_password_file: Option<PathBuf>,
}

impl ShardsConfig {
    /// How many there are.
    ///
    /// # Errors
    /// When there are more than buckets: one without a bucket would never get a signup.
    pub fn count(&self) -> anyhow::Result<u16> {
        let count = self.shard_urls.len();
        ensure!(
            count <= BUCKETS,
            "SHARD_URLS names {count} shards, and there are {BUCKETS} buckets to share out"
        );
        Ok(u16::try_from(count)?)
    }
}

/// The shards and the queue.
#[derive(Debug, Clone, Args)]
pub struct PartsConfig {
    /// Where signups are kept.
    #[command(flatten)]
    pub shards: ShardsConfig,

    /// The queue, without its password: amqp://user@host:port
    #[arg(long, env)]
    pub queue_url: String,

    /// File with the password of the queue; none when it stands in the URL.
    #[arg(long, env)]
    pub queue_password_file: Option<PathBuf>,

    /// After a gateway has connected, milliseconds until it promises anything. The queue may have been
    /// made just now, and RabbitMQ writes down where a quorum queue keeps its messages only every half
    /// second: a kill before that loses what it has confirmed (seen up to 0.6 s).
    #[arg(long, env, default_value_t = 3_000)]
    pub queue_settle_ms: u64,

    /// Begins the names of the queues: one for each shard, and one for dead letters.
    #[arg(long, env, default_value = "signups")]
    pub queue_prefix: String,
}

/// Whether a mechanism is there: what each one buys is measured by leaving it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// As the phase is meant.
    On,
    /// Left out.
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_shards_than_buckets_are_refused() {
        let shards = |count: usize| ShardsConfig {
            shard_urls: vec!["postgres://signup@shard/signup".to_owned(); count],
            database_password_file: None,
            schema_user: None,
            schema_password_file: None,
        };
        assert_eq!(shards(BUCKETS).count().unwrap(), 256);
        let error = shards(BUCKETS + 1).count().unwrap_err().to_string();
        assert!(error.contains("257 shards"), "{error}");
    }
}

//! The settings every process has. Read once, before anything is bound; the doc comments are the
//! `--help` text.

use crate::socket::Address;
use anyhow::Context;
use clap::Args;
use signup_domain::{ReceiptKey, ReceiptKeys};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Settings of every process, also of one without a public port.
#[derive(Debug, Clone, Args)]
pub struct ProcessConfig {
    /// Address of the operations port: /metrics and the probes. Not for the public.
    #[arg(long, env, default_value = "127.0.0.1:9100")]
    pub operations_listen: SocketAddr,

    /// Threads that run the service. Keep it within the CPU cap: a container that has used up its
    /// share of a 100 ms period stands still until the next, all threads at once.
    #[arg(long, env, default_value_t = 1)]
    pub worker_threads: usize,
}

/// Settings of the HTTP side of a process.
#[derive(Debug, Clone, Args)]
pub struct ServiceConfig {
    /// Address of the public port: the contract. IP:port; unix:/path for a balancer beside it; or handed:/path for a
    /// socket that a `listener` hands out there.
    #[arg(long, env, default_value = "127.0.0.1:8080")]
    pub listen: Address,

    /// What every process has.
    #[command(flatten)]
    pub process: ProcessConfig,

    /// Requests worked on at once; one more is refused with 503. A request counts from when all of it is
    /// there. Capacity × target time: about 5,000/s × 50 ms.
    #[arg(long, env, default_value_t = 256)]
    pub max_in_flight: usize,

    /// Connections open at once. For one more, some of those go that wait for their client: of the client
    /// that has most of them, the longest waiting. Each holds about 14 kB, up to 26.
    #[arg(long, env, default_value_t = 4_608)]
    pub max_connections: usize,

    /// After SIGTERM, seconds to keep accepting while /readyz says 503, so that a balancer sees it; of a socket that
    /// others share, seconds in which answers tell their clients that the connection ends.
    #[arg(long, env, default_value_t = 0)]
    pub drain_delay_seconds: u64,

    /// After that, seconds to finish what was begun.
    #[arg(long, env, default_value_t = 10)]
    pub drain_seconds: u64,

    /// File with the secret that seals receipts.
    #[arg(long, env)]
    pub receipt_key_file: PathBuf,

    /// File with the secret before the last rotation: receipts it sealed stay good.
    #[arg(long, env)]
    pub receipt_key_previous_file: Option<PathBuf>,

    /// File with the bearer token of the organiser.
    #[arg(long, env)]
    pub organiser_token_file: PathBuf,
}

impl ServiceConfig {
    /// How long to keep accepting after the stop signal.
    #[must_use]
    pub fn drain_delay(&self) -> Duration {
        Duration::from_secs(self.drain_delay_seconds)
    }

    /// How long to finish what was begun.
    #[must_use]
    pub fn drain_deadline(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

/// The secrets of the service, read from their files.
#[derive(Clone)]
pub struct Secrets {
    /// Seal and open receipts.
    pub receipt_keys: ReceiptKeys,
    /// Proves that a request is the organiser's.
    pub organiser_token: String,
}

impl Secrets {
    /// Reads the files that `config` names.
    ///
    /// # Errors
    /// When a file cannot be read or is empty; the message names it.
    pub fn read(config: &ServiceConfig) -> anyhow::Result<Self> {
        let key =
            |path: &PathBuf| read_secret(path).map(|text| ReceiptKey::from_secret(text.as_bytes()));
        Ok(Self {
            receipt_keys: ReceiptKeys {
                current: key(&config.receipt_key_file)?,
                previous: config
                    .receipt_key_previous_file
                    .as_ref()
                    .map(key)
                    .transpose()?,
            },
            organiser_token: read_secret(&config.organiser_token_file)?,
        })
    }
}

/// The text of a secret file, without the line break at its end.
///
/// # Errors
/// When the file cannot be read or is empty.
pub fn read_secret(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the secret file {}", path.display()))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(
        !secret.is_empty(),
        "the secret file {} is empty",
        path.display()
    );
    Ok(secret.to_owned())
}

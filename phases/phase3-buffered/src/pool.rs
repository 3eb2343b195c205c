//! Connections to a database: how long each waits, how they are made and given back.

use crate::config::PartsConfig;
use anyhow::Context;
use deadpool_postgres::{Client, Object};
use std::time::Duration;

/// How long a request waits for a connection, and then for the answer to its statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) acquire: Duration,
    pub(crate) answer: Duration,
    /// PostgreSQL gives a statement up before we stop waiting for it, so that "refused" can be said.
    pub(crate) statement: Duration,
    /// A statement that waits for a lock this long is given up: nothing here locks anything for long.
    pub(crate) lock: Duration,
}

/// Together under the 1.9 s after which the service stops waiting, also after 0.3 s in a batch.
pub(crate) const GATEWAY: Timeouts = Timeouts {
    acquire: Duration::from_millis(200),
    answer: Duration::from_millis(900),
    statement: Duration::from_millis(700),
    lock: Duration::from_millis(100),
};

/// Nobody waits for the writer, and a batch that was given up is written again: so it waits for a shard
/// that stands still at its CPU cap, and finds out within some seconds that one is gone.
pub(crate) const WRITER: Timeouts = Timeouts {
    acquire: Duration::from_secs(2),
    answer: Duration::from_secs(10),
    statement: Duration::from_secs(8),
    lock: Duration::from_secs(4),
};

/// A connection in use. Dropped half-way, because time is up or the client went away, it leaves the
/// pool: it is still at work on the statement, and whoever got it next would wait for that.
pub(crate) struct InUse(pub(crate) Option<Client>);

impl InUse {
    pub(crate) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

/// How to connect to the database at `url`.
pub(crate) fn options(url: &str, parts: &PartsConfig) -> anyhow::Result<tokio_postgres::Config> {
    let mut options: tokio_postgres::Config = url
        .parse()
        .context("is not postgres://user@host:port/name")?;
    options.application_name("phase3");
    if let Some(file) = &parts.shards.database_password_file {
        options.password(signup_service::read_secret(file)?);
    }
    Ok(options)
}

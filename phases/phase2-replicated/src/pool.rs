//! Connections to a database: how long each waits, how they are made and given back.

use crate::config::Config;
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

/// A batch: with its time in the queue, and with being sent a second time, it stays under the 1.9 s
/// after which the service stops waiting. What arrives while it waits for a lock waits for this batch and
/// its own, so it is refused within 250 ms.
pub(crate) const WRITES: Timeouts = Timeouts {
    acquire: Duration::from_millis(200),
    answer: Duration::from_millis(900),
    statement: Duration::from_millis(700),
    lock: Duration::from_millis(100),
};

/// The primary has the last word on what was asked elsewhere before, in vain.
pub(crate) const PRIMARY: Timeouts = Timeouts {
    acquire: Duration::from_millis(200),
    answer: Duration::from_millis(800),
    statement: Duration::from_millis(700),
    lock: Duration::from_millis(100),
};

/// The replica can be done without, so a slow one is left for the primary.
pub(crate) const REPLICA: Timeouts = Timeouts {
    acquire: Duration::from_millis(100),
    answer: Duration::from_millis(300),
    statement: Duration::from_millis(250),
    lock: Duration::from_millis(100),
};

/// A count reads the event's whole index range, which takes seconds where there are millions. Nobody
/// waits for it to the end (`Events`), so it may.
pub(crate) const COUNTS: Timeouts = Timeouts {
    acquire: Duration::from_secs(2),
    answer: Duration::from_secs(11),
    statement: Duration::from_secs(10),
    lock: Duration::from_millis(100),
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
pub(crate) fn options(url: &str, config: &Config) -> anyhow::Result<tokio_postgres::Config> {
    let mut options: tokio_postgres::Config = url
        .parse()
        .context("is not postgres://user@host:port/name")?;
    options.application_name("phase2");
    if let Some(file) = &config.database_password_file {
        options.password(signup_service::read_secret(file)?);
    }
    Ok(options)
}

//! Connections to the database: how long each waits, how they are made and given back.

use crate::config::Config;
use anyhow::Context;
use deadpool::managed::{Manager, Metrics, RecycleResult};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Error};
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

/// At capacity a connection is free every 0.2 ms: who waits for one as long as this stands behind a
/// database that is gone or locked. Acquire, twice where it must be (`Database`), and answer together stay
/// under the 1.9 s after which the service stops waiting.
pub(crate) const PRIMARY: Timeouts = Timeouts {
    acquire: Duration::from_millis(250),
    answer: Duration::from_millis(1_300),
    statement: Duration::from_millis(1_000),
    lock: Duration::from_millis(200),
};

/// A count reads the event's whole index range, which takes seconds where there are millions. Nobody
/// waits for it to the end (`Events`), so it may.
pub(crate) const COUNTS: Timeouts = Timeouts {
    acquire: Duration::from_secs(2),
    answer: Duration::from_secs(11),
    statement: Duration::from_secs(10),
    lock: Duration::from_millis(200),
};

/// Opens connections for the pool.
///
/// deadpool and not sqlx's own pool, which asks the database for a sign of life after every use: a
/// second round trip a signup, for what the next statement tells anyway (NOTES N5).
pub(crate) struct Connector(pub(crate) PgConnectOptions);

impl Manager for Connector {
    type Type = PgConnection;
    type Error = Error;

    async fn create(&self) -> Result<PgConnection, Error> {
        self.0.connect().await
    }

    /// A connection that failed is not given back (`Database`), so what comes back is good. One whose
    /// statement was dropped half-way is, too: sqlx reads its answer before the next statement.
    async fn recycle(&self, _: &mut PgConnection, _: &Metrics) -> RecycleResult<Error> {
        Ok(())
    }
}

/// How to connect to the database at `url`.
pub(crate) fn options(url: &str, config: &Config) -> anyhow::Result<PgConnectOptions> {
    let mut options: PgConnectOptions = url
        .parse()
        .context("is not postgres://user@host:port/name")?;
    if let Some(file) = &config.database_password_file {
        options = options.password(&signup_service::read_secret(file)?);
    }
    // Statements carry personal data.
    Ok(options
        .application_name("phase1")
        .disable_statement_logging())
}

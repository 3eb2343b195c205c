//! The database: one pool, and one way each to read and to write.
//!
//! The line between "refused, nothing happened" (503) and "not known" (504) runs through this file:
//! it is crossed when a statement is sent.

use crate::Config;
use crate::metrics::PoolMetrics;
use anyhow::Context;
use backon::{ConstantBuilder, Retryable};
use signup_domain::StoreError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool, Postgres};
use std::str::FromStr;
use std::time::{Duration, Instant};

/// How long a request waits for a connection before it is refused. At capacity a connection is
/// free every 0.2 ms; who waits this long stands behind a database that is gone or locked.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(250);

/// How long the answer to a statement is waited for: acquire and this stay under 2 s.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(1_500);

/// PostgreSQL gives a statement up before we stop waiting for it, so that "refused" can be said.
const STATEMENT_TIMEOUT_MS: &str = "1000";

/// A statement that waits for a lock this long is given up: nothing here locks anything for long.
const LOCK_TIMEOUT_MS: &str = "200";

/// At the start, how long the database may take to come up.
const STARTUP_ATTEMPTS: usize = 120;
const STARTUP_PAUSE: Duration = Duration::from_millis(500);

/// The one database.
#[derive(Clone)]
pub(crate) struct Database {
    pool: PgPool,
    metrics: PoolMetrics,
}

impl Database {
    /// The pool, not yet connected.
    pub(crate) fn new(config: &Config, metrics: PoolMetrics) -> anyhow::Result<Self> {
        let mut options = PgConnectOptions::from_str(&config.database_url)
            .context("DATABASE_URL is not postgres://user@host:port/name")?
            .application_name("phase1")
            .options([
                ("statement_timeout", STATEMENT_TIMEOUT_MS),
                ("lock_timeout", LOCK_TIMEOUT_MS),
                ("idle_in_transaction_session_timeout", STATEMENT_TIMEOUT_MS),
            ])
            // Statements carry personal data.
            .disable_statement_logging();
        if let Some(file) = &config.database_password_file {
            options = options.password(&signup_service::read_secret(file)?);
        }
        let connections = config.database_connections;
        metrics.limit.set(i64::from(connections));
        let pool = PgPoolOptions::new()
            // As many as there may be, from the start: opening one costs PostgreSQL a process.
            .min_connections(connections)
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            // sqlx already asks on release; a second round trip before each use would only repeat it.
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self { pool, metrics })
    }

    /// Brings the schema up to date, once the database is up.
    pub(crate) async fn migrate(self) -> anyhow::Result<()> {
        let migrate = async || sqlx::migrate!().run(&self.pool).await;
        migrate
            .retry(
                ConstantBuilder::new()
                    .with_delay(STARTUP_PAUSE)
                    .with_max_times(STARTUP_ATTEMPTS),
            )
            .when(|error| matches!(error, sqlx::migrate::MigrateError::Execute(_)))
            .notify(|error, _| tracing::info!(%error, "waiting for the database"))
            .await
            .context("cannot bring the database's schema up to date")
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.read(async |connection| sqlx::query("SELECT 1").execute(connection).await.map(drop))
            .await
    }

    /// Runs one statement that changes nothing. Whatever goes wrong, there is no effect.
    pub(crate) async fn read<T>(
        &self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> Result<T, StoreError> {
        self.run(statement).await.map_err(|error| match error {
            StoreError::Unknown(cause) => StoreError::Unavailable(cause),
            error => error,
        })
    }

    /// Runs one statement that changes something, as a transaction of its own. Once it is sent, a
    /// failure means "not known", unless PostgreSQL itself says that it rolled back.
    pub(crate) async fn write<T>(
        &self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> Result<T, StoreError> {
        self.run(statement).await
    }

    async fn run<T>(
        &self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.acquire().await?;
        match tokio::time::timeout(ANSWER_TIMEOUT, statement(&mut connection)).await {
            Ok(result) => result.map_err(outcome),
            Err(_elapsed) => {
                // Its answer may still come: the next user must not read it as theirs.
                connection.close_on_drop();
                Err(StoreError::Unknown(
                    "the database did not answer in time".into(),
                ))
            }
        }
    }

    async fn acquire(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        let began = Instant::now();
        let waiting = Waiting::new(&self.metrics);
        let connection = self.pool.acquire().await;
        drop(waiting);
        self.metrics
            .acquire_seconds
            .observe(began.elapsed().as_secs_f64());
        let idle = self.pool.num_idle();
        self.metrics
            .idle
            .set(i64::try_from(idle).unwrap_or(i64::MAX));
        let in_use = i64::from(self.pool.size()) - i64::try_from(idle).unwrap_or(0);
        self.metrics.in_use.set(in_use);
        // Nothing has been sent yet.
        connection.map_err(|error| StoreError::Unavailable(format!("no connection: {error}")))
    }
}

/// Counts a request that waits for a connection, also when it stops waiting.
struct Waiting<'a>(&'a PoolMetrics);

impl<'a> Waiting<'a> {
    fn new(metrics: &'a PoolMetrics) -> Self {
        metrics.waiting.inc();
        Self(metrics)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.dec();
    }
}

/// What the failure of a statement that was sent says about its effect.
fn outcome(error: sqlx::Error) -> StoreError {
    let cause = error.to_string();
    let Some(code) = error.as_database_error().and_then(|error| error.code()) else {
        return match error {
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                StoreError::Unknown(cause)
            }
            _ => StoreError::Internal(cause),
        };
    };
    // SQLSTATE, PostgreSQL's documentation, appendix A.
    match code.get(..2) {
        // Rolled back, and said so: cancelled by a timeout, deadlocked, out of disk or memory.
        _ if code == "57014" || code == "55P03" => StoreError::Unavailable(cause),
        Some("40" | "53") => StoreError::Unavailable(cause),
        // The server is going down; the commit may have been written before it said so.
        Some("57" | "08") => StoreError::Unknown(cause),
        _ => StoreError::Internal(cause),
    }
}

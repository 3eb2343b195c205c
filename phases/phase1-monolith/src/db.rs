//! The database: one pool, and one way each to read and to write.
//!
//! Through tokio-postgres, and pooled by deadpool: for one measurement of what the driver is worth. sqlx is
//! here for the migrations alone (`schema`).
//!
//! The line between "refused, nothing happened" (503) and "not known" (504) runs through this file:
//! it is crossed when a statement is sent.

use crate::config::Config;
use crate::outcome::{is_refusal, outcome};
use anyhow::Context;
use deadpool_postgres::{
    Client, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime,
};
use signup_domain::StoreError;
use signup_service::PoolMetrics;
use std::time::{Duration, Instant};
use tokio_postgres::{Error, NoTls};

/// How long a request waits for a connection, and then for the answer to its statement.
#[derive(Debug, Clone, Copy)]
struct Timeouts {
    acquire: Duration,
    answer: Duration,
    /// PostgreSQL gives a statement up before we stop waiting for it, so that "refused" can be said.
    statement: Duration,
    /// A statement that waits for a lock this long is given up: nothing here locks anything for long.
    lock: Duration,
}

/// At capacity a connection is free every 0.2 ms: who waits for one as long as this stands behind a
/// database that is gone or locked. Acquire and answer together stay under 2 s.
const PRIMARY: Timeouts = Timeouts {
    acquire: Duration::from_millis(250),
    answer: Duration::from_millis(1_500),
    statement: Duration::from_millis(1_000),
    lock: Duration::from_millis(200),
};

/// One database and the connections to it.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool,
    timeouts: Timeouts,
    metrics: PoolMetrics,
}

impl Database {
    /// The connections to the one database, not yet open.
    pub(crate) fn primary(config: &Config, metrics: PoolMetrics) -> anyhow::Result<Self> {
        let options = options(&config.database_url, config).context("DATABASE_URL")?;
        Self::new(options, config.database_connections, PRIMARY, metrics)
    }

    fn new(
        mut options: tokio_postgres::Config,
        connections: usize,
        timeouts: Timeouts,
        metrics: PoolMetrics,
    ) -> anyhow::Result<Self> {
        let statement = timeouts.statement.as_millis();
        let lock = timeouts.lock.as_millis();
        options.options(format!(
            "-c statement_timeout={statement} -c lock_timeout={lock} \
             -c idle_in_transaction_session_timeout={statement}"
        ));
        // `Fast`: whether a connection is open, without asking the database at each use. One that failed
        // is not given back (`run`), so what comes back is good. One whose statement was dropped half-way
        // is, too: its answer is read before that of the next statement.
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(options, NoTls, ManagerConfig { recycling_method });
        metrics.limit.set(count(connections));
        let pool = Pool::builder(manager)
            .max_size(connections)
            // The one used last is the one whose process is still in the CPU's caches.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(timeouts.acquire))
            .create_timeout(Some(timeouts.acquire))
            .build()?;
        Ok(Self {
            pool,
            timeouts,
            metrics,
        })
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.read(async |connection| {
            let statement = connection.prepare_cached("SELECT 1").await?;
            connection.execute(&statement, &[]).await.map(drop)
        })
        .await
    }

    /// Runs one statement that changes nothing. Whatever goes wrong, there is no effect.
    ///
    /// Boxed, as sqlx boxes each statement by itself: the future takes 2 kB (NOTES N45).
    pub(crate) async fn read<T>(
        &self,
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let answer = Box::pin(self.run(statement)).await;
        answer.map_err(|error| match error {
            StoreError::Unknown(cause) => StoreError::Unavailable(cause),
            error => error,
        })
    }

    /// Runs one statement that changes something, as a transaction of its own. Once it is sent, a
    /// failure means "not known", unless PostgreSQL itself says that it rolled back.
    pub(crate) async fn write<T>(
        &self,
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        Box::pin(self.run(statement)).await
    }

    async fn run<T>(
        &self,
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let connection = self.acquire().await?;
        let failure = match tokio::time::timeout(self.timeouts.answer, statement(&connection)).await
        {
            Ok(Ok(answer)) => return Ok(answer),
            // PostgreSQL said no, in good order: the connection is as good as before.
            Ok(Err(error)) if is_refusal(&error) => return Err(outcome(&error)),
            Ok(Err(error)) => outcome(&error),
            Err(_elapsed) => StoreError::Unknown("the database did not answer in time".into()),
        };
        // Broken or behind: out of the pool with it, so that nobody waits for another's answer.
        drop(Object::take(connection));
        Err(failure)
    }

    async fn acquire(&self) -> Result<Client, StoreError> {
        let began = Instant::now();
        let connection = self.pool.get().await;
        self.metrics
            .acquire_seconds
            .observe(began.elapsed().as_secs_f64());
        let pool = self.pool.status();
        self.metrics.idle.set(count(pool.available));
        self.metrics
            .in_use
            .set(count(pool.size.saturating_sub(pool.available)));
        self.metrics.waiting.set(count(pool.waiting));
        // Nothing has been sent yet.
        connection.map_err(|error| StoreError::Unavailable(format!("no connection: {error}")))
    }
}

fn options(url: &str, config: &Config) -> anyhow::Result<tokio_postgres::Config> {
    let mut options: tokio_postgres::Config = url
        .parse()
        .context("is not postgres://user@host:port/name")?;
    options.application_name("phase1");
    if let Some(file) = &config.database_password_file {
        options.password(signup_service::read_secret(file)?);
    }
    Ok(options)
}

fn count(connections: usize) -> i64 {
    i64::try_from(connections).unwrap_or(i64::MAX)
}

//! The database: one pool, and one way each to read and to write.
//!
//! Through sqlx, and pooled by deadpool; why not through the driver of the others: `phases/README.md`.
//!
//! The line between "refused, nothing happened" (503) and "not known" (504) runs through this file:
//! it is crossed when a statement is sent.

use crate::config::Config;
use crate::outcome::{is_refusal, outcome};
use anyhow::Context;
use deadpool::managed::{Manager, Metrics, Object, Pool, QueueMode, RecycleResult};
use deadpool::{Runtime, Status};
use signup_domain::StoreError;
use signup_service::{PoolMetrics, PoolStatus};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Error};
use std::time::{Duration, Instant};

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
    pool: Pool<Connector>,
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
        options: PgConnectOptions,
        connections: usize,
        timeouts: Timeouts,
        metrics: PoolMetrics,
    ) -> anyhow::Result<Self> {
        let statement = timeouts.statement.as_millis();
        let options = options.options([
            ("statement_timeout", statement),
            ("lock_timeout", timeouts.lock.as_millis()),
            ("idle_in_transaction_session_timeout", statement),
        ]);
        let pool = Pool::builder(Connector(options))
            .max_size(connections)
            // The one used last is the one whose process is still in the CPU's caches.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(timeouts.acquire))
            .create_timeout(Some(timeouts.acquire))
            .build()?;
        let shown = pool.clone();
        metrics.show(move || status(&shown.status()))?;
        Ok(Self {
            pool,
            timeouts,
            metrics,
        })
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.read(async |connection| sqlx::query("SELECT 1").execute(connection).await.map(drop))
            .await
    }

    /// Runs one statement that changes nothing. Whatever goes wrong, there is no effect.
    pub(crate) async fn read<T>(
        &self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
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
        statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        self.run(statement).await
    }

    async fn run<T>(
        &self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let mut connection = self.acquire().await?;
        let failure =
            match tokio::time::timeout(self.timeouts.answer, statement(&mut connection)).await {
                Ok(Ok(answer)) => return Ok(answer),
                // PostgreSQL said no, in good order: the connection is as good as before.
                Ok(Err(error)) if is_refusal(&error) => return Err(outcome(&error)),
                Ok(Err(error)) => outcome(&error),
                Err(_elapsed) => StoreError::Unknown("the database did not answer in time".into()),
            };
        // Broken or behind: out of the pool with it, so that nobody reads another's answer.
        drop(Object::take(connection));
        Err(failure)
    }

    async fn acquire(&self) -> Result<Object<Connector>, StoreError> {
        let began = Instant::now();
        let connection = self.pool.get().await;
        self.metrics.acquired(began.elapsed(), connection.is_ok());
        // Nothing has been sent yet.
        connection.map_err(|error| StoreError::Unavailable(format!("no connection: {error}")))
    }
}

/// Opens connections for the pool.
///
/// deadpool and not sqlx's own pool, which asks the database for a sign of life after every use: a
/// second round trip a signup, for what the next statement tells anyway (NOTES N5).
struct Connector(PgConnectOptions);

impl Manager for Connector {
    type Type = PgConnection;
    type Error = Error;

    async fn create(&self) -> Result<PgConnection, Error> {
        self.0.connect().await
    }

    /// A connection that failed is not given back (`run`), so what comes back is good. One whose
    /// statement was dropped half-way is, too: sqlx reads its answer before the next statement.
    async fn recycle(&self, _: &mut PgConnection, _: &Metrics) -> RecycleResult<Error> {
        Ok(())
    }
}

fn options(url: &str, config: &Config) -> anyhow::Result<PgConnectOptions> {
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

fn status(pool: &Status) -> PoolStatus {
    PoolStatus {
        limit: pool.max_size,
        idle: pool.available,
        in_use: pool.size.saturating_sub(pool.available),
        waiting: pool.waiting,
    }
}

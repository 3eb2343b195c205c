//! The database: one pool, and one way each to read and to write.
//!
//! Through sqlx, and pooled by deadpool; why not through the driver of the others: `phases/README.md`.
//!
//! The line between "refused, nothing happened" (503) and "not known" (504) runs through this file:
//! it is crossed when a statement is sent.

use crate::config::Config;
use crate::outcome::failure;
use crate::pool::{COUNTS, Connector, PRIMARY, Timeouts, options};
use crate::select;
use anyhow::Context;
use deadpool::managed::{Object, Pool, QueueMode};
use deadpool::{Runtime, Status};
use signup_domain::StoreError;
use signup_service::{Breaker, Failure, PoolMetrics, PoolStatus, Refusal};
use sqlx::Error;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use std::sync::Arc;
use std::time::Instant;

/// Connections that count: apart from the others and few, because counting takes from the database what
/// signups need.
pub(crate) const COUNTING: usize = 2;

/// One database and the connections to it.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool<Connector>,
    timeouts: Timeouts,
    metrics: PoolMetrics,
    /// Open while the database takes no writes.
    writable: Arc<Breaker>,
}

impl Database {
    /// The connections to the one database, not yet open.
    pub(crate) fn primary(config: &Config, metrics: PoolMetrics) -> anyhow::Result<Self> {
        let options = options(&config.database_url, config).context("DATABASE_URL")?;
        Self::new(options, config.database_connections, PRIMARY, metrics)
    }

    /// The connections that count, not yet open.
    pub(crate) fn counts(config: &Config, metrics: PoolMetrics) -> anyhow::Result<Self> {
        let options = options(&config.database_url, config).context("DATABASE_URL")?;
        Self::new(options, COUNTING, COUNTS, metrics)
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
            writable: Arc::default(),
        })
    }

    /// Whether the database answers and takes writes: one that was demoted answers.
    pub(crate) async fn takes_writes(&self) -> Result<(), StoreError> {
        if self.read(select::is_read_only).await? {
            // A session keeps the setting that it began with; a new one has that of now.
            self.pool.retain(|_, _| false);
            if self.read(select::is_read_only).await? {
                self.writable.failed();
                return Err(read_only());
            }
        }
        self.writable.succeeded();
        Ok(())
    }

    /// Runs one statement that changes nothing. Whatever goes wrong, there is no effect.
    pub(crate) async fn read<T>(
        &self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error> + Clone,
    ) -> Result<T, StoreError> {
        self.run(statement).await.map_err(|error| match error {
            StoreError::Unknown(cause) => StoreError::Unavailable(cause),
            error => error,
        })
    }

    /// Runs one statement that changes something, as a transaction of its own. Once it is sent, a
    /// failure means "not known", unless PostgreSQL itself says that it rolled back. A database that
    /// takes no writes is asked once a second: each answer costs a new session.
    pub(crate) async fn write<T>(
        &self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error> + Clone,
    ) -> Result<T, StoreError> {
        if !self.writable.allows() {
            return Err(read_only());
        }
        let answer = self.run(statement).await?;
        self.writable.succeeded();
        Ok(answer)
    }

    /// A session may be older than the schema, or than what the database is to others. Then PostgreSQL
    /// refuses the statement, nothing has happened, and it is run once more in a new session.
    async fn run<T>(
        &self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error> + Clone,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let mut answer = self.attempt(statement.clone()).await;
        if let Err(failure) = &answer
            && failure.refusal.is_some_and(Refusal::is_of_the_session)
            && began.elapsed() < self.timeouts.acquire
        {
            // The others are as old.
            self.pool.retain(|_, _| false);
            answer = self.attempt(statement).await;
        }
        answer.map_err(|failure| {
            if failure.refusal == Some(Refusal::ReadOnly) && self.writable.failed() {
                tracing::warn!("the database takes no writes");
            }
            failure.outcome
        })
    }

    async fn attempt<T>(
        &self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let mut connection = self.acquire().await?;
        let answer = tokio::time::timeout(self.timeouts.answer, statement(&mut connection)).await;
        let failure = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => failure(&error),
            Err(_elapsed) => {
                StoreError::Unknown("the database did not answer in time".into()).into()
            }
        };
        // Broken, behind or too old: out of the pool with it, so that nobody reads another's answer.
        if !failure.keeps_the_session() {
            drop(Object::take(connection));
        }
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

fn read_only() -> StoreError {
    StoreError::Unavailable("the database takes no writes".into())
}

fn status(pool: &Status) -> PoolStatus {
    PoolStatus {
        limit: pool.max_size,
        idle: pool.available,
        in_use: pool.size.saturating_sub(pool.available),
        waiting: pool.waiting,
    }
}

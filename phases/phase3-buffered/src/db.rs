//! The shards: a pool each, and one way each to read and to write.
//!
//! As in phase 2, but for the timeouts: a gateway has somebody waiting, the writer has not.
//!
//! The line between "refused, nothing happened" (503) and "not known" (504) runs through this file:
//! it is crossed when a statement is sent.

use crate::config::PartsConfig;
use crate::outcome::{is_refusal, outcome};
use anyhow::Context;
use deadpool_postgres::{
    Client, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime, Status,
    Timeouts as PoolTimeouts,
};
use signup_domain::StoreError;
use signup_service::{PoolMetrics, PoolStatus};
use std::time::{Duration, Instant};
use tokio_postgres::{Error, NoTls};

/// How long a request waits for a connection, and then for the answer to its statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    acquire: Duration,
    answer: Duration,
    /// PostgreSQL gives a statement up before we stop waiting for it, so that "refused" can be said.
    statement: Duration,
    /// A statement that waits for a lock this long is given up: nothing here locks anything for long.
    lock: Duration,
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

/// At the start, how long one connection may take.
const WARM_UP: Duration = Duration::from_secs(2);

/// One database and the connections to it.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool,
    timeouts: Timeouts,
    metrics: PoolMetrics,
}

impl Database {
    /// The connections to all shards of `parts`, in their order, not yet open.
    pub(crate) fn shards(
        parts: &PartsConfig,
        connections: usize,
        timeouts: Timeouts,
        metrics: Vec<PoolMetrics>,
    ) -> anyhow::Result<Vec<Self>> {
        let shard = |(url, metrics): (&String, PoolMetrics)| {
            let options = options(url, parts).context("SHARD_URLS")?;
            Self::new(options, connections, timeouts, metrics)
        };
        parts
            .shards
            .shard_urls
            .iter()
            .zip(metrics)
            .map(shard)
            .collect()
    }

    fn new(
        mut options: tokio_postgres::Config,
        connections: usize,
        timeouts: Timeouts,
        metrics: PoolMetrics,
    ) -> anyhow::Result<Self> {
        let statement = timeouts.statement.as_millis();
        let lock = timeouts.lock.as_millis();
        options.connect_timeout(timeouts.acquire).options(format!(
            "-c statement_timeout={statement} -c lock_timeout={lock} \
             -c idle_in_transaction_session_timeout={statement}"
        ));
        // `Fast`: whether a connection is open, without asking the database at each use.
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(options, NoTls, ManagerConfig { recycling_method });
        let pool = Pool::builder(manager)
            .max_size(connections)
            // The one used last is the one whose process is still in the CPU's caches.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()?;
        let shown = pool.clone();
        metrics.show(move || status(&shown.status()))?;
        Ok(Self {
            pool,
            timeouts,
            metrics,
        })
    }

    /// Opens all connections, one after the other. Proving the password costs some ms of CPU a
    /// connection: under a cap that is a delay the first requests would have.
    pub(crate) async fn warm_up(&self) -> anyhow::Result<()> {
        let timeouts = PoolTimeouts {
            create: Some(WARM_UP),
            ..self.pool.timeouts()
        };
        let mut held = Vec::new();
        while held.len() < self.pool.status().max_size {
            held.push(self.pool.timeout_get(&timeouts).await?);
        }
        Ok(())
    }

    /// Whether the database answers. Asked in a task of its own: whoever probes takes the first answer of
    /// several, and a question dropped half-way takes its connection with it (`InUse`).
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let asked = self.clone();
        let asked = tokio::spawn(async move {
            asked
                .read(async |client| client.simple_query("").await.map(drop))
                .await
        });
        let stopped = |_| Err(StoreError::Unavailable("the question was stopped".into()));
        asked.await.unwrap_or_else(stopped)
    }

    /// Runs one statement that changes nothing. Whatever goes wrong, there is no effect.
    pub(crate) async fn read<T>(
        &self,
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error>,
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
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        self.run(statement).await
    }

    async fn run<T>(
        &self,
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let connection = InUse(Some(self.acquire().await?));
        let Some(client) = &connection.0 else {
            return Err(StoreError::Internal("a connection was taken twice".into()));
        };
        match tokio::time::timeout(self.timeouts.answer, statement(client)).await {
            Ok(Ok(answer)) => {
                connection.give_back();
                Ok(answer)
            }
            Ok(Err(error)) => {
                // PostgreSQL said no, in good order: the connection is as good as before.
                if is_refusal(&error) {
                    connection.give_back();
                }
                Err(outcome(&error))
            }
            Err(_elapsed) => Err(StoreError::Unknown(
                "the database did not answer in time".into(),
            )),
        }
    }

    async fn acquire(&self) -> Result<Client, StoreError> {
        let began = Instant::now();
        // Around both, waiting for a free connection and making one: the pool limits each alone.
        let client = tokio::time::timeout(self.timeouts.acquire, self.pool.get()).await;
        self.metrics
            .acquired(began.elapsed(), matches!(client, Ok(Ok(_))));
        // Nothing has been sent yet.
        match client {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(error)) => Err(StoreError::Unavailable(format!("no connection: {error}"))),
            Err(_elapsed) => Err(StoreError::Unavailable("no connection in time".into())),
        }
    }
}

/// A connection in use. Dropped half-way, because time is up or the client went away, it leaves the
/// pool: it is still at work on the statement, and whoever got it next would wait for that.
struct InUse(Option<Client>);

impl InUse {
    fn give_back(mut self) {
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

fn options(url: &str, parts: &PartsConfig) -> anyhow::Result<tokio_postgres::Config> {
    let mut options: tokio_postgres::Config = url
        .parse()
        .context("is not postgres://user@host:port/name")?;
    options.application_name("phase3");
    if let Some(file) = &parts.shards.database_password_file {
        options.password(signup_service::read_secret(file)?);
    }
    Ok(options)
}

fn status(pool: &Status) -> PoolStatus {
    PoolStatus {
        limit: pool.max_size,
        idle: pool.available,
        in_use: pool.size.saturating_sub(pool.available),
        waiting: pool.waiting,
    }
}

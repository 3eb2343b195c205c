//! One shard: a pool of connections, and one way each to read and to write.
//!
//! As in phase 2, but for whose patience it is: a gateway's, who has somebody waiting, or the
//! writer's, who has not. sqlx is here for the migrations alone (`schema`).

use crate::config::PartsConfig;
use crate::outcome::{is_refusal, outcome};
use anyhow::Context;
use deadpool_postgres::{
    Client, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use prometheus::Registry;
use signup_domain::StoreError;
use signup_service::PoolMetrics;
use std::time::{Duration, Instant};
use tokio_postgres::{Error, NoTls};

/// How long is waited for a connection, and then for the answer to a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    acquire: Duration,
    answer: Duration,
    /// PostgreSQL gives a statement up before we stop waiting for it, so that "refused" can be said.
    statement: Duration,
    lock: Duration,
}

/// Together under the 1.9 s after which the service stops waiting, also after 0.3 s in a batch.
pub(crate) const GATEWAY: Patience = Patience {
    acquire: Duration::from_millis(200),
    answer: Duration::from_millis(900),
    statement: Duration::from_millis(700),
    lock: Duration::from_millis(100),
};

/// Nobody waits for the writer, and a batch that was given up is written again: so it is patient
/// with a shard that stands still at its CPU cap, and finds out within some seconds that one is gone.
pub(crate) const WRITER: Patience = Patience {
    acquire: Duration::from_secs(2),
    answer: Duration::from_secs(10),
    statement: Duration::from_secs(8),
    lock: Duration::from_secs(4),
};

/// At the start, how long one connection may take.
const WARM_UP: Duration = Duration::from_secs(2);

/// A shard and the connections to it.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool,
    patience: Patience,
    metrics: PoolMetrics,
}

impl Database {
    /// All shards of `parts` in their order, with no connection open yet.
    pub(crate) fn shards(
        parts: &PartsConfig,
        connections: usize,
        patience: Patience,
        registry: &Registry,
    ) -> anyhow::Result<Vec<Self>> {
        let shard = |(number, url): (usize, &String)| {
            let mut options: tokio_postgres::Config = url
                .parse()
                .context("SHARD_URLS: is not postgres://user@host:port/name")?;
            options.application_name("phase3");
            if let Some(file) = &parts.database_password_file {
                options.password(signup_service::read_secret(file)?);
            }
            let metrics = PoolMetrics::new(registry, &format!("shard_{number}"))?;
            Self::new(options, connections, patience, metrics)
        };
        parts.shard_urls.iter().enumerate().map(shard).collect()
    }

    fn new(
        mut options: tokio_postgres::Config,
        connections: usize,
        patience: Patience,
        metrics: PoolMetrics,
    ) -> anyhow::Result<Self> {
        let statement = patience.statement.as_millis();
        let lock = patience.lock.as_millis();
        options.connect_timeout(patience.acquire).options(format!(
            "-c statement_timeout={statement} -c lock_timeout={lock} \
             -c idle_in_transaction_session_timeout={statement}"
        ));
        // `Fast`: whether a connection is open, without asking the database at each use.
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(options, NoTls, ManagerConfig { recycling_method });
        metrics.limit.set(count(connections));
        let pool = Pool::builder(manager)
            .max_size(connections)
            // The one used last is the one whose process is still in the CPU's caches.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self {
            pool,
            patience,
            metrics,
        })
    }

    /// Opens all connections, one after the other: proving the password costs some ms of CPU each.
    pub(crate) async fn warm_up(&self) -> anyhow::Result<()> {
        let timeouts = Timeouts {
            create: Some(WARM_UP),
            ..self.pool.timeouts()
        };
        let mut open = Vec::new();
        while open.len() < self.pool.status().max_size {
            open.push(self.pool.timeout_get(&timeouts).await?);
        }
        Ok(())
    }

    /// Whether the shard answers. Asked in a task of its own: whoever probes takes the first answer of
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
        self.write(statement).await.map_err(|error| match error {
            StoreError::Unknown(cause) => StoreError::Unavailable(cause),
            error => error,
        })
    }

    /// Runs one statement, as a transaction of its own. Once it is sent, a failure means "not known",
    /// unless PostgreSQL itself says that it rolled back.
    pub(crate) async fn write<T>(
        &self,
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let connection = InUse(Some(self.acquire().await?));
        let Some(client) = &connection.0 else {
            return Err(StoreError::Internal("a connection was taken twice".into()));
        };
        match tokio::time::timeout(self.patience.answer, statement(client)).await {
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
                "the shard did not answer in time".into(),
            )),
        }
    }

    async fn acquire(&self) -> Result<Client, StoreError> {
        let began = Instant::now();
        // Around both, waiting for a free connection and making one: the pool limits each alone.
        let client = tokio::time::timeout(self.patience.acquire, self.pool.get()).await;
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

fn count(connections: usize) -> i64 {
    i64::try_from(connections).unwrap_or(i64::MAX)
}

//! The databases: pools by role, and one way each to read and to write.
//!
//! Through tokio-postgres, and pooled by deadpool: each connection keeps its prepared statements. sqlx is
//! here for the migrations alone (`schema`); why phase 1 goes all the way through it: `phases/README.md`.
//!
//! The line between "refused, nothing happened" (503) and "not known" (504) runs through this file:
//! it is crossed when a statement is sent.

use crate::config::Config;
use crate::outcome::failure;
use crate::pool::{COUNTS, InUse, PRIMARY, REPLICA, Timeouts, WRITES, options};
use crate::select;
use anyhow::Context;
use deadpool_postgres::{
    Client, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime, Status,
    Timeouts as PoolTimeouts,
};
use signup_domain::StoreError;
use signup_service::{Breaker, Failure, PoolMetrics, PoolStatus, Refusal};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::{Error, NoTls};

/// At the start, how long one connection may take.
const WARM_UP: Duration = Duration::from_secs(2);

/// One database and the connections to it.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool,
    timeouts: Timeouts,
    metrics: PoolMetrics,
    /// Open while the database takes no writes.
    writable: Arc<Breaker>,
}

impl Database {
    /// The connections to the primary that write batches, not yet open. They are apart from those
    /// that read, so that a flood of reads cannot keep a batch waiting.
    pub(crate) fn writes(
        config: &Config,
        connections: usize,
        metrics: PoolMetrics,
    ) -> anyhow::Result<Self> {
        let options = options(&config.primary_url, config).context("PRIMARY_URL")?;
        Self::new(options, connections, WRITES, metrics)
    }

    /// The connections to the primary that read, not yet open; whether it takes writes they learn from
    /// those that write, and tell them.
    pub(crate) fn primary(
        config: &Config,
        connections: usize,
        writes: &Self,
        metrics: PoolMetrics,
    ) -> anyhow::Result<Self> {
        let options = options(&config.primary_url, config).context("PRIMARY_URL")?;
        Ok(Self {
            writable: Arc::clone(&writes.writable),
            ..Self::new(options, connections, PRIMARY, metrics)?
        })
    }

    /// The connections to the replica, not yet open.
    pub(crate) fn replica(config: &Config, metrics: PoolMetrics) -> anyhow::Result<Self> {
        let options = options(&config.replica_url, config).context("REPLICA_URL")?;
        Self::new(options, config.replica_connections, REPLICA, metrics)
    }

    /// The connection to the primary or to the replica that counts, not yet open. It is apart from the
    /// others, so that a large event cannot keep a receipt waiting.
    pub(crate) fn counts(url: &str, config: &Config, metrics: PoolMetrics) -> anyhow::Result<Self> {
        let options = options(url, config).context("PRIMARY_URL or REPLICA_URL")?;
        Self::new(options, 1, COUNTS, metrics)
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
            writable: Arc::default(),
        })
    }

    /// Opens all connections, one after the other. Proving the password costs some ms of CPU a
    /// connection: under a cap that is a delay the first requests would have.
    pub(crate) async fn warm_up(&self) -> anyhow::Result<()> {
        self.open(self.pool.status().max_size).await
    }

    /// Opens connections until half of them are open. The pool makes one only for who holds all the
    /// others: the second half stays for the requests that come meanwhile.
    pub(crate) async fn keep_warm(&self) -> anyhow::Result<()> {
        self.open(self.pool.status().max_size.div_ceil(2)).await
    }

    async fn open(&self, least: usize) -> anyhow::Result<()> {
        self.pool.retain(|client, _| !client.is_closed());
        let timeouts = PoolTimeouts {
            wait: Some(self.timeouts.acquire),
            create: Some(WARM_UP),
            ..self.pool.timeouts()
        };
        let mut held = Vec::new();
        while self.pool.status().size < least {
            held.push(self.pool.timeout_get(&timeouts).await?);
        }
        Ok(())
    }

    /// Whether the database answers. Asked in a task of its own: whoever probes takes the first answer of
    /// several, and a question dropped half-way takes its connection with it (`InUse`).
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let asked = self.clone();
        in_a_task(async move {
            asked
                .read(async |client| client.simple_query("").await.map(drop))
                .await
        })
        .await
    }

    /// Whether the database answers and takes writes: one that was demoted answers. Asked as `ping` is.
    pub(crate) async fn takes_writes(&self) -> Result<(), StoreError> {
        let asked = self.clone();
        in_a_task(async move {
            if asked.read(select::is_read_only).await? {
                // A session keeps the setting that it began with; a new one has that of now.
                asked.pool.retain(|_, _| false);
                if asked.read(select::is_read_only).await? {
                    asked.writable.failed();
                    return Err(read_only());
                }
            }
            asked.writable.succeeded();
            Ok(())
        })
        .await
    }

    /// Fails when the database was last heard to take no writes.
    pub(crate) fn took_writes(&self) -> Result<(), StoreError> {
        if self.writable.is_closed() {
            Ok(())
        } else {
            Err(read_only())
        }
    }

    /// Runs one statement that changes nothing. Whatever goes wrong, there is no effect.
    ///
    /// Boxed: the future takes 2 kB, and each request would carry room for it, also one that is answered
    /// from memory or by a batch (NOTES N45).
    pub(crate) async fn read<T>(
        &self,
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error> + Clone,
    ) -> Result<T, StoreError> {
        let answer = Box::pin(self.run(statement)).await;
        answer.map_err(|error| match error {
            StoreError::Unknown(cause) => StoreError::Unavailable(cause),
            error => error,
        })
    }

    /// Runs one statement that changes something, as a transaction of its own. Once it is sent, a
    /// failure means "not known", unless PostgreSQL itself says that it rolled back. A database that
    /// takes no writes is asked once a second: each answer costs a new session.
    pub(crate) async fn write<T>(
        &self,
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error> + Clone,
    ) -> Result<T, StoreError> {
        if !self.writable.allows() {
            return Err(read_only());
        }
        let answer = Box::pin(self.run(statement)).await?;
        self.writable.succeeded();
        Ok(answer)
    }

    /// A session may be older than the schema, or than what the database is to others. Then PostgreSQL
    /// refuses the statement, nothing has happened, and it is run once more in a new session.
    async fn run<T>(
        &self,
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error> + Clone,
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
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let connection = InUse(Some(self.acquire().await?));
        let Some(client) = &connection.0 else {
            return Err(StoreError::Unavailable("a connection was taken twice".into()).into());
        };
        let answer = tokio::time::timeout(self.timeouts.answer, statement(client)).await;
        let failure = match answer {
            Ok(Ok(answer)) => {
                connection.give_back();
                return Ok(answer);
            }
            Ok(Err(error)) => failure(&error),
            Err(_elapsed) => {
                StoreError::Unknown("the database did not answer in time".into()).into()
            }
        };
        if failure.keeps_the_session() {
            connection.give_back();
        }
        Err(failure)
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

fn read_only() -> StoreError {
    StoreError::Unavailable("the database takes no writes".into())
}

async fn in_a_task(
    question: impl Future<Output = Result<(), StoreError>> + Send + 'static,
) -> Result<(), StoreError> {
    let stopped = |_| Err(StoreError::Unavailable("the question was stopped".into()));
    tokio::spawn(question).await.unwrap_or_else(stopped)
}

fn status(pool: &Status) -> PoolStatus {
    PoolStatus {
        limit: pool.max_size,
        idle: pool.available,
        in_use: pool.size.saturating_sub(pool.available),
        waiting: pool.waiting,
    }
}

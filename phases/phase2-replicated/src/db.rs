//! The databases: a pool for each, and one way each to read and to write.
//!
//! The line between "refused, nothing happened" (503) and "not known" (504) runs through this file:
//! it is crossed when a statement is sent.

use crate::Config;
use crate::metrics::PoolMetrics;
use anyhow::Context;
use backon::{ConstantBuilder, Retryable};
use deadpool_postgres::{
    Client, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use signup_domain::StoreError;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio_postgres::error::Severity;
use tokio_postgres::{Error, NoTls};

/// How long a request waits for a connection before it is refused, and how long the answer to a
/// statement is waited for. All that one request can wait for, one after the other, stays under 2 s.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    acquire: Duration,
    answer: Duration,
    /// PostgreSQL gives a statement up before we stop waiting for it, so that "refused" can be said.
    statement: Duration,
}

/// The primary has the last word, so it is waited for.
const PRIMARY: Patience = Patience {
    acquire: Duration::from_millis(250),
    answer: Duration::from_millis(1_000),
    statement: Duration::from_millis(800),
};

/// The replica can be done without, so a slow one is left for the primary.
const REPLICA: Patience = Patience {
    acquire: Duration::from_millis(100),
    answer: Duration::from_millis(250),
    statement: Duration::from_millis(200),
};

/// A statement that waits for a lock this long is given up: nothing here locks anything for long.
const LOCK_TIMEOUT_MS: u32 = 200;

/// At the start, how long a database may take to come up.
const STARTUP_ATTEMPTS: usize = 60;
const STARTUP_PAUSE: Duration = Duration::from_millis(500);

/// How long one connection may take then.
const WARM_UP: Duration = Duration::from_secs(2);

/// One database and the connections to it.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool,
    patience: Patience,
    metrics: PoolMetrics,
}

impl Database {
    /// The pool of the database that takes the writes, not yet connected.
    pub(crate) fn primary(config: &Config, metrics: PoolMetrics) -> anyhow::Result<Self> {
        let options = options(&config.primary_url, config).context("PRIMARY_URL")?;
        Self::new(options, config.primary_connections, PRIMARY, metrics)
    }

    /// The pool of its replica, not yet connected.
    pub(crate) fn replica(config: &Config, metrics: PoolMetrics) -> anyhow::Result<Self> {
        let options = options(&config.replica_url, config).context("REPLICA_URL")?;
        Self::new(options, config.replica_connections, REPLICA, metrics)
    }

    fn new(
        mut options: tokio_postgres::Config,
        connections: usize,
        patience: Patience,
        metrics: PoolMetrics,
    ) -> anyhow::Result<Self> {
        let statement = patience.statement.as_millis();
        options.connect_timeout(patience.acquire).options(format!(
            "-c statement_timeout={statement} -c lock_timeout={LOCK_TIMEOUT_MS} \
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
            .wait_timeout(Some(patience.acquire))
            .create_timeout(Some(patience.acquire))
            .recycle_timeout(Some(patience.acquire))
            .build()?;
        Ok(Self {
            pool,
            patience,
            metrics,
        })
    }

    /// Opens all connections, one after the other. Proving the password costs some ms of CPU a
    /// connection: under a cap that is a delay the first requests would have.
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

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.read(async |client| client.simple_query("").await.map(drop))
            .await
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
        let client = self.acquire().await?;
        let failure = match tokio::time::timeout(self.patience.answer, statement(&client)).await {
            Ok(Ok(answer)) => return Ok(answer),
            // PostgreSQL said no, in good order: the connection is as good as before.
            Ok(Err(error)) if is_refusal(&error) => return Err(outcome(&error)),
            Ok(Err(error)) => outcome(&error),
            Err(_elapsed) => StoreError::Unknown("the database did not answer in time".into()),
        };
        // Broken or behind: out of the pool with it, so that nobody waits for another's answer.
        drop(Object::take(client));
        Err(failure)
    }

    async fn acquire(&self) -> Result<Client, StoreError> {
        let began = Instant::now();
        let client = self.pool.get().await;
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
        client.map_err(|error| StoreError::Unavailable(format!("no connection: {error}")))
    }
}

/// Brings the schema up to date, once the primary is up. Two servers that start together wait for
/// each other here: sqlx holds an advisory lock meanwhile.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<()> {
    let mut options: PgConnectOptions = config.primary_url.parse().context("PRIMARY_URL")?;
    if let Some(file) = &config.database_password_file {
        options = options.password(&signup_service::read_secret(file)?);
    }
    // Statements carry personal data.
    let options = options.disable_statement_logging();
    let connect = async || {
        let once = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(STARTUP_PAUSE);
        once.connect_with(options.clone()).await
    };
    let pause = ConstantBuilder::new()
        .with_delay(STARTUP_PAUSE)
        .with_max_times(STARTUP_ATTEMPTS);
    let pool = connect
        .retry(pause)
        .notify(|error, _| tracing::info!(%error, "waiting for the primary"))
        .await
        .context("cannot connect to the primary")?;
    let migrated = sqlx::migrate!().run(&pool).await;
    pool.close().await;
    migrated.context("cannot bring the primary's schema up to date")
}

fn options(url: &str, config: &Config) -> anyhow::Result<tokio_postgres::Config> {
    let mut options: tokio_postgres::Config = url
        .parse()
        .context("is not postgres://user@host:port/name")?;
    options.application_name("phase2");
    if let Some(file) = &config.database_password_file {
        options.password(password(file)?);
    }
    Ok(options)
}

fn password(file: &Path) -> anyhow::Result<String> {
    signup_service::read_secret(file)
}

fn count(connections: usize) -> i64 {
    i64::try_from(connections).unwrap_or(i64::MAX)
}

/// Whether PostgreSQL refused the statement and kept the session (`FATAL` ends it).
fn is_refusal(error: &Error) -> bool {
    let severity = error
        .as_db_error()
        .and_then(|error| error.parsed_severity());
    severity == Some(Severity::Error)
}

/// What the failure of a statement that was sent says about its effect.
fn outcome(error: &Error) -> StoreError {
    let Some(code) = error.code().map(|state| state.code().to_owned()) else {
        // Broken on the way, there or back.
        return StoreError::Unknown(error.to_string());
    };
    // The message alone: an error's detail quotes the row, and with it personal data.
    let cause = error
        .as_db_error()
        .map_or_else(String::new, |error| error.message().to_owned());
    let cause = format!("{code}: {cause}");
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

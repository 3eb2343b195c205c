//! The database: one pool, and one way each to read and to write.
//!
//! The line between "refused, nothing happened" (503) and "not known" (504) runs through this file:
//! it is crossed when a statement is sent.

use crate::Config;
use anyhow::Context;
use backon::{ConstantBuilder, Retryable};
use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, Pool, QueueMode, RecycleResult};
use signup_domain::StoreError;
use signup_service::PoolMetrics;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgPoolOptions, PgSeverity};
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
const STARTUP_ATTEMPTS: usize = 60;
const STARTUP_PAUSE: Duration = Duration::from_millis(500);

/// The one database.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool<Connector>,
    metrics: PoolMetrics,
}

/// Opens connections for the pool.
///
/// deadpool and not sqlx's own pool, which asks the database for a sign of life after every use: a
/// second round trip a signup, for what the next statement tells anyway (NOTES N5).
struct Connector(PgConnectOptions);

impl managed::Manager for Connector {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<PgConnection> {
        self.0.connect().await
    }

    /// A connection that failed is not given back (`run`), so what comes back is good. One whose
    /// statement was dropped half-way is, too: sqlx reads its answer before the next statement.
    async fn recycle(&self, _: &mut PgConnection, _: &Metrics) -> RecycleResult<sqlx::Error> {
        Ok(())
    }
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
        metrics.limit.set(count(config.database_connections));
        let pool = Pool::builder(Connector(options))
            .max_size(config.database_connections)
            // The one used last is the one whose process is still in the CPU's caches.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(ACQUIRE_TIMEOUT))
            .create_timeout(Some(ACQUIRE_TIMEOUT))
            .build()?;
        Ok(Self { pool, metrics })
    }

    /// Brings the schema up to date, once the database is up.
    pub(crate) async fn migrate(self) -> anyhow::Result<()> {
        let options = &self.pool.manager().0;
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
            .notify(|error, _| tracing::info!(%error, "waiting for the database"))
            .await
            .context("cannot connect to the database")?;
        let migrated = sqlx::migrate!().run(&pool).await;
        pool.close().await;
        migrated.context("cannot bring the database's schema up to date")
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
        let failure = match tokio::time::timeout(ANSWER_TIMEOUT, statement(&mut connection)).await {
            Ok(Ok(answer)) => return Ok(answer),
            // PostgreSQL said no, in good order: the connection is as good as before.
            Ok(Err(error)) if is_refusal(&error) => return Err(outcome(error)),
            Ok(Err(error)) => outcome(error),
            Err(_elapsed) => StoreError::Unknown("the database did not answer in time".into()),
        };
        // Broken or behind: out of the pool with it, so that nobody reads another's answer.
        drop(Object::take(connection));
        Err(failure)
    }

    async fn acquire(&self) -> Result<Object<Connector>, StoreError> {
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

fn count(connections: usize) -> i64 {
    i64::try_from(connections).unwrap_or(i64::MAX)
}

/// Whether PostgreSQL refused the statement and kept the session (`FATAL` ends it).
fn is_refusal(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .is_some_and(|error| error.severity() == PgSeverity::Error)
}

/// What the failure of a statement that was sent says about its effect.
fn outcome(error: sqlx::Error) -> StoreError {
    let cause = error.to_string();
    // Broken on the way, or PostgreSQL ended the session (FATAL) or itself (PANIC), whatever the
    // code says: a disk that is full at the commit is a PANIC after the row was written.
    if matches!(
        error,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed
    ) || error.as_database_error().is_some() && !is_refusal(&error)
    {
        return StoreError::Unknown(cause);
    }
    let code = error.as_database_error().and_then(|error| error.code());
    let code = code.unwrap_or_default();
    // SQLSTATE, PostgreSQL's documentation, appendix A.
    match code.get(..2) {
        // Rolled back, and said so: cancelled by a timeout, deadlocked, out of disk or memory.
        _ if code == "57014" || code == "55P03" => StoreError::Unavailable(cause),
        Some("40" | "53") => StoreError::Unavailable(cause),
        Some("57" | "08") => StoreError::Unknown(cause),
        _ => StoreError::Internal(cause),
    }
}

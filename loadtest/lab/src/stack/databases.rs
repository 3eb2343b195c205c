//! The databases of a phase, read directly: not through the service that is being judged.

mod batch_insert;
mod durability;
mod replicas;
mod rows;
mod shards;

use super::phases::{DatabaseAddress, Phase};
use super::project::Project;
use futures::StreamExt;
use futures::stream::select_all;
pub use rows::Found;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};
use std::time::{Duration, Instant};

/// A database at rest answers faster than this.
const PROMPT: Duration = Duration::from_millis(500);

/// A login takes milliseconds, and longer in a database that is just starting.
const LOGIN: Duration = Duration::from_secs(2);

/// PostgreSQL's code for a password that is not the one it was initialised with.
const INVALID_PASSWORD: &str = "28P01";

/// The databases of a phase.
pub struct Databases {
    /// One connection each, opened before the load: opening one costs PostgreSQL a process, which
    /// must not be counted as the cost of a signup.
    all: Vec<(DatabaseAddress, PgPool)>,
}

impl Databases {
    /// The databases of `phase`, as their operator; the password is a secret of the `project`.
    ///
    /// # Errors
    /// When the secret cannot be read.
    pub fn new(phase: Phase, project: &Project) -> anyhow::Result<Self> {
        let password = project.secret("database_password")?;
        let options = PgConnectOptions::new()
            .host("127.0.0.1")
            .username("signup")
            .database("signup")
            .password(&password)
            .application_name("lab")
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(10));
        let connect = |address: &DatabaseAddress| {
            (
                *address,
                pool.clone()
                    .connect_lazy_with(options.clone().port(address.port)),
            )
        };
        Ok(Self {
            all: phase.databases.iter().map(connect).collect(),
        })
    }

    /// What is still at work in a database, in words; `None` when nothing is. A database that does not
    /// answer is taken to be at work: it may be starting, or recovering.
    pub async fn at_work(&self) -> Option<String> {
        for (address, pool) in &self.all {
            let asked = Instant::now();
            match active_statements(pool).await {
                // Slower, and the pool had to wait until it could be reached at all.
                Ok(0) if asked.elapsed() < PROMPT => {}
                Ok(active) => {
                    return Some(format!("{active} statements run in {}", address.service));
                }
                Err(error) => return Some(format!("{}: {error}", address.unreachable())),
            }
        }
        None
    }

    /// The service of a database that refuses the password, if one does: whatever else is wrong with it
    /// may pass.
    pub async fn refuses_password(&self) -> Option<&'static str> {
        for (address, pool) in &self.all {
            let options = pool.connect_options();
            let connected = tokio::time::timeout(LOGIN, options.connect()).await;
            let refused = |error: &sqlx::Error| {
                let code = error.as_database_error().and_then(|error| error.code());
                code.is_some_and(|code| code == INVALID_PASSWORD)
            };
            if connected.is_ok_and(|connected| connected.as_ref().err().is_some_and(refused)) {
                return Some(address.service);
            }
        }
        None
    }

    /// Signups that are recorded by now, as the databases count them themselves; `None` when one
    /// cannot say.
    pub async fn recorded(&self) -> Option<u64> {
        let mut sum = 0;
        for (address, pool) in &self.all {
            if address.role.owns() {
                let counted = "SELECT coalesce(sum(signups), 0)::bigint FROM event_counts";
                let counted: i64 = sqlx::query_scalar(counted).fetch_one(pool).await.ok()?;
                sum += u64::try_from(counted).ok()?;
            }
        }
        Some(sum)
    }

    /// Shows every row of every database to `found`; `timed` with the time of its commit. Returns what is
    /// wrong with the map of the shards, if anything is.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn read(
        &self,
        timed: bool,
        mut found: impl FnMut(Found),
    ) -> anyhow::Result<Vec<String>> {
        let maps = self.shard_maps().await?;
        // All at once: each waits for its own cap.
        let all = self.all.iter();
        let mut rows = select_all(all.map(|(address, pool)| rows::stream(address, pool, timed)));
        while let Some(row) = rows.next().await {
            let mut row = row?;
            row.misrouted = !maps.names(row.role, row.row.id);
            found(row);
        }
        Ok(maps.complaints())
    }

    /// Whether the phase has a copy of a database.
    #[must_use]
    pub fn have_replicas(&self) -> bool {
        self.all.iter().any(|(address, _)| !address.role.owns())
    }
}

/// Statements of the service that run in a database right now.
async fn active_statements(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE usename IN ('signup_owner', 'signup_server')
           AND backend_type = 'client backend' AND state <> 'idle'",
    )
    .fetch_one(pool)
    .await
}

//! The databases of a phase, read directly: not through the service that is being judged.

mod durability;

use crate::ledger::{Book, Row};
use crate::phases::{DatabaseAddress, Phase, Role};
use anyhow::Context;
pub use durability::CLAIMED_DURABILITY;
use futures::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool, Row as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the databases must be without a statement to count as idle.
const QUIET: Duration = Duration::from_secs(1);

/// A database at rest answers faster than this.
const PROMPT: Duration = Duration::from_millis(500);

/// How long to wait for that, also for a database that is being made, or was killed and recovers.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(120);

/// How long a replica may take, once nothing is written any more, to replay what was. It replays a
/// signup in a fraction of what the primary takes to make it, so this is far over what one needs
/// that was not away.
pub const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(60);

/// How often it is asked.
const CATCH_UP_STEP: Duration = Duration::from_millis(20);

/// The databases of a phase.
pub struct Databases {
    /// One connection each, opened before the load: opening one costs PostgreSQL a process, which
    /// must not be counted as the cost of a signup.
    all: Vec<(DatabaseAddress, PgPool)>,
}

/// How the replicas of a phase caught up.
#[derive(Debug, Clone, Default)]
pub struct CatchUp {
    /// How long the slowest took; `None` where there is none.
    pub took: Option<Duration>,
    /// Those that did not, within [`CATCH_UP_TIMEOUT`], and where they were left.
    pub behind: Vec<String>,
}

impl Databases {
    /// The databases of `phase`; `root` is the project's folder, where the password is.
    ///
    /// # Errors
    /// When the secret cannot be read.
    pub fn new(phase: Phase, root: &Path) -> anyhow::Result<Self> {
        let file = root.join("compose/secrets/database_password");
        let password = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}: run `make setup`", file.display()))?;
        let options = PgConnectOptions::new()
            .host("127.0.0.1")
            .username("signup")
            .database("signup")
            .password(password.trim_end())
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

    /// Waits until no statement runs any more, and says how long the last one ran past the call. A
    /// database that does not answer is taken to be at work: it may be starting, or recovering.
    ///
    /// # Errors
    /// When a database never comes to rest.
    pub async fn wait_until_idle(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let mut last_active = began;
        while last_active.elapsed() < QUIET {
            for (address, pool) in &self.all {
                let asked = Instant::now();
                let why = match active_statements(pool).await {
                    // Slower, and the pool had to wait until it could be reached at all.
                    Ok(0) if asked.elapsed() < PROMPT => continue,
                    Ok(active) => anyhow::anyhow!("{active} statements run there"),
                    Err(error) => anyhow::Error::new(error).context(unreachable(address)),
                };
                last_active = Instant::now();
                if began.elapsed() > DRAIN_TIMEOUT {
                    let service = address.service;
                    return Err(why).context(format!("{service} did not come to rest"));
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(last_active - began)
    }

    /// Waits until every replica has replayed what its owner has flushed by now, which is all that
    /// was ever acknowledged.
    ///
    /// # Errors
    /// When an owner does not answer. A replica that does not is behind.
    pub async fn wait_for_replicas(&self) -> anyhow::Result<CatchUp> {
        let mut caught_up = CatchUp::default();
        let began = Instant::now();
        for (replica, pool) in &self.all {
            let Role::Replica { of } = replica.role else {
                continue;
            };
            let owner = self.all.iter().find(|(owner, _)| owner.service == of);
            let (address, owner) = owner.with_context(|| format!("no database {of}"))?;
            let position: String = sqlx::query_scalar("SELECT pg_current_wal_flush_lsn()::text")
                .fetch_one(owner)
                .await
                .with_context(|| unreachable(address))?;
            let behind = loop {
                let Err(behind) = has_replayed(pool, &position).await else {
                    break None;
                };
                if began.elapsed() > CATCH_UP_TIMEOUT {
                    break Some(behind);
                }
                tokio::time::sleep(CATCH_UP_STEP).await;
            };
            caught_up.took = Some(began.elapsed());
            caught_up
                .behind
                .extend(behind.map(|why| format!("{} {why}", replica.service)));
        }
        Ok(caught_up)
    }

    /// Shows every row of every database to the ledger, those of the replicas on a page of their own.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn read_into(&self, book: &mut Book) -> anyhow::Result<()> {
        let mut page = book.replica_page();
        let mut replicated = false;
        for (address, pool) in &self.all {
            let mut rows = sqlx::query("SELECT id, email, name FROM signups").fetch(pool);
            while let Some(row) = rows
                .try_next()
                .await
                .with_context(|| unreachable(address))?
            {
                let row = Row {
                    id: row.try_get("id")?,
                    email: row.try_get("email")?,
                    name: row.try_get("name")?,
                };
                match address.role {
                    Role::Owner | Role::Shard { .. } => book.found(&row),
                    Role::Replica { .. } => page.found(&row),
                }
            }
            replicated |= !address.role.owns();
        }
        if replicated {
            book.compare(&page);
        }
        Ok(())
    }
}

/// Statements of the service that run in a database right now.
async fn active_statements(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE usename = current_user AND pid <> pg_backend_pid()
           AND backend_type = 'client backend' AND state <> 'idle'",
    )
    .fetch_one(pool)
    .await
}

/// Whether a replica has replayed all up to `position`; otherwise where it is.
async fn has_replayed(replica: &PgPool, position: &str) -> Result<(), String> {
    let replayed: sqlx::Result<(bool, Option<String>)> = sqlx::query_as(
        "SELECT pg_is_in_recovery() AND (pg_last_wal_replay_lsn() >= $1::text::pg_lsn) IS TRUE,
                pg_last_wal_replay_lsn()::text",
    )
    .bind(position)
    .fetch_one(replica)
    .await;
    match replayed {
        Ok((true, _)) => Ok(()),
        Ok((false, at)) => {
            let at = at.as_deref().unwrap_or("nothing");
            Err(format!("has replayed {at} of {position}"))
        }
        Err(error) => Err(format!("does not answer: {error}")),
    }
}

fn unreachable(address: &DatabaseAddress) -> String {
    format!(
        "cannot read {} on 127.0.0.1:{}",
        address.service, address.port
    )
}

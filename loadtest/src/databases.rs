//! The databases of a phase, read directly: not through the service that is being judged.

mod batch_insert;
mod durability;
mod replicas;
mod rows;
mod shards;

use crate::ledger::Book;
use crate::phases::{DatabaseAddress, Phase, Role};
use crate::recording::Recording;
use anyhow::Context;
pub use durability::CLAIMED_DURABILITY;
use futures::StreamExt;
use futures::stream::select_all;
pub use replicas::{CATCH_UP_TIMEOUT, CatchUp};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};
use std::path::Path;
use std::time::{Duration, Instant};

/// A database at rest answers faster than this.
const PROMPT: Duration = Duration::from_millis(500);

/// The databases of a phase.
pub struct Databases {
    /// One connection each, opened before the load: opening one costs PostgreSQL a process, which
    /// must not be counted as the cost of a signup.
    all: Vec<(DatabaseAddress, PgPool)>,
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
                Err(error) => return Some(format!("{}: {error}", unreachable(address))),
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

    /// Shows every row of every database to the ledger, those of the replicas on a page of their own,
    /// and, where there is one, the time of its commit to the `recording`. Returns what is wrong with
    /// the map of the shards, if anything is.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn read_into(
        &self,
        book: &mut Book,
        mut recording: Option<&mut Recording>,
    ) -> anyhow::Result<Vec<String>> {
        let maps = self.shard_maps().await?;
        let mut page = book.replica_page();
        // All at once: each waits for its own cap.
        let timed = recording.is_some();
        let all = self.all.iter();
        let mut rows = select_all(all.map(|(address, pool)| rows::stream(address, pool, timed)));
        while let Some(found) = rows.next().await {
            let (role, row, committed) = found?;
            match role {
                Role::Owner | Role::Shard { .. } => {
                    if !maps.names(role, row.id) {
                        book.misrouted();
                    }
                    let whose = book.found(&row);
                    if let (Some(recording), Some(number), Some(at)) =
                        (recording.as_deref_mut(), whose, committed)
                    {
                        recording.committed(number, at);
                    }
                }
                Role::Replica { .. } => page.found(&row),
            }
        }
        if self.all.iter().any(|(address, _)| !address.role.owns()) {
            book.compare(&page);
        }
        Ok(maps.complaints())
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

fn unreachable(address: &DatabaseAddress) -> String {
    format!(
        "cannot read {} on 127.0.0.1:{}",
        address.service, address.port
    )
}

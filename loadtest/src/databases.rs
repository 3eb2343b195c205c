//! The databases of a phase, read directly: not through the service that is being judged.

mod durability;
mod replicas;

use crate::ledger::{Book, Row};
use crate::phases::{DatabaseAddress, Phase, Role};
use anyhow::Context;
pub use durability::CLAIMED_DURABILITY;
use futures::TryStreamExt;
pub use replicas::{CATCH_UP_TIMEOUT, CatchUp};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool, Row as _};
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

fn unreachable(address: &DatabaseAddress) -> String {
    format!(
        "cannot read {} on 127.0.0.1:{}",
        address.service, address.port
    )
}

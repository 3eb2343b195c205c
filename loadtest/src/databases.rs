//! The databases of a phase, read directly: not through the service that is being judged.

use crate::ledger::{Book, Row};
use crate::phases::{DatabaseAddress, Phase};
use anyhow::{Context, ensure};
use futures::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool, Row as _};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Settings that decide whether a commit survives a power cut, with the value every published
/// number claims.
pub const CLAIMED_DURABILITY: [(&str, &str); 3] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
];

/// Read and recorded, without a claim.
const ALSO_RECORDED: [&str; 3] = ["server_version", "wal_sync_method", "wal_level"];

/// How long the databases must be without a statement to count as idle.
const QUIET: Duration = Duration::from_secs(1);

/// How long to wait for that.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(120);

/// The databases that own the signups of a phase.
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

    /// Reads back from the running servers how safe a commit is: `service.setting` → value.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn durability(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut settings = BTreeMap::new();
        for (address, pool) in &self.all {
            let claimed = CLAIMED_DURABILITY.iter().map(|(name, _)| *name);
            for name in claimed.chain(ALSO_RECORDED) {
                let value: String = sqlx::query_scalar("SELECT current_setting($1)")
                    .bind(name)
                    .fetch_one(pool)
                    .await
                    .with_context(|| unreachable(address))?;
                settings.insert(format!("{}.{name}", address.service), value);
            }
        }
        Ok(settings)
    }

    /// Waits until no statement runs any more, and says how long the last one ran past the call.
    ///
    /// # Errors
    /// When a database does not answer, or never comes to rest.
    pub async fn wait_until_idle(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let mut last_active = began;
        while last_active.elapsed() < QUIET {
            ensure!(
                began.elapsed() < DRAIN_TIMEOUT,
                "the databases did not come to rest"
            );
            for (address, pool) in &self.all {
                let active: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM pg_stat_activity
                     WHERE usename = current_user AND pid <> pg_backend_pid()
                       AND backend_type = 'client backend' AND state <> 'idle'",
                )
                .fetch_one(pool)
                .await
                .with_context(|| unreachable(address))?;
                if active > 0 {
                    last_active = Instant::now();
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(last_active - began)
    }

    /// Shows every row of every database to the ledger.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn read_into(&self, book: &mut Book) -> anyhow::Result<()> {
        for (address, pool) in &self.all {
            let mut rows = sqlx::query("SELECT id, email, name FROM signups").fetch(pool);
            while let Some(row) = rows
                .try_next()
                .await
                .with_context(|| unreachable(address))?
            {
                book.found(&Row {
                    id: row.try_get("id")?,
                    email: row.try_get("email")?,
                    name: row.try_get("name")?,
                });
            }
        }
        Ok(())
    }
}

fn unreachable(address: &DatabaseAddress) -> String {
    format!(
        "cannot read {} on 127.0.0.1:{}",
        address.service, address.port
    )
}

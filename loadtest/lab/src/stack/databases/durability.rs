//! How safe a commit is, as the running servers say.

use super::Databases;
use anyhow::Context;
use lab_truth::verdict::claims::{OF_A_ROLE, OF_DATABASES};
use sqlx::PgPool;
use std::collections::BTreeMap;

/// Read and recorded, without a claim.
const ALSO_RECORDED: [&str; 5] = [
    "server_version",
    "synchronous_standby_names",
    "track_commit_timestamp",
    "wal_level",
    "wal_sync_method",
];

impl Databases {
    /// Reads back from the running servers how safe a commit is: `service.setting` → value.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn durability(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut settings = BTreeMap::new();
        for (address, pool) in &self.all {
            let of_a_role = set_for_role_or_database(pool)
                .await
                .with_context(|| address.unreachable())?;
            settings.insert(format!("{}.{OF_A_ROLE}", address.service), of_a_role);
            for name in claimed_settings().chain(ALSO_RECORDED) {
                let value: String = sqlx::query_scalar("SELECT current_setting($1)")
                    .bind(name)
                    .fetch_one(pool)
                    .await
                    .with_context(|| address.unreachable())?;
                settings.insert(format!("{}.{name}", address.service), value);
            }
        }
        Ok(settings)
    }
}

/// The claimed settings that PostgreSQL itself knows.
fn claimed_settings() -> impl Iterator<Item = &'static str> {
    let names = OF_DATABASES.iter().map(|(name, _)| *name);
    names.filter(|name| *name != OF_A_ROLE)
}

/// Claimed settings that a role, a database, or a role in a database has of its own; `none`.
async fn set_for_role_or_database(pool: &PgPool) -> sqlx::Result<String> {
    let names: Vec<&str> = claimed_settings().collect();
    sqlx::query_scalar(
        "SELECT coalesce(string_agg(DISTINCT setting, ', '), 'none')
         FROM pg_db_role_setting, unnest(setconfig) AS setting
         WHERE lower(split_part(setting, '=', 1)) = ANY($1)",
    )
    .bind(names)
    .fetch_one(pool)
    .await
}

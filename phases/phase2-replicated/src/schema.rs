//! The schema of the primary, brought up to date at the start. The replica gets it as it gets all else.

use crate::config::Config;
use anyhow::Context;
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};
use std::time::Duration;

/// How long an attempt to connect may take: a primary that is well takes some ms, and as much longer as
/// its CPU cap has it wait.
const CONNECT: Duration = Duration::from_secs(2);

/// Brings the schema up to date, if the primary is there.
pub(crate) async fn prepare(config: &Config) -> anyhow::Result<()> {
    let primary = connect(&config.primary_url, config).await?;
    let migrated = migrate(&primary).await;
    primary.close().await;
    migrated
}

/// Whether what kept the primary from being prepared may pass by itself: it is away, or in trouble.
pub(crate) fn may_pass(error: &anyhow::Error) -> bool {
    let migration = error.downcast_ref();
    let other_schema = migration.is_some_and(|error: &MigrateError| {
        !matches!(
            error,
            MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)
        )
    });
    !other_schema
}

/// Connects as the owner of the schema.
async fn connect(url: &str, config: &Config) -> anyhow::Result<PgPool> {
    let mut options: PgConnectOptions = url.parse().context("PRIMARY_URL")?;
    let mut password_file = &config.database_password_file;
    if let Some(user) = &config.schema_user {
        options = options.username(user);
        password_file = &config.schema_password_file;
    }
    if let Some(file) = password_file {
        options = options.password(&signup_service::read_secret(file)?);
    }
    // Statements carry personal data.
    let options = options.disable_statement_logging();
    let once = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECT);
    let connected = once.connect_with(options).await;
    connected.context("cannot connect to the primary")
}

/// Two servers that start together wait for each other here: sqlx holds an advisory lock meanwhile.
async fn migrate(primary: &PgPool) -> anyhow::Result<()> {
    let migrated = sqlx::migrate!().run(primary).await;
    migrated.context("cannot bring the primary's schema up to date")
}

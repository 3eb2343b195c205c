//! The schema of the database, brought up to date at the start.

use crate::config::Config;
use anyhow::Context;
use backon::{ConstantBuilder, Retryable};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};
use std::time::Duration;

/// At the start, how long the database may take to come up.
const STARTUP_ATTEMPTS: usize = 60;
const STARTUP_PAUSE: Duration = Duration::from_millis(500);

/// Brings the schema up to date, once the database is up.
pub(crate) async fn prepare(config: &Config) -> anyhow::Result<()> {
    let primary = connect(&config.database_url, config).await?;
    let migrated = migrate(&primary).await;
    primary.close().await;
    migrated
}

/// Connects as the owner of the schema, once the database is up.
async fn connect(url: &str, config: &Config) -> anyhow::Result<PgPool> {
    let mut options: PgConnectOptions = url.parse().context("DATABASE_URL")?;
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
    let connect = async || {
        let once = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(STARTUP_PAUSE);
        once.connect_with(options.clone()).await
    };
    let pause = ConstantBuilder::new()
        .with_delay(STARTUP_PAUSE)
        .with_max_times(STARTUP_ATTEMPTS);
    connect
        .retry(pause)
        .notify(|error, _| tracing::info!(%error, "waiting for the database"))
        .await
        .context("cannot connect to the database")
}

/// sqlx holds an advisory lock meanwhile.
async fn migrate(primary: &PgPool) -> anyhow::Result<()> {
    let migrated = sqlx::migrate!().run(primary).await;
    migrated.context("cannot bring the database's schema up to date")
}

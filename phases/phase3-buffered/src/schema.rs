//! What every shard must hold before anything is served: the schema, the map, and the event that is
//! there from the start. Whoever starts first makes it; everybody checks it.

use crate::buckets::ShardMap;
use crate::config::{PartsConfig, ShardsConfig};
use crate::map;
use anyhow::{Context, ensure};
use backon::{ConstantBuilder, Retryable};
use signup_domain::LAUNCH_DAY;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};
use std::time::Duration;

/// At the start, how long a shard may take to come up.
const STARTUP_ATTEMPTS: usize = 60;
const STARTUP_PAUSE: Duration = Duration::from_millis(500);

/// Brings every shard up to date, and returns the map they hold.
///
/// # Errors
/// When a shard cannot be reached or migrated; when one is another than its place in the list says,
/// or has another map than the first: signups written by it would be lost to every reader.
pub(crate) async fn prepare(parts: &PartsConfig) -> anyhow::Result<ShardMap> {
    let count = parts.shards.shard_urls.len();
    let mut first: Option<(ShardMap, Vec<u8>)> = None;
    for (number, url) in parts.shards.shard_urls.iter().enumerate() {
        let shard = connect(url, &parts.shards).await?;
        migrate(&shard, number).await?;
        // A shard that is new among others gets their map, which does not name it yet.
        let others = first.as_ref().map(|(map, _)| map.clone());
        let others = others.unwrap_or_else(|| ShardMap::first(count));
        let map = map::claim(&shard, number, &others).await?;
        ensure!(
            map.shards() <= count,
            "the map of shard {number} (version {}) names more than the {count} shards of SHARD_URLS",
            map.version
        );
        let salt = first.as_ref().map(|(_, salt)| salt.as_slice());
        let salt = launch_day(&shard, salt).await?;
        match &first {
            None => first = Some((map, salt)),
            Some((others, salts)) => {
                ensure!(
                    *others == map,
                    "shard {number} has another map (version {}) than shard 0 (version {})",
                    map.version,
                    others.version
                );
                ensure!(*salts == salt, "shard {number} has another launch day");
            }
        }
        shard.close().await;
    }
    first.map(|(map, _)| map).context("SHARD_URLS is empty")
}

/// Connects to a shard as the owner of its schema, once it is up.
pub(crate) async fn connect(url: &str, config: &ShardsConfig) -> anyhow::Result<PgPool> {
    let mut options: PgConnectOptions = url.parse().context("SHARD_URLS")?;
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
        .notify(|error, _| tracing::info!(%error, "waiting for a shard"))
        .await
        .context("cannot connect to a shard")
}

/// Brings the schema of a shard up to date.
pub(crate) async fn migrate(shard: &PgPool, number: usize) -> anyhow::Result<()> {
    let migrated = sqlx::migrate!().run(shard).await;
    migrated.with_context(|| format!("cannot bring the schema of shard {number} up to date"))
}

/// Makes launch day, with this salt or one drawn here, and returns the salt that it has.
async fn launch_day(shard: &PgPool, salt: Option<&[u8]>) -> anyhow::Result<Vec<u8>> {
    let mut drawn = [0; 32];
    getrandom::fill(&mut drawn).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    sqlx::query("INSERT INTO events (id, name, salt) VALUES ($1, 'Launch day', $2) ON CONFLICT (id) DO NOTHING")
        .bind(LAUNCH_DAY.as_uuid())
        .bind(salt.unwrap_or(&drawn))
        .execute(shard)
        .await?;
    let salt =
        sqlx::query_scalar("SELECT salt FROM events WHERE id = $1").bind(LAUNCH_DAY.as_uuid());
    Ok(salt.fetch_one(shard).await?)
}

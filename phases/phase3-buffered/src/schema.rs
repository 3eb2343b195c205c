//! What every shard must hold before anything is asked of it: the schema, the map, and the event that is
//! there from the start. Whoever comes first makes it; everybody checks it.

use crate::buckets::ShardMap;
use crate::config::{PartsConfig, ShardsConfig};
use crate::map::{self, Disagreement};
use anyhow::{Context, ensure};
use backon::{ConstantBuilder, Retryable};
use signup_domain::LAUNCH_DAY;
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Error, PgPool};
use std::time::Duration;

/// For `reshard`, how long a shard may take to come up.
const STARTUP_ATTEMPTS: usize = 60;
const STARTUP_PAUSE: Duration = Duration::from_millis(500);

/// How long one attempt to connect may take. A shard that is well takes some ms, and as much longer as
/// its CPU cap has it wait.
const CONNECT: Duration = Duration::from_secs(2);

/// What all shards must hold, as one of them does.
pub(crate) struct Agreed {
    shard: usize,
    pub(crate) map: ShardMap,
    /// Of launch day.
    salt: Vec<u8>,
}

/// Brings a shard up to date, if it is there, and returns what it holds; `agreed` is what others do.
///
/// # Errors
/// When it cannot be reached or migrated; when it is another than its place in the list says, or holds
/// another map than the others: signups written by it would be lost to every reader.
pub(crate) async fn prepare(
    parts: &PartsConfig,
    number: usize,
    agreed: Option<&Agreed>,
) -> anyhow::Result<Agreed> {
    let count = usize::from(parts.shards.count()?);
    let options = options(&parts.shards.shard_urls[number], &parts.shards)?;
    let shard = connect_once(&options, CONNECT).await?;
    migrate(&shard, number).await?;
    // A shard that is new among others gets what they hold; the first of all makes it.
    let others = match agreed {
        Some(agreed) => agreed.map.clone(),
        None if number > 0 && map::read(&shard, number).await?.is_none() => {
            anyhow::bail!("an empty shard, and none to get the map from")
        }
        None => ShardMap::first(count),
    };
    let map = map::claim(&shard, number, &others).await?;
    ensure!(
        map.shards() <= count,
        Disagreement(format!(
            "the map of shard {number} (version {}) names more than the {count} shards of SHARD_URLS",
            map.version
        ))
    );
    let salt = launch_day(&shard, number, agreed).await?;
    shard.close().await;
    let holds = Agreed {
        shard: number,
        map,
        salt,
    };
    if let Some(others) = agreed {
        check(&holds, others)?;
    }
    Ok(holds)
}

fn check(holds: &Agreed, others: &Agreed) -> Result<(), Disagreement> {
    let (one, other) = (holds.shard, others.shard);
    let (version, others_version) = (holds.map.version, others.map.version);
    if holds.map != others.map {
        return Err(Disagreement(format!(
            "shard {one} has another map (version {version}) than shard {other} (version {others_version})"
        )));
    }
    if holds.salt != others.salt {
        return Err(Disagreement(format!(
            "shard {one} has another launch day than shard {other}"
        )));
    }
    Ok(())
}

/// Whether what kept a shard from being prepared may pass by itself: it is away, or in trouble.
pub(crate) fn may_pass(error: &anyhow::Error) -> bool {
    let migration = error.downcast_ref();
    let other_schema = migration.is_some_and(|error: &MigrateError| {
        !matches!(
            error,
            MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)
        )
    });
    !other_schema && !error.is::<Disagreement>()
}

/// Connects to a shard as the owner of its schema, once it is up.
pub(crate) async fn connect(url: &str, config: &ShardsConfig) -> anyhow::Result<PgPool> {
    let options = options(url, config)?;
    let connect = async || connect_once(&options, STARTUP_PAUSE).await;
    let pause = ConstantBuilder::new()
        .with_delay(STARTUP_PAUSE)
        .with_max_times(STARTUP_ATTEMPTS);
    connect
        .retry(pause)
        .notify(|error, _| tracing::info!(%error, "waiting for a shard"))
        .await
        .context("cannot connect to a shard")
}

async fn connect_once(options: &PgConnectOptions, within: Duration) -> Result<PgPool, Error> {
    let once = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(within);
    once.connect_with(options.clone()).await
}

fn options(url: &str, config: &ShardsConfig) -> anyhow::Result<PgConnectOptions> {
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
    Ok(options.disable_statement_logging())
}

/// Brings the schema of a shard up to date.
pub(crate) async fn migrate(shard: &PgPool, number: usize) -> anyhow::Result<()> {
    let migrated = sqlx::migrate!().run(shard).await;
    migrated.with_context(|| format!("cannot bring the schema of shard {number} up to date"))
}

/// Makes launch day where there is none, and returns the salt that it has. The first shard draws it, and
/// the others get it from one that has it: two programs at once then make the same.
async fn launch_day(
    shard: &PgPool,
    number: usize,
    agreed: Option<&Agreed>,
) -> anyhow::Result<Vec<u8>> {
    if let Some(salt) = salt(shard).await? {
        return Ok(salt);
    }
    let new = match agreed {
        Some(agreed) if number > 0 => agreed.salt.clone(),
        None if number > 0 => anyhow::bail!("an empty shard, and none to get launch day from"),
        _ => draw()?,
    };
    sqlx::query("INSERT INTO events (id, name, salt) VALUES ($1, 'Launch day', $2) ON CONFLICT (id) DO NOTHING")
        .bind(LAUNCH_DAY.as_uuid())
        .bind(new)
        .execute(shard)
        .await?;
    // Another program's, if that was first.
    salt(shard).await?.context("launch day was removed")
}

async fn salt(shard: &PgPool) -> Result<Option<Vec<u8>>, Error> {
    sqlx::query_scalar("SELECT salt FROM events WHERE id = $1")
        .bind(LAUNCH_DAY.as_uuid())
        .fetch_optional(shard)
        .await
}

fn draw() -> anyhow::Result<Vec<u8>> {
    let mut drawn = vec![0; 32];
    let filled = getrandom::fill(&mut drawn);
    filled.map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(drawn)
}

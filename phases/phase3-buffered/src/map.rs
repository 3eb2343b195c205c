//! The map of the shards as each of them holds it: claimed by the first program that comes, read by all,
//! written by `reshard`.

use crate::buckets::ShardMap;
use anyhow::{Context, ensure};
use sqlx::{PgExecutor, PgPool};
use thiserror::Error;

/// Shards that cannot be served together. It does not pass by itself: an operator must look.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Disagreement(pub(crate) String);

/// The map of a shard; an empty one gets `first`.
pub(crate) async fn claim(
    shard: &PgPool,
    number: usize,
    first: &ShardMap,
) -> anyhow::Result<ShardMap> {
    if let Some(map) = read(shard, number).await? {
        return Ok(map);
    }
    sqlx::query(
        "INSERT INTO shard_map (version, shard, owners) VALUES ($1, $2, $3)
         ON CONFLICT (one) DO NOTHING",
    )
    .bind(i32::try_from(first.version)?)
    .bind(i16::try_from(number)?)
    .bind(stored(&first.owners)?)
    .execute(shard)
    .await?;
    // Another program's, if that was first.
    let map = read(shard, number).await?;
    map.context("the map of a shard was removed")
}

/// The map of a shard, if it has one.
pub(crate) async fn read(
    shard: impl PgExecutor<'_>,
    number: usize,
) -> anyhow::Result<Option<ShardMap>> {
    let row: Option<(i32, i16, Vec<i16>)> =
        sqlx::query_as("SELECT version, shard, owners FROM shard_map")
            .fetch_optional(shard)
            .await?;
    let Some((version, holds, owners)) = row else {
        return Ok(None);
    };
    ensure!(
        usize::try_from(holds)? == number,
        Disagreement(format!("SHARD_URLS names shard {holds} in place {number}"))
    );
    Ok(Some(ShardMap::stored(version, owners)?))
}

/// Gives a shard this map, whatever it had.
pub(crate) async fn write(
    shard: impl PgExecutor<'_>,
    number: usize,
    map: &ShardMap,
) -> anyhow::Result<()> {
    sqlx::query(
        "INSERT INTO shard_map (version, shard, owners) VALUES ($1, $2, $3)
         ON CONFLICT (one) DO UPDATE SET version = excluded.version, owners = excluded.owners",
    )
    .bind(i32::try_from(map.version)?)
    .bind(i16::try_from(number)?)
    .bind(stored(&map.owners)?)
    .execute(shard)
    .await?;
    Ok(())
}

fn stored(owners: &[u16]) -> anyhow::Result<Vec<i16>> {
    let owners = owners.iter().map(|owner| i16::try_from(*owner));
    Ok(owners.collect::<Result<_, _>>()?)
}

//! The map of the shards as each of them holds it: claimed by the first program that comes, read by all,
//! written by `reshard`.

use crate::shards::ShardMap;
use anyhow::{Context, ensure};
use sqlx::PgPool;

/// The map of a shard; an empty one gets the first map of so many shards.
pub(crate) async fn claim(shard: &PgPool, number: usize, count: usize) -> anyhow::Result<ShardMap> {
    if let Some(map) = read(shard, number).await? {
        return Ok(map);
    }
    let first = ShardMap::first(count);
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
pub(crate) async fn read(shard: &PgPool, number: usize) -> anyhow::Result<Option<ShardMap>> {
    let row: Option<(i32, i16, Vec<i16>)> =
        sqlx::query_as("SELECT version, shard, owners FROM shard_map")
            .fetch_optional(shard)
            .await?;
    let Some((version, holds, owners)) = row else {
        return Ok(None);
    };
    ensure!(
        usize::try_from(holds)? == number,
        "SHARD_URLS names shard {holds} in place {number}"
    );
    let owners = owners.into_iter().map(u16::try_from);
    Ok(Some(ShardMap {
        version: u32::try_from(version)?,
        owners: owners.collect::<Result<_, _>>()?,
    }))
}

/// Gives a shard this map, whatever it had.
pub(crate) async fn write(shard: &PgPool, number: usize, map: &ShardMap) -> anyhow::Result<()> {
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

//! Adding shards: moves the signups of some buckets to new shards, under the next version of the map.
//!
//! The procedure, with nobody signing up meanwhile:
//!
//! 1. Stop the gateways. Let the writer empty the queues, and stop it: a message that is still queued
//!    was addressed by the old map, and would become a dead letter.
//! 2. Start the new shards, empty.
//! 3. Run `phase3-reshard` with all shards, the old ones first. It copies, compares, switches the map of
//!    every shard, and then removes what has moved. Whenever it is broken off, run it again: until the
//!    last map is switched no service starts, and nothing is removed before that.
//! 4. Start writer and gateways with the new list of shards.

use crate::config::ReshardConfig;
use crate::map;
use crate::schema;
use crate::shards::{BUCKETS, ShardMap};
use anyhow::{Context, ensure};
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt;
use uuid::Uuid;

/// A shard with its map, if it has one yet.
struct Member {
    pool: PgPool,
    map: Option<ShardMap>,
}

/// Moves what the next map gives to other shards; returns how many signups were moved.
///
/// # Errors
/// When a shard does not answer, when the old shards hold different maps that this program did not
/// leave behind, or when a copy differs from its original: then nothing is removed.
pub async fn reshard(config: &ReshardConfig) -> anyhow::Result<u64> {
    let mut members = Vec::new();
    for (number, url) in config.shard_urls.iter().enumerate() {
        let pool = schema::connect(url, config.database_password_file.as_deref()).await?;
        schema::migrate(&pool, number).await?;
        let map = map::read(&pool, number).await?;
        members.push(Member { pool, map });
    }
    let (old, new) = maps(&members)?;
    let mut moved = 0;
    copy_events(&members).await?;
    for bucket in 0..BUCKETS {
        let (from, to) = (old.owners[bucket], new.owners[bucket]);
        if from != to {
            let (from, to) = (&members[usize::from(from)], &members[usize::from(to)]);
            // Removed already where the map was switched by a run before.
            if from.map.as_ref() != Some(&new) {
                moved += copy(&from.pool, &to.pool, bucket).await?;
            }
        }
    }
    // New shards first: until the last old one is switched, no two lists of shards agree.
    for (number, member) in members.iter().enumerate().rev() {
        map::write(&member.pool, number, &new).await?;
    }
    for (number, member) in members.iter().enumerate() {
        tidy(&member.pool, number, &new).await?;
    }
    Ok(moved)
}

/// The map that is, and the one to be.
fn maps(members: &[Member]) -> anyhow::Result<(ShardMap, ShardMap)> {
    let held = members.iter().filter_map(|member| member.map.as_ref());
    let old = held.min_by_key(|map| map.version);
    let old = old
        .context("no shard has a map: there is nothing to move")?
        .clone();
    let shards = usize::from(old.owners.iter().copied().max().unwrap_or(0)) + 1;
    ensure!(
        shards < members.len(),
        "the map names {shards} shards already: list the new ones after them"
    );
    let new = old.grown(members.len());
    for member in members.iter().take(shards) {
        let known = member
            .map
            .as_ref()
            .is_some_and(|map| *map == old || *map == new);
        ensure!(known, "the old shards hold different maps");
    }
    Ok((old, new))
}

/// Every shard has every event.
async fn copy_events(members: &[Member]) -> anyhow::Result<()> {
    let Some((first, others)) = members.split_first() else {
        return Ok(());
    };
    let events: String =
        sqlx::query_scalar("SELECT coalesce(json_agg(events), '[]')::text FROM events")
            .fetch_one(&first.pool)
            .await?;
    for member in others {
        sqlx::query(
            "INSERT INTO events SELECT * FROM json_populate_recordset(NULL::events, $1::json)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(&events)
        .execute(&member.pool)
        .await?;
    }
    Ok(())
}

/// First and last id of a bucket.
fn range(bucket: usize) -> anyhow::Result<(Uuid, Uuid)> {
    let first = u128::from(u8::try_from(bucket)?) << 120;
    Ok((
        Uuid::from_u128(first),
        Uuid::from_u128(first | (u128::MAX >> 8)),
    ))
}

/// Copies one bucket, again from the start if some of it is there, and compares.
async fn copy(from: &PgPool, to: &PgPool, bucket: usize) -> anyhow::Result<u64> {
    let (first, last) = range(bucket)?;
    let (rows, copied) = (
        digest(from, first, last).await?,
        digest(to, first, last).await?,
    );
    ensure!(
        copied.0 <= rows.0,
        "bucket {bucket} has more signups where it goes than where it comes from"
    );
    if rows == copied {
        return Ok(0);
    }
    sqlx::query("DELETE FROM signups WHERE id BETWEEN $1 AND $2")
        .bind(first)
        .bind(last)
        .execute(to)
        .await?;
    let columns = "event_id, id, email, name, signed_up_at";
    // Two ids in hexadecimal: nothing here comes from outside. COPY takes no parameters.
    let out = format!(
        "COPY (SELECT {columns} FROM signups WHERE id BETWEEN '{first}' AND '{last}') TO STDOUT BINARY"
    );
    let out = from.copy_out_raw(&out).await?;
    let mut into = to
        .copy_in_raw(&format!("COPY signups ({columns}) FROM STDIN BINARY"))
        .await?;
    let mut out = std::pin::pin!(out);
    while let Some(chunk) = futures::TryStreamExt::try_next(&mut out).await? {
        into.send(chunk).await?;
    }
    let copied = into.finish().await?;
    ensure!(
        rows == digest(to, first, last).await?,
        "the copy of bucket {bucket} differs"
    );
    Ok(copied)
}

/// The number of rows of a bucket, and the sum of a hash of each.
async fn digest(shard: &PgPool, first: Uuid, last: Uuid) -> anyhow::Result<(i64, Option<String>)> {
    Ok(sqlx::query_as(
        "SELECT count(*), sum(hashtextextended(signups::text, 0)::numeric)::text
         FROM signups WHERE id BETWEEN $1 AND $2",
    )
    .bind(first)
    .bind(last)
    .fetch_one(shard)
    .await?)
}

/// Removes what a shard does not own any more, and counts what it does.
async fn tidy(shard: &PgPool, number: usize, map: &ShardMap) -> anyhow::Result<()> {
    let mut transaction = shard.begin().await?;
    for (bucket, owner) in map.owners.iter().enumerate() {
        if usize::from(*owner) != number {
            let (first, last) = range(bucket)?;
            sqlx::query("DELETE FROM signups WHERE id BETWEEN $1 AND $2")
                .bind(first)
                .bind(last)
                .execute(&mut *transaction)
                .await?;
        }
    }
    sqlx::query("DELETE FROM event_counts")
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "INSERT INTO event_counts SELECT event_id, count(*) FROM signups GROUP BY event_id",
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

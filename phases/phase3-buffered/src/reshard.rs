//! Adding shards while signups are accepted: moves the signups of some buckets to new shards, under the
//! next version of the map.
//!
//! The procedure:
//!
//! 1. Start the new shards, empty.
//! 2. Start writer and gateways again, one after the other, with the new list of shards: the old ones
//!    first. The map does not name the new ones yet, so nothing goes there.
//! 3. Run `phase3-reshard` with the same list. Whenever it is broken off, run it again.
//!
//! On each shard it works in one transaction that holds a lock on the map, from before the copy until what
//! has moved is removed. Whoever writes a signup or an event locks the map for that statement (`insert`):
//! so nothing is written behind its back, and with a lost session both go, the lock and what was done under
//! it. Meanwhile gateways accept into the queue and the writer waits; without the queue (`--queue off`)
//! signups are refused. Reads go on. Afterwards all of them meet the next version of the map and follow it
//! (`shards`); whoever was not given the new shards ends, and says so.
//!
//! A run that is broken off while it commits leaves some shards with the next map, the new ones first.
//! Until it is run again receipts, list and count of the others' signups are as if a shard were away, and
//! no service starts. Of who signs up twice meanwhile, before and after, either time may be recorded.

use crate::buckets::ShardMap;
use crate::config::ReshardConfig;
use crate::map;
use crate::schema;
use anyhow::{Context, ensure};
use futures::TryStreamExt;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use std::collections::BTreeMap;

/// For the transaction. A statement that writes ends within 8 s (`db::WRITER`), and is waited for. A copy
/// may take its time, and other shards' too. A session whose machine is gone ends within half a minute.
const SESSION: &str = "SET LOCAL application_name = 'phase3-reshard';
    SET LOCAL lock_timeout = '15s';
    SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL tcp_keepalives_idle = 15;
    SET LOCAL tcp_keepalives_interval = 5;
    SET LOCAL tcp_keepalives_count = 3";

/// A bucket of a row, as PostgreSQL reads it.
const BUCKET: &str = "get_byte(uuid_send(id), 0)";

const COLUMNS: &str = "event_id, id, email, name, signed_up_at";

/// A shard, locked, with its map, if it has one yet.
struct Member {
    number: usize,
    transaction: Transaction<'static, Postgres>,
    map: Option<ShardMap>,
}

/// Moves what the next map gives to other shards; returns how many signups were moved.
///
/// # Errors
/// When a shard does not answer, or another run holds it; when the shards hold maps that no broken run of
/// the same list has left; when a copy differs from its original. Then nothing is removed.
pub async fn reshard(config: &ReshardConfig) -> anyhow::Result<u64> {
    let mut shards = Vec::with_capacity(config.shards.count()?.into());
    for (number, url) in config.shards.shard_urls.iter().enumerate() {
        let shard = schema::connect(url, &config.shards).await?;
        schema::migrate(&shard, number).await?;
        shards.push(shard);
    }
    let moved = grow(&shards).await;
    // Not left to the end of the process: who runs it again at once would still meet the locks.
    for shard in &shards {
        shard.close().await;
    }
    moved
}

async fn grow(shards: &[PgPool]) -> anyhow::Result<u64> {
    let mut members = Vec::new();
    for (number, shard) in shards.iter().enumerate() {
        members.push(Member::lock(shard, number).await?);
    }
    let Some((old, new)) = maps(&members)? else {
        return Ok(0);
    };
    copy_events(&mut members).await?;
    let mut moved = 0;
    for ((from, to), buckets) in moves(&old, &new) {
        let members = members.get_disjoint_mut([usize::from(from), usize::from(to)]);
        let [from, to] = members.context("a shard was not listed")?;
        // Removed already where a run before has committed it.
        if from.map.as_ref() != Some(&new) {
            let copied = copy(&mut from.transaction, &mut to.transaction, &buckets).await;
            let (from, to) = (from.number, to.number);
            moved += copied.with_context(|| format!("from shard {from} to shard {to}"))?;
        }
    }
    // New shards first: until the last old one is switched no two lists of shards agree, and what is
    // removed from an old one is committed on the new one.
    while let Some(member) = members.pop() {
        member.switch(&old, &new).await?;
    }
    Ok(moved)
}

impl Member {
    async fn lock(shard: &PgPool, number: usize) -> anyhow::Result<Self> {
        let mut transaction = shard.begin().await?;
        sqlx::raw_sql(SESSION).execute(&mut *transaction).await?;
        let other: Option<String> = sqlx::query_scalar(
            "SELECT format('shard %s is locked by %s%s since %s: wait for it, or end it there with SELECT '
                           'pg_terminate_backend(%s)', $1, application_name, ' on ' || host(client_addr),
                           date_trunc('second', xact_start), pid)
             FROM pg_locks JOIN pg_stat_activity USING (pid)
             WHERE relation = 'shard_map'::regclass AND datname = current_database()
                   AND mode = 'ExclusiveLock' AND granted",
        )
        .bind(i32::try_from(number)?)
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some(other) = other {
            anyhow::bail!(other);
        }
        sqlx::raw_sql("LOCK TABLE shard_map IN EXCLUSIVE MODE")
            .execute(&mut *transaction)
            .await
            .with_context(|| format!("the map of shard {number} is in use"))?;
        let map = map::read(&mut *transaction, number).await?;
        Ok(Self {
            number,
            transaction,
            map,
        })
    }

    /// Gives the shard the next map, removes what has moved and was compared, and counts what is there.
    async fn switch(mut self, old: &ShardMap, new: &ShardMap) -> anyhow::Result<()> {
        let number = u16::try_from(self.number)?;
        let from_here = moves(old, new).into_iter();
        let from_here = from_here.filter(|((from, _), _)| *from == number);
        let given: Vec<i32> = from_here.flat_map(|(_, buckets)| buckets).collect();
        if self.map.as_ref() != Some(new) {
            let statement = format!("DELETE FROM signups WHERE {BUCKET} = ANY($1)");
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .bind(given)
                .execute(&mut *self.transaction)
                .await?;
        }
        map::write(&mut *self.transaction, self.number, new).await?;
        sqlx::raw_sql(
            "DELETE FROM event_counts;
             INSERT INTO event_counts SELECT event_id, count(*) FROM signups GROUP BY event_id",
        )
        .execute(&mut *self.transaction)
        .await?;
        self.transaction.commit().await?;
        Ok(())
    }
}

/// The map that is, and the one to be; `None` when all shards hold the latter.
fn maps(members: &[Member]) -> anyhow::Result<Option<(ShardMap, ShardMap)>> {
    let held = members.iter().filter_map(|member| member.map.as_ref());
    let old = held.min_by_key(|map| map.version);
    let old = old
        .context("no shard has a map: there is nothing to move")?
        .clone();
    let shards = old.shards();
    ensure!(
        shards <= members.len(),
        "the map names {shards} shards: list all of them, and the new ones after them"
    );
    if members
        .iter()
        .all(|member| shards == members.len() && member.map.as_ref() == Some(&old))
    {
        return Ok(None);
    }
    let new = old.grown(members.len());
    for member in members {
        let number = member.number;
        let known = match &member.map {
            Some(map) => *map == old || *map == new,
            None => number >= shards,
        };
        ensure!(
            known,
            "shard {number} holds another map: a run that was broken off is finished with its own list"
        );
    }
    Ok(Some((old, new)))
}

/// Which buckets move, by where from and where to.
fn moves(old: &ShardMap, new: &ShardMap) -> BTreeMap<(u16, u16), Vec<i32>> {
    let mut moves: BTreeMap<_, Vec<i32>> = BTreeMap::new();
    let owners = old.owners.iter().zip(&new.owners);
    for ((from, to), bucket) in owners.zip(0..) {
        if from != to {
            moves.entry((*from, *to)).or_default().push(bucket);
        }
    }
    moves
}

/// Every shard has every event.
async fn copy_events(members: &mut [Member]) -> anyhow::Result<()> {
    let Some((first, others)) = members.split_first_mut() else {
        return Ok(());
    };
    let events: String =
        sqlx::query_scalar("SELECT coalesce(json_agg(events), '[]')::text FROM events")
            .fetch_one(&mut *first.transaction)
            .await?;
    for member in others {
        sqlx::query(
            "INSERT INTO events SELECT * FROM json_populate_recordset(NULL::events, $1::json)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(&events)
        .execute(&mut *member.transaction)
        .await?;
    }
    Ok(())
}

/// Copies what is not there yet, and compares all of it, row by row. Returns how many were copied.
async fn copy(
    from: &mut PgConnection,
    to: &mut PgConnection,
    buckets: &[i32],
) -> anyhow::Result<u64> {
    // Numbers of ours: COPY takes no parameters. In one order, to be compared.
    let buckets: Vec<String> = buckets.iter().map(ToString::to_string).collect();
    let rows = format!(
        "COPY (SELECT {COLUMNS} FROM signups WHERE {BUCKET} IN ({}) ORDER BY event_id, id)
         TO STDOUT BINARY",
        buckets.join(", ")
    );
    sqlx::raw_sql("CREATE TEMPORARY TABLE arrived (LIKE signups)")
        .execute(&mut *to)
        .await?;
    let into = format!("COPY arrived ({COLUMNS}) FROM STDIN BINARY");
    let mut into = to.copy_in_raw(&into).await?;
    let mut out = from.copy_out_raw(&rows).await?;
    while let Some(row) = out.try_next().await? {
        into.send(row).await?;
    }
    drop(out);
    into.finish().await?;
    let copied = sqlx::query("INSERT INTO signups TABLE arrived ON CONFLICT DO NOTHING")
        .execute(&mut *to)
        .await?
        .rows_affected();
    sqlx::raw_sql("DROP TABLE arrived")
        .execute(&mut *to)
        .await?;
    let mut originals = from.copy_out_raw(&rows).await?;
    let mut copies = to.copy_out_raw(&rows).await?;
    // One message a row, as the protocol of PostgreSQL says of COPY.
    loop {
        match (originals.try_next().await?, copies.try_next().await?) {
            (None, None) => return Ok(copied),
            (original, copy) => ensure!(original == copy, "the signups there differ from these"),
        }
    }
}

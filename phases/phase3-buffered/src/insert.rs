//! Writing a batch into its shard: one statement for all its rows and for the event's counter.

use crate::buckets::ShardMap;
use crate::db::Database;
use crate::frame::Row;
use crate::shards::Shards;
use signup_domain::StoreError;
use signup_service::Refusal;
use std::collections::{BTreeMap, HashMap, HashSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// The primary key.
pub(crate) type Key = (Uuid, Uuid);

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Written<'a> {
    /// Rows that were not there.
    pub(crate) new: HashSet<Key>,
    /// Rows that PostgreSQL refuses for what is in them.
    pub(crate) refused: Vec<(Row<'a>, String)>,
}

/// Writes `rows` into the shards that own them by the map as it is: into one, unless it has changed since
/// they were put together.
///
/// # Errors
/// As [`insert`].
pub(crate) async fn by_owner<'a>(
    shards: &Shards,
    rows: &[Row<'a>],
) -> Result<Written<'a>, StoreError> {
    let map = shards.map()?;
    let mut by_owner: BTreeMap<u16, Vec<Row<'a>>> = BTreeMap::new();
    for row in rows {
        by_owner.entry(map.owner(&row.id)).or_default().push(*row);
    }
    let mut written = Written::default();
    for (owner, rows) in by_owner {
        let part = insert(shards, &map, owner, &rows).await?;
        written.new.extend(part.new);
        written.refused.extend(part.refused);
    }
    Ok(written)
}

/// Writes `rows`; those that are there already stay as they are. Writing the same rows again writes
/// nothing, so whoever gets an error may repeat it all.
///
/// A statement that PostgreSQL refuses for what is in it is rolled back as a whole, and halved until
/// the row that is to blame stands alone: the others are written.
///
/// # Errors
/// When the shard does not answer, or not in good order; some rows may be written. When it holds another
/// map than the one it was chosen by: then none of those that are left.
pub(crate) async fn insert<'a>(
    shards: &Shards,
    map: &ShardMap,
    shard: u16,
    rows: &[Row<'a>],
) -> Result<Written<'a>, StoreError> {
    let mut written = Written::default();
    let distinct = distinct(rows);
    let mut parts = vec![&distinct[..]];
    while let Some(part) = parts.pop() {
        match send(shards, map, shard, part).await {
            Ok(new) => written.new.extend(new),
            Err(StoreError::Internal(cause)) if Refusal::is_about_the_rows(&cause) => match part {
                [row] => written.refused.push((*row, cause)),
                several => {
                    let (first, second) = several.split_at(several.len() / 2);
                    parts.extend([second, first]);
                }
            },
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// One row a participant, the first to arrive, in the order of the primary key: two writers of the
/// same participants then wait for each other in the same order, and never in a circle.
fn distinct<'a>(rows: &[Row<'a>]) -> Vec<Row<'a>> {
    let mut distinct = rows.to_vec();
    // Stable, so the first of several stays the first.
    distinct.sort_by_key(key);
    distinct.dedup_by_key(|row| key(row));
    distinct
}

/// Sends the statement; returns what it wrote, after the commit: the client reads on until
/// PostgreSQL is ready for the next statement.
async fn send(
    shards: &Shards,
    map: &ShardMap,
    shard: u16,
    part: &[Row<'_>],
) -> Result<Vec<Key>, StoreError> {
    let events: Vec<Uuid> = part.iter().map(|row| row.event).collect();
    let ids: Vec<Uuid> = part.iter().map(|row| row.id).collect();
    let emails: Vec<&str> = part.iter().map(|row| row.email).collect();
    let names: Vec<&str> = part.iter().map(|row| row.name).collect();
    let times: Vec<OffsetDateTime> = part.iter().map(|row| row.signed_up_at).collect();
    let version = i64::from(map.version);
    let rows = shards
        .shard(shard)
        .write(async |client| {
            // The map is locked until the commit, so that no signup is written behind `reshard`'s back: it
            // holds a lock against this one. A row lock that had to wait sees what was committed meanwhile,
            // which the rest of a statement does not. The counter last, once for all rows: its lock is held
            // for no longer than the commit.
            let statement = client
                .prepare_cached(
                    "WITH map AS (
                         SELECT version FROM shard_map FOR SHARE
                     ), new AS (
                         INSERT INTO signups (event_id, id, email, name, signed_up_at)
                         SELECT batch.*
                         FROM map, UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::text[],
                                          $5::timestamptz[]) AS batch
                         WHERE version = $6::bigint
                         ON CONFLICT (event_id, id) DO NOTHING
                         RETURNING event_id, id
                     ), counted AS (
                         INSERT INTO event_counts AS counts (event_id, signups)
                         SELECT event_id, count(*) FROM new GROUP BY event_id ORDER BY event_id
                         ON CONFLICT (event_id)
                         DO UPDATE SET signups = counts.signups + excluded.signups
                     )
                     SELECT version, event_id, id FROM map LEFT JOIN new ON true",
                )
                .await?;
            client
                .query(
                    &statement,
                    &[&events, &ids, &emails, &names, &times, &version],
                )
                .await
        })
        .await?;
    // Where nothing is new there is one row all the same, and no map has version 0.
    let held = rows.first().map_or(0, |row| row.get(0));
    shards.agree(map, i32::unsigned_abs(held))?;
    let key = |row: &tokio_postgres::Row| {
        let event: Option<Uuid> = row.get(1);
        Some((event?, row.get(2)))
    };
    Ok(rows.iter().filter_map(key).collect())
}

/// When the participants whose rows were there had signed up. The conflict was with committed rows, so
/// they can be read.
pub(crate) async fn first_signups(
    shard: &Database,
    repeats: &[Key],
) -> Vec<(Key, Result<OffsetDateTime, StoreError>)> {
    if repeats.is_empty() {
        return Vec::new();
    }
    let (events, ids): (Vec<Uuid>, Vec<Uuid>) = repeats.iter().copied().unzip();
    let found = shard
        .read(async |client| {
            let statement = client
                .prepare_cached(
                    "SELECT event_id, id, signed_up_at FROM signups
                     JOIN UNNEST($1::uuid[], $2::uuid[]) AS asked (event_id, id)
                     USING (event_id, id)",
                )
                .await?;
            client.query(&statement, &[&events, &ids]).await
        })
        .await;
    let found: HashMap<Key, OffsetDateTime> = match found {
        // `try_get`: an operator's hand can have written a time that does not fit, as `infinity`.
        Ok(rows) => rows
            .iter()
            .filter_map(|row| Some(((row.get(0), row.get(1)), row.try_get(2).ok()?)))
            .collect(),
        // They are recorded, so "refused" would be a lie.
        Err(error) => {
            let unknown = StoreError::Unknown(format!("recorded, but not read: {error}"));
            let outcome = |key: &Key| (*key, Err(unknown.clone()));
            return repeats.iter().map(outcome).collect();
        }
    };
    let outcome = |key: &Key| {
        let gone =
            || StoreError::Internal("a conflicting row is not there, or not readable".into());
        (*key, found.get(key).copied().ok_or_else(gone))
    };
    repeats.iter().map(outcome).collect()
}

/// The primary key of a row.
pub(crate) fn key(row: &Row<'_>) -> Key {
    (row.event, row.id)
}

//! Signups: accepted by the queue; found and listed in the shard that owns them.

use crate::batch::Accepted;
use crate::db::Database;
use crate::shards::Stretch;
use crate::{Buffered, events};
use signup_domain::{
    Attendee, Cache, Checked, EventId, Found, NewSignup, Page, Recorded, ServedBy, SignedUp,
    SignupId, Status, StoreError,
};
use uuid::Uuid;

/// Signs a participant up: a place in the next message to the shard that owns the signup.
///
/// Nobody is asked who had signed up before: the primary key in the shard decides it, when the writer
/// gets there. The id is computed, so a repeat is the same signup and gets the same receipt.
pub(crate) async fn sign_up(store: &Buffered, signup: NewSignup) -> Result<SignedUp, StoreError> {
    let event = events::find(store, signup.event).await?;
    // Here and now, and not again when it is written: the time travels with it.
    event.admit(signup.at)?;
    let id = SignupId::derive(&event.salt, event.id, &signup.email);
    let accepted = Accepted {
        event: event.id,
        id,
        signup,
    };
    let signed_up = store.batches.send(store.shards.owner(id), accepted).await?;
    if signed_up.status == Status::Accepted {
        store.metrics.accepted.inc();
    }
    Ok(signed_up)
}

/// Finds a signup by its id. One that its shard does not have is still in the queue: its receipt is
/// authentic, so it was accepted. The same is said while the shard does not answer.
pub(crate) async fn find(
    store: &Buffered,
    event: EventId,
    id: SignupId,
) -> Result<Found<Option<Checked>>, StoreError> {
    let event = events::find(store, event).await?;
    let shard = store.shards.shard(store.shards.owner(id));
    let recorded = match select(shard, event.id, id).await {
        Ok(recorded) => recorded,
        Err(_away) => {
            store.metrics.without_shard.inc();
            None
        }
    };
    Ok(Found {
        value: Some(recorded.map_or(Checked::Accepted, Checked::Recorded)),
        served_by: ServedBy::Shard,
        cache: Cache::Bypass,
    })
}

async fn select(
    shard: &Database,
    event: EventId,
    id: SignupId,
) -> Result<Option<Recorded>, StoreError> {
    let row = shard
        .read(async |client| {
            let statement = client
                .prepare_cached(
                    "SELECT name, signed_up_at FROM signups WHERE event_id = $1 AND id = $2",
                )
                .await?;
            client
                .query_opt(&statement, &[event.as_uuid(), id.as_uuid()])
                .await
        })
        .await?;
    Ok(row.map(|row| Recorded {
        name: row.get(0),
        signed_up_at: row.get(1),
    }))
}

/// One page of the attendance list, in the order of ids: one stretch of the map after the other,
/// until the page is full.
pub(crate) async fn list(
    store: &Buffered,
    event: EventId,
    page: Page,
) -> Result<Found<Vec<Attendee>>, StoreError> {
    let event = events::find(store, event).await?;
    // Every id is greater than the nil UUID but the nil UUID itself, which no hash will hit.
    let mut after = page.after.map_or(Uuid::nil(), |id| *id.as_uuid());
    let limit = usize::from(page.limit);
    let mut attendees = Vec::new();
    for stretch in store.shards.map.stretches(&after) {
        let shard = store.shards.shard(stretch.shard);
        let left = limit - attendees.len();
        attendees.extend(select_stretch(shard, event.id, after, stretch, left).await?);
        if attendees.len() >= limit {
            break;
        }
        // A shard may have earlier stretches as well, and these have been read.
        after = stretch.last;
    }
    Ok(Found {
        value: attendees,
        served_by: ServedBy::Shard,
        cache: Cache::Bypass,
    })
}

async fn select_stretch(
    shard: &Database,
    event: EventId,
    after: Uuid,
    stretch: Stretch,
    limit: usize,
) -> Result<Vec<Attendee>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = shard
        .read(async |client| {
            let statement = client
                .prepare_cached(
                    "SELECT id, email, name, signed_up_at FROM signups
                     WHERE event_id = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4",
                )
                .await?;
            client
                .query(
                    &statement,
                    &[event.as_uuid(), &after, &stretch.last, &limit],
                )
                .await
        })
        .await?;
    let attendee = |row: &tokio_postgres::Row| Attendee {
        id: SignupId::from_uuid(row.get(0)),
        email: row.get(1),
        name: row.get(2),
        signed_up_at: row.get(3),
    };
    Ok(rows.iter().map(attendee).collect())
}

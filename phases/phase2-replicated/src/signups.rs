//! Signups: written to the primary in batches; read from the cache, the replica, the primary.

use crate::batch::Row;
use crate::{Replicated, events};
use deadpool_postgres::Client;
use signup_domain::{
    Attendee, Cache, Checked, EventId, Found, NewSignup, Page, Recorded, ServedBy, SignedUp,
    SignupId, Status, StoreError,
};
use tokio_postgres::Error;
use uuid::Uuid;

/// Signs a participant up: one row, in the next batch's transaction and flush.
///
/// The primary key on the primary decides who had signed up before: the cache and the replica are
/// not asked. The id is computed, so a retry, also one after an unknown outcome, writes the same row.
pub(crate) async fn sign_up(store: &Replicated, signup: NewSignup) -> Result<SignedUp, StoreError> {
    let event = events::find(store, signup.event).await?;
    event.admit(signup.at)?;
    let id = SignupId::derive(&event.salt, event.id, &signup.email);

    let written = store.batches.write(Row { event, id, signup }).await?;

    if written.new {
        store.metrics.recorded.inc();
    } else {
        store.metrics.repeated.inc();
    }
    Ok(SignedUp {
        id,
        status: Status::Recorded,
        new: written.new,
        signed_up_at: written.signed_up_at,
    })
}

/// Finds a signup by its id.
pub(crate) async fn find(
    store: &Replicated,
    event: EventId,
    id: SignupId,
) -> Result<Found<Option<Checked>>, StoreError> {
    let event = events::find(store, event).await?;
    if let Some(recorded) = store.cache.signup(&event, id).await {
        return Ok(Found {
            value: Some(Checked::Recorded(recorded)),
            served_by: ServedBy::Cache,
            cache: Cache::Hit,
        });
    }
    let on_replica = match &store.replica {
        Some(replica) => {
            replica
                .read(async |client| select(client, event.id, id).await)
                .await
        }
        None => None,
    };
    let (recorded, served_by) = match on_replica {
        Some(Some(recorded)) => (Some(recorded), ServedBy::Replica),
        // The receipt is authentic, so a replica that answered may just not have it yet.
        failed_or_late => {
            let read = async |client: &Client| select(client, event.id, id).await;
            let recorded = store.primary.read(read).await?;
            if let (Some(replica), Some(None), Some(_)) =
                (&store.replica, failed_or_late, &recorded)
            {
                replica.was_late();
            }
            (recorded, ServedBy::Primary)
        }
    };
    if let Some(recorded) = &recorded {
        store.cache.keep_read(&event, id, recorded.clone());
    }
    Ok(Found {
        value: recorded.map(Checked::Recorded),
        served_by,
        cache: store.cache.not_from_here(),
    })
}

async fn select(client: &Client, event: EventId, id: SignupId) -> Result<Option<Recorded>, Error> {
    let statement = client
        .prepare_cached("SELECT name, signed_up_at FROM signups WHERE event_id = $1 AND id = $2")
        .await?;
    let row = client
        .query_opt(&statement, &[event.as_uuid(), id.as_uuid()])
        .await?;
    Ok(row.map(|row| Recorded {
        name: row.get(0),
        signed_up_at: row.get(1),
    }))
}

/// One page of the attendance list, in the order of the primary key. From the primary: a list that
/// misses who signed up a moment ago is a wrong list, and few people may ask for one.
pub(crate) async fn list(
    store: &Replicated,
    event: EventId,
    page: Page,
) -> Result<Found<Vec<Attendee>>, StoreError> {
    let event = events::find(store, event).await?;
    // Every id is greater than the nil UUID but the nil UUID itself, which no hash will hit.
    let after = page.after.map_or(Uuid::nil(), |id| *id.as_uuid());
    let rows = store
        .primary
        .read(async |client| {
            let statement = client
                .prepare_cached(
                    "SELECT id, email, name, signed_up_at FROM signups
                     WHERE event_id = $1 AND id > $2 ORDER BY id LIMIT $3",
                )
                .await?;
            let limit = i64::from(page.limit);
            client
                .query(&statement, &[event.id.as_uuid(), &after, &limit])
                .await
        })
        .await?;
    let attendee = |row: &tokio_postgres::Row| Attendee {
        id: SignupId::from_uuid(row.get(0)),
        email: row.get(1),
        name: row.get(2),
        signed_up_at: row.get(3),
    };
    Ok(Found {
        value: rows.iter().map(attendee).collect(),
        served_by: ServedBy::Primary,
        cache: Cache::Bypass,
    })
}

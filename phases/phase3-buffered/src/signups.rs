//! Signups: accepted by the queue; found and listed in the shard that owns them.

use crate::batch::Batches;
use crate::entry::Accepted;
use crate::events::Events;
use crate::metrics::QueueMetrics;
use crate::select;
use crate::shards::Shards;
use signup_domain::{
    Attendee, Cache, Checked, EventId, Found, NewSignup, NotOpen, Page, Recorded, ServedBy,
    SignedUp, SignupId, Status, StoreError,
};
use uuid::Uuid;

/// Where signups are kept and found.
#[derive(Clone)]
pub(crate) struct Signups {
    pub(crate) events: Events,
    pub(crate) batches: Batches,
    pub(crate) shards: Shards,
    pub(crate) metrics: QueueMetrics,
}

impl Signups {
    /// Signs a participant up: a place in the next message to the shard that owns the signup.
    ///
    /// Nobody is asked who had signed up before: the primary key in the shard decides it, when the
    /// writer gets there. The id is computed, so a repeat is the same signup and gets the same receipt.
    pub(crate) async fn sign_up(&self, signup: NewSignup) -> Result<SignedUp, StoreError> {
        let event = self.events.find(signup.event).await?;
        let id = SignupId::derive(&event.salt, event.id, &signup.email);
        // Here and now, and not again when it is written: the time travels with it.
        if let Err(not_open) = event.admit(signup.at) {
            return self.first_signup(event.id, id, not_open).await;
        }

        let event = event.id;
        let accepted = Accepted { event, id, signup };
        let signed_up = self.batches.write(accepted).await?;

        if signed_up.status == Status::Accepted {
            self.metrics.accepted.inc();
        }
        Ok(signed_up)
    }

    /// What is told outside the signup period: who had signed up within it gets that signup again. Only
    /// the shard knows, so while it does not answer nothing is said (503). One that is accepted and not
    /// recorded yet is told from none by its receipt alone, which stays good: without it, its repeat is
    /// refused until it is recorded.
    async fn first_signup(
        &self,
        event: EventId,
        id: SignupId,
        not_open: NotOpen,
    ) -> Result<SignedUp, StoreError> {
        if not_open == NotOpen::NotYet {
            // Nobody can have, and before an event opens many try.
            return Err(not_open.into());
        }
        let first = self.recorded(event, id).await?.ok_or(not_open)?;
        Ok(SignedUp {
            id,
            status: Status::Recorded,
            new: false,
            signed_up_at: first.signed_up_at,
        })
    }

    /// Finds a signup by its id. One that its shard does not have is still in the queue: its receipt is
    /// authentic, so it was accepted. The same is said while the shard does not answer, or is another.
    pub(crate) async fn find(
        &self,
        event: EventId,
        id: SignupId,
    ) -> Result<Found<Option<Checked>>, StoreError> {
        let event = self.events.find(event).await?;
        let recorded = self.recorded(event.id, id).await;
        let recorded = recorded.unwrap_or_else(|_away| {
            self.metrics.without_shard.inc();
            None
        });
        Ok(Found {
            value: Some(recorded.map_or(Checked::Accepted, Checked::Recorded)),
            served_by: ServedBy::Shard,
            cache: Cache::Bypass,
        })
    }

    /// The row of a signup, if the shard that owns it has one.
    async fn recorded(&self, event: EventId, id: SignupId) -> Result<Option<Recorded>, StoreError> {
        let map = self.shards.map()?;
        let shard = self.shards.shard(map.owner(id.as_uuid()));
        let (version, recorded) = shard
            .read(async |client| select::signup(client, event, id).await)
            .await?;
        self.shards.agree(&map, version)?;
        Ok(recorded)
    }

    /// One page of the attendance list, in the order of ids: one stretch of the map after the other,
    /// until the page is full.
    pub(crate) async fn list(
        &self,
        event: EventId,
        page: Page,
    ) -> Result<Found<Vec<Attendee>>, StoreError> {
        let event = self.events.find(event).await?;
        // Every id is greater than the nil UUID but the nil UUID itself, which no hash will hit.
        let mut after = page.after.map_or(Uuid::nil(), |id| *id.as_uuid());
        let limit = usize::from(page.limit);
        let mut attendees = Vec::new();
        let map = self.shards.map()?;
        for stretch in map.stretches(&after) {
            let left = i64::try_from(limit - attendees.len()).unwrap_or(i64::MAX);
            let shard = self.shards.shard(stretch.shard);
            let (version, rows) = shard
                .read(async |client| {
                    select::page(client, event.id, after, stretch.last, left).await
                })
                .await?;
            self.shards.agree(&map, version)?;
            attendees.extend(rows);
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
}

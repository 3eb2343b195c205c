//! Signups: written to the primary in batches; read from the cache, the replica, the primary.

use crate::batch::Batches;
use crate::cache::Cache;
use crate::db::Database;
use crate::events::Events;
use crate::insert::Row;
use crate::replica::Replica;
use crate::select;
use deadpool_postgres::Client;
use signup_domain::{
    Attendee, Cache as Asked, Checked, EventId, Found, NewSignup, NotOpen, Page, ServedBy,
    SignedUp, SignupId, Status, StoreError,
};
use signup_service::SignupMetrics;
use uuid::Uuid;

/// Where signups are kept and found.
#[derive(Clone)]
pub(crate) struct Signups {
    pub(crate) events: Events,
    pub(crate) batches: Batches,
    pub(crate) cache: Cache,
    /// `None` when switched off.
    pub(crate) replica: Option<Replica>,
    /// Reads only: batches have connections of their own.
    pub(crate) primary: Database,
    pub(crate) metrics: SignupMetrics,
}

impl Signups {
    /// Signs a participant up: one row, in the next batch's transaction and flush.
    ///
    /// The primary key on the primary decides who had signed up before: the cache and the replica are
    /// not asked. The id is computed, so a retry, also one after an unknown outcome, writes the same
    /// row.
    pub(crate) async fn sign_up(&self, signup: NewSignup) -> Result<SignedUp, StoreError> {
        let event = self.events.find(signup.event).await?;
        let id = SignupId::derive(&event.salt, event.id, &signup.email);
        if let Err(not_open) = event.admit(signup.at) {
            return self.first_signup(event.id, id, not_open).await;
        }

        let row = Row { event, id, signup };
        let written = self.batches.write(row).await?;

        if written.new {
            self.metrics.recorded.inc();
        } else {
            self.metrics.repeated.inc();
        }
        Ok(SignedUp {
            id,
            status: Status::Recorded,
            new: written.new,
            signed_up_at: written.signed_up_at,
        })
    }

    /// What is told outside the signup period: who had signed up within it gets that signup again.
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
        let first = self
            .primary
            .read(async |client| select::signup(client, event, id).await)
            .await?
            .ok_or(not_open)?;
        self.metrics.repeated.inc();
        Ok(SignedUp {
            id,
            status: Status::Recorded,
            new: false,
            signed_up_at: first.signed_up_at,
        })
    }

    /// Finds a signup by its id.
    pub(crate) async fn find(
        &self,
        event: EventId,
        id: SignupId,
    ) -> Result<Found<Option<Checked>>, StoreError> {
        let event = self.events.find(event).await?;
        if let Some(recorded) = self.cache.signup(&event, id).await {
            return Ok(Found {
                value: Some(Checked::Recorded(recorded)),
                served_by: ServedBy::Cache,
                cache: Asked::Hit,
            });
        }
        let select = async |client: &Client| select::signup(client, event.id, id).await;
        let on_replica = match &self.replica {
            Some(replica) => replica.read(select).await,
            None => None,
        };
        let (recorded, served_by) = match on_replica {
            Some(Some(recorded)) => (Some(recorded), ServedBy::Replica),
            // The receipt is authentic, so a replica that answered may just not have it yet.
            failed_or_late => {
                let recorded = self.primary.read(select).await?;
                if let (Some(replica), Some(None), Some(_)) =
                    (&self.replica, failed_or_late, &recorded)
                {
                    replica.was_late();
                }
                (recorded, ServedBy::Primary)
            }
        };
        if let Some(recorded) = &recorded {
            self.cache.keep_read(&event, id, recorded.clone());
        }
        Ok(Found {
            value: recorded.map(Checked::Recorded),
            served_by,
            cache: self.cache.not_from_here(),
        })
    }

    /// One page of the attendance list, in the order of the primary key. From the primary: a list that
    /// misses who signed up a moment ago is a wrong list, and few people may ask for one.
    pub(crate) async fn list(
        &self,
        event: EventId,
        page: Page,
    ) -> Result<Found<Vec<Attendee>>, StoreError> {
        let event = self.events.find(event).await?;
        // Every id is greater than the nil UUID but the nil UUID itself, which no hash will hit.
        let after = page.after.map_or(Uuid::nil(), |id| *id.as_uuid());
        let limit = i64::from(page.limit);
        let attendees = self
            .primary
            .read(async |client| select::page(client, event.id, after, limit).await)
            .await?;
        Ok(Found {
            value: attendees,
            served_by: ServedBy::Primary,
            cache: Asked::Bypass,
        })
    }
}

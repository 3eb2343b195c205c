//! Signups: one statement each.

use crate::db::Database;
use crate::events::Events;
use crate::insert::{self, Row};
use crate::select;
use signup_domain::{
    Attendee, Cache, Checked, EventId, Found, NewSignup, NotOpen, Page, ServedBy, SignedUp,
    SignupId, Status, StoreError,
};
use signup_service::SignupMetrics;
use uuid::Uuid;

/// Where signups are kept and found.
#[derive(Clone)]
pub(crate) struct Signups {
    pub(crate) events: Events,
    pub(crate) primary: Database,
    pub(crate) metrics: SignupMetrics,
}

impl Signups {
    /// Signs a participant up: one row, one transaction, one flush.
    ///
    /// The primary key decides who had signed up before. The id is computed, so a retry, also one
    /// after an unknown outcome, writes the same row.
    pub(crate) async fn sign_up(&self, signup: NewSignup) -> Result<SignedUp, StoreError> {
        let event = self.events.find(signup.event).await?;
        let id = SignupId::derive(&event.salt, event.id, &signup.email);
        if let Err(not_open) = event.admit(signup.at) {
            return self.first_signup(event.id, id, not_open).await;
        }

        let row = Row { event, id, signup };
        let written = insert::insert(&self.primary, &row).await?;

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
            .read(async |connection| select::signup(connection, event, id).await)
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
        let recorded = self
            .primary
            .read(async |connection| select::signup(connection, event, id).await)
            .await?;
        Ok(Found {
            value: recorded.map(Checked::Recorded),
            served_by: ServedBy::Primary,
            cache: Cache::Bypass,
        })
    }

    /// One page of the attendance list, in the order of the primary key.
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
            .read(async |connection| select::page(connection, event.id, after, limit).await)
            .await?;
        Ok(Found {
            value: attendees,
            served_by: ServedBy::Primary,
            cache: Cache::Bypass,
        })
    }
}

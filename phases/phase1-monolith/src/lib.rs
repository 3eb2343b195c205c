//! Phase 1: the monolith, for 1,000 users.
//!
//! **What it is.** One server, one PostgreSQL, one `INSERT … ON CONFLICT` a signup. The answer
//! leaves after the commit. What a good engineer writes first: clean, prepared, pooled, with a
//! deadline on everything, and nothing clever.
//!
//! **Compared with the phase before.** There is none: this is what the others are compared with.
//!
//! **What it buys.** There is one copy of the truth, and no moment in which two parts disagree. A
//! 201 means committed and fsynced; a count is exact at its `as_of`; nothing has to be drained, caught up or
//! invalidated.
//!
//! **What it costs.** Every signup is a round trip, a transaction and a flush of its own, and
//! every count reads the event's whole index range. The figures are in `results/`.
//!
//! **Where it breaks.** Writes: at the CPU cap of the one server, which carries each signup to the
//! database and back by itself. Counts: sooner, at the database's cap, because their cost grows with
//! the number of signups. And when the one database is away, everything is.
//!
//! **Read in this order:** `signups` → `insert` → `events` → `select` → `db` → `pool` → `outcome` → `schema` →
//! `config` → `metrics` → `main`.

#[cfg(feature = "broken")]
mod broken;
mod config;
mod db;
mod events;
mod insert;
mod metrics;
mod outcome;
mod pool;
mod schema;
mod select;
mod signups;

pub use config::Config;

use db::Database;
use events::Events;
use metrics::StoreMetrics;
use signup_domain::{
    Attendee, Checked, Counted, Event, EventId, Found, NewEvent, NewSignup, Page, SignedUp,
    SignupId, SignupStore, StoreError,
};
use signup_service::{Listeners, Metrics, Secrets};
use signups::Signups;
use tokio_util::sync::CancellationToken;

/// How phase 1 keeps signups: in one database.
#[derive(Clone)]
struct Store {
    primary: Database,
    events: Events,
    signups: Signups,
    #[cfg(feature = "broken")]
    broken: Option<config::Broken>,
}

impl SignupStore for Store {
    async fn sign_up(&self, signup: NewSignup) -> Result<SignedUp, StoreError> {
        #[cfg(feature = "broken")]
        if let Some(broken) = self.broken {
            return broken::sign_up(&self.signups, &self.events, signup, broken).await;
        }
        self.signups.sign_up(signup).await
    }

    async fn find(
        &self,
        event: EventId,
        id: SignupId,
    ) -> Result<Found<Option<Checked>>, StoreError> {
        self.signups.find(event, id).await
    }

    async fn describe(&self, id: EventId) -> Result<Event, StoreError> {
        let event = self.events.find(id).await?;
        Ok(Event::clone(&event))
    }

    async fn event(&self, id: EventId) -> Result<Found<Counted>, StoreError> {
        self.events.count(id).await
    }

    async fn list(&self, event: EventId, page: Page) -> Result<Found<Vec<Attendee>>, StoreError> {
        self.signups.list(event, page).await
    }

    async fn create_event(&self, event: NewEvent) -> Result<Event, StoreError> {
        self.events.create(event).await
    }

    /// Ready while the database answers, and takes writes.
    async fn ready(&self) -> Result<(), StoreError> {
        self.primary.takes_writes().await
    }
}

/// Puts the phase together.
fn wire(config: &Config, metrics: &Metrics) -> anyhow::Result<Store> {
    let metrics = StoreMetrics::new(metrics)?;
    let primary = Database::primary(config, metrics.primary)?;
    let counts = Database::counts(config, metrics.counts)?;
    let events = Events::new(primary.clone(), counts);
    let signups = Signups {
        events: events.clone(),
        primary: primary.clone(),
        metrics: metrics.signups,
    };
    Ok(Store {
        primary,
        events,
        signups,
        #[cfg(feature = "broken")]
        broken: config.broken,
    })
}

/// What comes before the first request, for as long as the database is away.
async fn start_up(config: &Config) -> anyhow::Result<()> {
    signup_service::until_done(|| schema::prepare(config), schema::may_pass).await
}

/// Serves until `stop`, and then drains.
///
/// # Errors
/// When a setting is wrong, or the database has the schema of another version.
pub async fn serve(
    config: Config,
    listeners: Listeners,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let secrets = Secrets::read(&config.service)?;
    let metrics = Metrics::new("phase1", config.service.max_in_flight)?;
    let store = wire(&config, &metrics)?;
    let startup = Box::pin(start_up(&config));
    signup_service::serve(
        &config.service,
        secrets,
        store,
        metrics,
        listeners,
        startup,
        stop,
    )
    .await
}

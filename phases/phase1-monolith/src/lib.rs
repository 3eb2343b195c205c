//! Phase 1: the monolith, for 1,000 users.
//!
//! **What it is.** One server, one PostgreSQL, one `INSERT … ON CONFLICT` a signup. The answer
//! leaves after the commit. What a good engineer writes first: clean, prepared, pooled, with a
//! deadline on everything, and nothing clever.
//!
//! **What it buys.** There is one copy of the truth, and no moment in which two parts disagree. A
//! 201 means committed and fsynced; a count is exact; nothing has to be drained, caught up or
//! invalidated.
//!
//! **What it costs.** Every signup is a round trip, a transaction and a flush of its own, and
//! every count reads the event's whole index range. The figures are in `results/`.
//!
//! **Where it breaks.** Writes: at the CPU cap of the one server, which carries each signup to the
//! database and back by itself. Counts: sooner, at the database's cap, because their price grows with
//! the signups. And when the one database is away, everything is.
//!
//! **Read in this order:** `signups` → `events` → `db` → `config` → `main`.

#[cfg(feature = "broken")]
mod broken;
mod config;
mod db;
mod events;
mod signups;

pub use config::Config;

use db::Database;
use signup_domain::{
    Attendee, Checked, Counted, Event, EventId, Found, NewEvent, NewSignup, Page, SignedUp,
    SignupId, SignupStore, StoreError,
};
use signup_service::{Listeners, Metrics, PoolMetrics, Secrets, SignupMetrics};
use tokio_util::sync::CancellationToken;

/// How phase 1 keeps signups: in one database.
#[derive(Clone)]
struct Monolith {
    database: Database,
    events: events::Events,
    metrics: SignupMetrics,
    #[cfg(feature = "broken")]
    broken: Option<broken::Broken>,
}

impl SignupStore for Monolith {
    async fn sign_up(&self, signup: NewSignup) -> Result<SignedUp, StoreError> {
        #[cfg(feature = "broken")]
        if let Some(broken) = self.broken {
            return broken::sign_up(self, signup, broken).await;
        }
        signups::sign_up(self, signup).await
    }

    async fn find(
        &self,
        event: EventId,
        id: SignupId,
    ) -> Result<Found<Option<Checked>>, StoreError> {
        signups::find(&self.database, event, id).await
    }

    async fn event(&self, id: EventId) -> Result<Found<Counted>, StoreError> {
        events::count(self, id).await
    }

    async fn list(&self, event: EventId, page: Page) -> Result<Found<Vec<Attendee>>, StoreError> {
        signups::list(self, event, page).await
    }

    async fn create_event(&self, event: NewEvent) -> Result<Event, StoreError> {
        events::create(&self.database, event).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.database.ping().await
    }
}

/// Serves until `stop`, and then drains.
///
/// # Errors
/// When a setting is wrong, or the database cannot be reached or migrated at the start.
pub async fn serve(
    config: Config,
    listeners: Listeners,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let secrets = Secrets::read(&config.service)?;
    let metrics = Metrics::new("phase1", config.service.max_in_flight)?;
    let pool = PoolMetrics::new(metrics.registry(), "primary")?;
    let database = Database::new(&config, pool)?;
    let store = Monolith {
        database: database.clone(),
        events: events::Events::default(),
        metrics: SignupMetrics::new(metrics.registry())?,
        #[cfg(feature = "broken")]
        broken: config.broken,
    };
    let startup = database.migrate();
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

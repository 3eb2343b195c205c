//! The streaming replica: takes the reads off the primary, may be late, and may be gone.
//!
//! A "yes" of the replica is as good as the primary's, because a signup never changes. A "no" only
//! means "not here yet". Who asks it gets `None` when it fails, and goes on to the primary.

use crate::cached::{Count, age};
use crate::db::Database;
use crate::metrics::ReadMetrics;
use crate::select;
use deadpool_postgres::Client;
use signup_domain::{EventId, StoreError};
use signup_service::Breaker;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use tokio_postgres::Error;

/// How often it is looked after, whoever asks for what: its age is measured once a scrape.
const WATCH: Duration = Duration::from_secs(5);

/// The replica, and whether it is worth asking.
#[derive(Clone)]
pub(crate) struct Replica {
    database: Database,
    /// The same replica, over the connection that counts: a count may take long and fail, and is no reason
    /// to leave the replica alone.
    counts: Database,
    breaker: Arc<Breaker>,
    last_as_of: Arc<Mutex<OffsetDateTime>>,
    metrics: ReadMetrics,
}

impl Replica {
    /// The replica in `database`, which counts over `counts`.
    pub(crate) fn new(database: Database, counts: Database, metrics: ReadMetrics) -> Self {
        Self {
            database,
            counts,
            breaker: Arc::default(),
            // One that never answers gets older from here on.
            last_as_of: Arc::new(Mutex::new(OffsetDateTime::now_utc())),
            metrics,
        }
    }

    /// Opens the connections, if the replica is there.
    pub(crate) async fn warm_up(&self) {
        if let Err(error) = self.database.warm_up().await {
            tracing::warn!(%error, "starting without the replica");
            self.breaker.failed();
        }
    }

    /// Whether the replica answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.database.ping().await
    }

    /// Reads from the replica; `None` when it fails: ask the primary.
    pub(crate) async fn read<T>(
        &self,
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error> + Clone,
    ) -> Option<T> {
        if self.breaker.allows() {
            match self.database.read(statement).await {
                Ok(answer) => {
                    self.breaker.succeeded();
                    return Some(answer);
                }
                Err(error) => {
                    if self.breaker.failed() {
                        tracing::warn!(%error, "the replica failed; going on without it");
                    }
                }
            }
        }
        self.metrics.without_replica.inc();
        None
    }

    /// The number of signups the replica shows and the time up to which it shows them, and how late it was
    /// when it began to count.
    pub(crate) async fn count(&self, event: EventId) -> Option<(Count, Duration)> {
        // First the time, then the count: what arrives in between makes it no older. And whoever hangs is
        // found out by the short question.
        let as_of = self.read(async |client| as_of(client).await).await?;
        self.show_lag(as_of);
        let counted = match as_of {
            Some(as_of) => self.count_after(as_of, event).await,
            None => None,
        };
        if counted.is_none() {
            self.was_late();
        }
        counted
    }

    async fn count_after(
        &self,
        as_of: OffsetDateTime,
        event: EventId,
    ) -> Option<(Count, Duration)> {
        let late = age(as_of);
        let counted = self
            .counts
            .read(async |client| select::count(client, event).await);
        match counted.await {
            Ok(signups) => Some((Count { signups, as_of }, late)),
            Err(error) => {
                tracing::warn!(%error, "the replica did not count");
                None
            }
        }
    }

    /// Counts a read that went on to the primary although the replica answered: it is late. One
    /// that failed is counted by `read`.
    pub(crate) fn was_late(&self) {
        self.metrics.without_replica.inc();
    }

    /// Measures the replica's age for the metrics, until the process ends. Opens connections again that
    /// it lost, or never had because it came up later: when Redis is emptied, reads come all at once.
    pub(crate) async fn watch(self) {
        loop {
            tokio::time::sleep(WATCH).await;
            // What fails here fails again below, where it is shown as age.
            let _ = self.database.keep_warm().await;
            // Not `read`: no request goes without the replica here.
            let as_of = self.database.read(async |client| as_of(client).await);
            self.show_lag(as_of.await.ok().flatten());
        }
    }

    /// Shows the replica's age: while it cannot be asked, or cannot tell, the age of the last answer.
    fn show_lag(&self, as_of: Option<OffsetDateTime>) {
        let mut last = self
            .last_as_of
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = as_of.unwrap_or(*last);
        let lag = age(*last);
        self.metrics.replica_lag_seconds.set(lag.as_secs_f64());
    }
}

/// The time up to which the replica shows everything; `None` when it cannot tell.
///
/// That of the last commit it replayed; or, if it has replayed all that the primary had when it sent
/// its last message, the time of that message. While the two are connected, one comes at least every
/// half second (`wal_receiver_timeout`, compose/postgres).
async fn as_of(client: &Client) -> Result<Option<OffsetDateTime>, Error> {
    let statement = client
        .prepare_cached(
            "SELECT greatest(
                 pg_last_xact_replay_timestamp(),
                 max(last_msg_send_time) FILTER (WHERE latest_end_lsn <= pg_last_wal_replay_lsn()))
             FROM pg_stat_wal_receiver",
        )
        .await?;
    Ok(client.query_one(&statement, &[]).await?.get(0))
}

//! The streaming replica: takes the reads off the primary, may be late, and may be gone.
//!
//! A "yes" of the replica is as good as the primary's, because a signup never changes. A "no" only
//! means "not here yet". Who asks it gets `None` when it fails, and goes on to the primary.

use crate::breaker::Breaker;
use crate::cache::{Count, age};
use crate::db::Database;
use crate::metrics::ReadMetrics;
use deadpool_postgres::Client;
use signup_domain::{EventId, StoreError};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio_postgres::Error;

/// How often its age is measured when nobody asks for a count: once a scrape.
const WATCH: Duration = Duration::from_secs(5);

/// The replica, and whether it is worth asking.
#[derive(Clone)]
pub(crate) struct Replica {
    database: Database,
    breaker: Arc<Breaker>,
    metrics: ReadMetrics,
}

impl Replica {
    /// The replica in `database`.
    pub(crate) fn new(database: Database, metrics: ReadMetrics) -> Self {
        Self {
            database,
            breaker: Arc::new(Breaker::new()),
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
        statement: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Option<T> {
        if self.breaker.allows() {
            match self.database.read(statement).await {
                Ok(answer) => {
                    self.breaker.succeeded();
                    return Some(answer);
                }
                Err(error) => {
                    tracing::warn!(%error, "the replica failed");
                    self.breaker.failed();
                }
            }
        }
        self.metrics.without_replica.inc();
        None
    }

    /// The number of signups the replica shows, and the time up to which it shows them.
    pub(crate) async fn count(&self, event: EventId) -> Option<Count> {
        let count = self
            .read(async |client| {
                // First the time, then the count: what arrives in between makes it no older. Both
                // are sent at once and answered in this order.
                let (as_of, signups) = tokio::try_join!(as_of(client), async {
                    let statement = client
                        .prepare_cached("SELECT count(*) FROM signups WHERE event_id = $1")
                        .await?;
                    let row = client.query_one(&statement, &[event.as_uuid()]).await?;
                    Ok(row.get::<_, i64>(0).unsigned_abs())
                })?;
                Ok((as_of, signups))
            })
            .await;
        let (as_of, signups) = count?;
        let count = Count {
            signups,
            as_of: as_of?,
        };
        self.show_lag(count);
        Some(count)
    }

    /// Measures the replica's age for the metrics, until the process ends.
    pub(crate) async fn watch(self) {
        loop {
            tokio::time::sleep(WATCH).await;
            if let Some(Some(as_of)) = self.read(async |client| as_of(client).await).await {
                self.show_lag(Count { signups: 0, as_of });
            }
        }
    }

    fn show_lag(&self, count: Count) {
        let lag = age(count).as_secs_f64();
        self.metrics.replica_lag_seconds.set(lag);
    }
}

/// The time up to which the replica shows everything; `None` when it cannot tell.
///
/// It has replayed all it received: then it is as fresh as the primary's last message, which comes
/// at least every half second while the two are connected. Else: as the last commit it replayed.
async fn as_of(client: &Client) -> Result<Option<OffsetDateTime>, Error> {
    let statement = client
        .prepare_cached(
            "SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
                         THEN greatest(pg_last_xact_replay_timestamp(), max(last_msg_send_time))
                         ELSE pg_last_xact_replay_timestamp() END
             FROM pg_stat_wal_receiver",
        )
        .await?;
    Ok(client.query_one(&statement, &[]).await?.get(0))
}

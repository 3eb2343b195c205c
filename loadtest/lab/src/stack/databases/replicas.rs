//! Waits until the replicas hold what their owners do.

use super::Databases;
use crate::stack::phases::Role;
use anyhow::Context;
use lab_truth::evidence::{CATCH_UP_TIMEOUT, CatchUp};
use sqlx::PgPool;
use std::time::{Duration, Instant};

/// How often it is asked.
const CATCH_UP_STEP: Duration = Duration::from_millis(20);

impl Databases {
    /// Waits until every replica has replayed what its owner has flushed by now, which is all that
    /// was ever acknowledged.
    ///
    /// # Errors
    /// When an owner does not answer. A replica that does not is behind.
    pub async fn wait_for_replicas(&self) -> anyhow::Result<CatchUp> {
        let mut caught_up = CatchUp::default();
        let began = Instant::now();
        for (replica, pool) in &self.all {
            let Role::Replica { of } = replica.role else {
                continue;
            };
            let owner = self.all.iter().find(|(owner, _)| owner.service == of);
            let (address, owner) = owner.with_context(|| format!("no database {of}"))?;
            let position: String = sqlx::query_scalar("SELECT pg_current_wal_flush_lsn()::text")
                .fetch_one(owner)
                .await
                .with_context(|| address.unreachable())?;
            let behind = loop {
                let Err(behind) = has_replayed(pool, &position).await else {
                    break None;
                };
                if began.elapsed() > CATCH_UP_TIMEOUT {
                    break Some(behind);
                }
                tokio::time::sleep(CATCH_UP_STEP).await;
            };
            caught_up.took = Some(began.elapsed());
            caught_up
                .behind
                .extend(behind.map(|why| format!("{} {why}", replica.service)));
        }
        Ok(caught_up)
    }
}

/// Whether a replica has replayed all up to `position`; otherwise where it is.
async fn has_replayed(replica: &PgPool, position: &str) -> Result<(), String> {
    let replayed: sqlx::Result<(bool, Option<String>)> = sqlx::query_as(
        "SELECT pg_is_in_recovery() AND (pg_last_wal_replay_lsn() >= $1::text::pg_lsn) IS TRUE,
                pg_last_wal_replay_lsn()::text",
    )
    .bind(position)
    .fetch_one(replica)
    .await;
    match replayed {
        Ok((true, _)) => Ok(()),
        Ok((false, at)) => {
            let at = at.as_deref().unwrap_or("nothing");
            Err(format!("has replayed {at} of {position}"))
        }
        Err(error) => Err(format!("does not answer: {error}")),
    }
}

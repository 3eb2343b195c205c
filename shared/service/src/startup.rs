//! Starting while what a process stands on is away: its probes answer meanwhile, and it can be stopped.

use anyhow::Context;
use backon::{ConstantBuilder, Retryable};
use std::time::Duration;
use tokio::time::timeout;

/// From one attempt to the next.
pub const ATTEMPT_PAUSE: Duration = Duration::from_millis(500);

/// One attempt: far longer than a migration takes, so that a database that falls silent in the middle of
/// it is tried again.
const ATTEMPT: Duration = Duration::from_secs(60);

/// Tries once.
///
/// # Errors
/// What `work` fails with; or that it took longer than any attempt should.
pub async fn attempt<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    timeout(ATTEMPT, work).await.context("not in time")?
}

/// Tries `work` until it succeeds, for as long as that takes.
///
/// # Errors
/// What an attempt fails with that cannot pass by itself.
pub async fn until_done<F>(
    mut work: impl FnMut() -> F,
    may_pass: fn(&anyhow::Error) -> bool,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let again = ConstantBuilder::default().with_delay(ATTEMPT_PAUSE);
    (|| attempt(work()))
        .retry(again.without_max_times())
        .when(may_pass)
        .notify(|error, _| tracing::warn!(error = format!("{error:#}"), "waiting to start"))
        .await
}

//! Starting while what a process stands on is away: its probes answer meanwhile, and it can be stopped.

use anyhow::Context;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// From one attempt to the next.
const PAUSE: Duration = Duration::from_millis(500);

/// One attempt: far longer than a migration takes, so that a database that falls silent in the middle of
/// it is tried again.
const ATTEMPT: Duration = Duration::from_secs(60);

/// Tries `attempt` until it succeeds, for as long as that takes.
///
/// # Errors
/// What an attempt fails with that cannot pass by itself.
pub async fn until_done<F>(
    mut attempt: impl FnMut() -> F,
    may_pass: fn(&anyhow::Error) -> bool,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    loop {
        let done = timeout(ATTEMPT, attempt()).await.context("not in time");
        match done.and_then(|done| done) {
            Err(error) if may_pass(&error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "waiting to start");
            }
            done => return done,
        }
        sleep(PAUSE).await;
    }
}

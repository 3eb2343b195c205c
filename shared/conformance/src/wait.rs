//! Waiting, within a bound, for what the contract allows to be late.

use crate::{Result, Target};
use anyhow::Context;
use std::future::Future;
use std::time::{Duration, Instant};

/// How late an accepted signup or a cached count may be seen before a case fails. Far over what a
/// phase needs (a cached count is 1 s old at most), so that a slow machine is not a failed case.
const VISIBLE_WITHIN: Duration = Duration::from_secs(10);

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// How long after a refusal a wrongly kept signup would be seen: longer than a cached count lives.
pub(crate) const SETTLED: Duration = Duration::from_millis(1_500);

/// Looks again until `look` succeeds; gives its last error when it never does.
pub(crate) async fn eventually<T, F, Fut>(target: &Target, mut look: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let within = VISIBLE_WITHIN + target.patience;
    let deadline = Instant::now() + within;
    loop {
        match look().await {
            Err(_) if Instant::now() < deadline => tokio::time::sleep(BETWEEN_LOOKS).await,
            Err(error) => {
                return Err(error).context(format!("still so after {within:?}"));
            }
            seen => return seen,
        }
    }
}

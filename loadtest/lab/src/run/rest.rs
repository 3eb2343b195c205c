//! Waits until a phase has nothing left to write: the queues are empty, the writer has nothing in
//! hand, and no statement runs in a database.

mod stall;

use super::steps::Steps;
use crate::stack::databases::Databases;
use crate::stack::queue::Queue;
use anyhow::bail;
use stall::Stall;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long all must be at rest to count as at rest: what is on its way from one to the next is in
/// none of them for some milliseconds.
const QUIET: Duration = Duration::from_secs(1);

/// And how long when fewer signups are recorded than were acknowledged, before what is missing is
/// called lost.
const DOUBT: Duration = Duration::from_secs(10);

/// How often it is looked.
const STEP: Duration = Duration::from_millis(100);

/// A database that is reached at all answers within this.
const ANSWER: Duration = Duration::from_secs(15);

/// How a phase came to rest.
#[derive(Debug, Clone, Default)]
pub(super) struct Rest {
    /// When something was last seen at work; `None` when nothing was.
    pub(super) busy_until: Option<Instant>,
    /// What was left in the queue when nothing moved any more, in words; `None` when nothing was.
    pub(super) left: Option<String>,
}

/// What is at work, in words.
struct Work {
    what: String,
    /// Messages in the queues; `None` when only the databases are waited for.
    messages: Option<u64>,
}

/// Waits for it. `acknowledged` participants are to have a row at the end.
///
/// # Errors
/// When a database never comes to rest: then nothing can be read. (A queue that does not is a
/// finding.)
pub(super) async fn wait(
    databases: &Databases,
    queue: Option<&Queue>,
    acknowledged: u64,
    steps: &dyn Steps,
) -> anyhow::Result<Rest> {
    let mut stall = Stall::new(Instant::now(), acknowledged);
    let mut rest = Rest::default();
    let mut quiet_since = Instant::now();
    loop {
        let Some(work) = at_work(databases, queue).await else {
            let quiet = quiet_since.elapsed();
            let all_there = async || recorded(databases).await >= Some(acknowledged);
            if quiet >= DOUBT || quiet >= QUIET && (queue.is_none() || all_there().await) {
                return Ok(rest);
            }
            tokio::time::sleep(STEP).await;
            continue;
        };
        quiet_since = Instant::now();
        rest.busy_until = Some(quiet_since);
        if work.messages.is_some() && stall.wants_to_know(quiet_since) {
            stall.is_told(quiet_since, recorded(databases).await);
            steps.say(&stall.line(&work.what));
        }
        stall.saw(quiet_since, work.messages);
        if let Some(why) = stall.is_over(quiet_since) {
            let Work { what, messages } = work;
            if messages.is_none() {
                bail!("it did not come to rest: {what}, and {why}");
            }
            rest.left = Some(format!("{what}, and {why}"));
            return Ok(rest);
        }
        tokio::time::sleep(STEP).await;
    }
}

async fn recorded(databases: &Databases) -> Option<u64> {
    let recorded = timeout(ANSWER, databases.recorded()).await;
    recorded.ok().flatten()
}

/// What is at work right now; `None` when nothing is. The databases are left in peace as long as
/// there is something for them to do.
async fn at_work(databases: &Databases, queue: Option<&Queue>) -> Option<Work> {
    if let Some(queue) = queue {
        let (what, messages) = match queue.waiting().await {
            Ok(waiting) if waiting.is_nothing() => return idle(databases).await,
            Ok(waiting) => (waiting.to_string(), waiting.messages),
            // Nobody knows: it may be starting, or away.
            Err(error) => (format!("{error:#}"), u64::MAX),
        };
        let messages = Some(messages);
        return Some(Work { what, messages });
    }
    idle(databases).await
}

async fn idle(databases: &Databases) -> Option<Work> {
    let what = match timeout(ANSWER, databases.at_work()).await {
        Ok(at_work) => at_work?,
        Err(_) => format!("a database did not answer for {} s", ANSWER.as_secs()),
    };
    let messages = None;
    Some(Work { what, messages })
}

//! Write-behind: recorded signups on their way to Redis, for which nobody waits.
//!
//! What is recorded within a few milliseconds goes in one message. A message a batch woke Redis, and the
//! server for its answer, once for each signup that comes alone; and beside the answer it followed.

use crate::entry;
use crate::redis::{Entry, Redis};
use signup_domain::{Event, Recorded, SignupId};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long signups are gathered. The answer has left by then, and a participant who checks the
/// receipt sooner than that, at the other server, is answered by a database.
const GATHER: Duration = Duration::from_millis(5);

/// Most signups on their way: a server's share of 10,000 a second for 0.2 s. What does not fit is
/// dropped, and a database answers for it.
const QUEUE_LENGTH: usize = 1_024;

/// How long a signup is kept: participants check their receipt soon after they got it.
const KEEP: Duration = Duration::from_secs(600);

/// A recorded signup.
pub(crate) struct Signup {
    pub(crate) event: Arc<Event>,
    pub(crate) id: SignupId,
    pub(crate) recorded: Arc<Recorded>,
}

/// The way to Redis. Cloning shares it.
#[derive(Clone)]
pub(crate) struct WriteBehind(mpsc::Sender<Signup>);

impl WriteBehind {
    /// Starts the task that writes, which ends with the last clone of this.
    pub(crate) fn start(redis: Redis) -> Self {
        let (queue, signups) = mpsc::channel(QUEUE_LENGTH);
        tokio::spawn(write(redis, signups));
        Self(queue)
    }

    /// Has `signup` written soon, if there is room.
    pub(crate) fn write(&self, signup: Signup) {
        // No loss: what Redis does not get, a database answers.
        let _ = self.0.try_send(signup);
    }
}

async fn write(redis: Redis, mut signups: mpsc::Receiver<Signup>) {
    let mut gathered = Vec::with_capacity(QUEUE_LENGTH);
    while let Some(first) = signups.recv().await {
        tokio::time::sleep(GATHER).await;
        gathered.push(first);
        while let Ok(signup) = signups.try_recv() {
            gathered.push(signup);
        }
        // When it fails, a database answers for them.
        let _ = put(&redis, &gathered).await;
        gathered.clear();
    }
}

async fn put(redis: &Redis, signups: &[Signup]) -> Result<(), crate::redis::Failed> {
    let names: Vec<_> = signups
        .iter()
        .map(|signup| entry::signup_name(signup.id))
        .collect();
    let entries: Vec<_> = signups
        .iter()
        .zip(&names)
        .map(|(signup, name)| Entry {
            salt: &signup.event.salt,
            name,
            value: entry::bytes_of(&signup.recorded),
            keep: KEEP,
        })
        .collect();
    redis.put(&entries).await
}

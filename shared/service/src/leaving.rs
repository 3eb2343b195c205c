//! Whether connections are better off elsewhere: this process stops, lacks something that it needs, or has no
//! place left, and others accept from the same socket.

use crate::admission::Admission;
use crate::operations::Ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is asked whether anything is lacking.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_millis(300);

/// So many answers in a row say that something is lacking: within a second, and not because one was late.
const ANSWERS: u32 = 2;

/// What is known of it; one for the process.
#[derive(Clone, Default)]
pub(crate) struct Leaving {
    flags: Arc<Flags>,
    admission: Option<Admission>,
}

#[derive(Default)]
struct Flags {
    stops: AtomicBool,
    lacks_something: AtomicBool,
    is_alone: AtomicBool,
}

impl Leaving {
    pub(crate) fn new(admission: Admission) -> Self {
        Self {
            flags: Arc::default(),
            admission: Some(admission),
        }
    }

    /// Whether others are to accept first. Also before the start is over, when there are no places yet.
    pub(crate) fn yields(&self) -> bool {
        let flags = &self.flags;
        let is_full = || self.admission.as_ref().is_some_and(Admission::is_full);
        flags.stops.load(Ordering::Relaxed)
            || flags.lacks_something.load(Ordering::Relaxed)
            || is_full()
    }

    /// Whether each answer is the last of its connection: not where all lack the same, and the next connection
    /// would find no better.
    pub(crate) fn closes(&self) -> bool {
        let flags = &self.flags;
        flags.stops.load(Ordering::Relaxed)
            || flags.lacks_something.load(Ordering::Relaxed)
                && !flags.is_alone.load(Ordering::Relaxed)
    }

    /// The process stops.
    pub(crate) fn for_good(&self) {
        self.flags.stops.store(true, Ordering::Relaxed);
    }

    /// Whether nobody else was found to accept.
    pub(crate) fn set_alone(&self, is_alone: bool) {
        self.flags.is_alone.store(is_alone, Ordering::Relaxed);
    }

    /// Follows what `whole` says, until `end`.
    pub(crate) fn follow(&self, whole: Ready, end: CancellationToken) {
        let flags = Arc::clone(&self.flags);
        let follow = async move {
            let mut lacking = 0;
            loop {
                lacking = match timeout(ANSWER, whole()).await {
                    Ok(Ok(())) => 0,
                    _ => lacking + 1,
                };
                let lacks = lacking >= ANSWERS;
                flags.lacks_something.store(lacks, Ordering::Relaxed);
                sleep(ASK_EVERY).await;
            }
        };
        tokio::spawn(end.run_until_cancelled_owned(follow));
    }
}

//! Whether connections are better off elsewhere: this process stops, lacks something that it needs, has no
//! place left, or stands at its CPU cap, and others accept from the same socket.

use crate::admission::Admission;
use crate::operations::Ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is asked whether anything is lacking.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_millis(300);

/// So many answers in a row say that something is lacking: within a second, and not because one was late.
const ANSWERS: u32 = 2;

/// How long a task sleeps to see whether it wakes in time.
const TICK: Duration = Duration::from_millis(20);

/// One that wakes so much later was not let run: at its CPU cap a process stands still for a part of each
/// 100 ms.
const LATE: Duration = Duration::from_millis(20);

/// How long is watched before it is said that the process is late.
const WATCHED: Duration = Duration::from_millis(500);

/// So many late ticks in that time: in most of its five periods.
const LATE_TICKS: u32 = 3;

/// While the process is late, one answer in so many is the last of its connection: at 5,000 a second a few
/// hundred connections have moved within ten seconds or so, and to connect again costs nobody much.
const MOVED: u32 = 256;

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
    is_late: AtomicBool,
    /// Answers while it was late.
    late_answers: AtomicU32,
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

    /// Whether this answer is the last of its connection: not where all lack the same, and the next connection
    /// would find no better.
    pub(crate) fn closes(&self) -> bool {
        let flags = &self.flags;
        flags.stops.load(Ordering::Relaxed)
            || flags.lacks_something.load(Ordering::Relaxed)
                && !flags.is_alone.load(Ordering::Relaxed)
            || flags.is_late.load(Ordering::Relaxed)
                && (flags.late_answers.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(MOVED)
    }

    /// The process stops.
    pub(crate) fn for_good(&self) {
        self.flags.stops.store(true, Ordering::Relaxed);
    }

    /// Whether nobody else was found to accept.
    pub(crate) fn set_alone(&self, is_alone: bool) {
        self.flags.is_alone.store(is_alone, Ordering::Relaxed);
    }

    /// Follows what `whole` says, and whether this process is let run, until `end`.
    pub(crate) fn follow(&self, whole: Ready, end: CancellationToken) {
        let (asked, timed) = (Arc::clone(&self.flags), Arc::clone(&self.flags));
        let follow = async move { tokio::join!(asked.ask(whole), timed.watch_the_clock()) };
        tokio::spawn(end.run_until_cancelled_owned(follow));
    }
}

impl Flags {
    async fn ask(&self, whole: Ready) {
        let mut lacking = 0;
        loop {
            lacking = match timeout(ANSWER, whole()).await {
                Ok(Ok(())) => 0,
                _ => lacking + 1,
            };
            let lacks = lacking >= ANSWERS;
            self.lacks_something.store(lacks, Ordering::Relaxed);
            sleep(ASK_EVERY).await;
        }
    }

    async fn watch_the_clock(&self) {
        loop {
            let (began, mut late) = (Instant::now(), 0);
            while began.elapsed() < WATCHED {
                let slept = Instant::now();
                sleep(TICK).await;
                late += u32::from(slept.elapsed() > TICK + LATE);
            }
            self.is_late.store(late >= LATE_TICKS, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn a_process_that_is_not_let_run_ends_a_few_of_its_connections() {
        let leaving = Leaving::default();
        let whole: Ready = Arc::new(|| async { Ok(()) }.boxed());
        leaving.follow(whole, CancellationToken::new());
        while !leaving.flags.is_late.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
            // As at a cap: nothing of this process runs.
            std::thread::sleep(Duration::from_millis(60));
        }
        let ended = (0..10 * MOVED).filter(|_| leaving.closes()).count();
        assert_eq!((ended, leaving.yields()), (10, false));
    }
}

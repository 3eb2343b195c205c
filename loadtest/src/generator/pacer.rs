//! The pacer: hands out each request at its intended instant, from a thread of its own.
//!
//! An asynchronous timer has a resolution of a millisecond and waits behind other tasks; a thread
//! that sleeps in the kernel is woken within about 0.1 ms and burns nothing meanwhile.

use super::priority;
use super::progress::Progress;
use super::{Clock, Request, Shared};
use crate::schedule::{Arrival, Schedule};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// It wakes up no more often than this, and hands out what has come due meanwhile: a wake-up costs
/// more than a request's share of the generator, and a delay of a quarter of what the schedule lag
/// may be is in the latency that is reported.
const TICK_NS: u64 = 250_000;

/// The requests in flight are counted every 2 ms, at instants that have nothing to do with the
/// arrivals: the mean is then independent of the records it is checked against (Little's law).
const SAMPLE_EVERY_NS: u64 = 2_000_000;

/// How long a request that was sent may take to end after the deadline: the request timeout ends
/// it, unless its slot is gone.
const LET_GO: Duration = Duration::from_secs(12);

/// A request whose instant has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    pub(super) clock: Clock,
    pub(super) request: Request,
}

pub(super) struct Pacer {
    clock: Clock,
    /// When the load ends even if requests are waiting, in nanoseconds since the start.
    deadline_ns: u64,
    scheduled: Peekable<std::vec::IntoIter<Arrival>>,
    /// Requests that follow from an answer, the earliest on top.
    following: BinaryHeap<Reverse<Request>>,
    follow_ups: Receiver<Request>,
    shared: Arc<Shared>,
    next_sample_ns: u64,
    paced: Paced,
}

/// What the pacer saw.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Paced {
    /// Requests that were due, dependent ones included.
    pub(super) due: u64,
    /// Requests that were due when every slot was taken.
    pub(super) waited_for_slot: u64,
    /// Whether its thread had real-time scheduling.
    pub(super) raised: bool,
    in_flight_sum: u64,
    samples: u64,
}

impl Paced {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub(super) fn in_flight_mean(&self) -> f64 {
        self.in_flight_sum as f64 / self.samples.max(1) as f64
    }
}

impl Pacer {
    pub(super) fn new(
        schedule: Schedule,
        clock: Clock,
        deadline_ns: u64,
        follow_ups: Receiver<Request>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            clock,
            deadline_ns,
            scheduled: schedule.arrivals.into_iter().peekable(),
            following: BinaryHeap::new(),
            follow_ups,
            shared,
            next_sample_ns: 0,
            paced: Paced::default(),
        }
    }

    /// Hands everything out. Returns when the last answer is in; after the deadline or a stop, when
    /// the slots have let go of what they had. No ticket follows.
    pub(super) fn run(mut self) -> Paced {
        self.paced.raised = priority::raise_this_thread();
        loop {
            let now = self.clock.now_ns();
            self.hand_out_until(now);
            self.sample(now);
            if now >= self.deadline_ns || self.shared.stop.is_cancelled() || self.is_done() {
                break;
            }
            // Nobody wakes it for a request that follows from an answer: those come half a second
            // later at the earliest, and it looks every 2 ms.
            let wake = self.wake_ns().max(now + TICK_NS);
            std::thread::sleep(Duration::from_nanos(
                wake.saturating_sub(self.clock.now_ns()),
            ));
            self.following
                .extend(self.follow_ups.try_iter().map(Reverse));
        }
        self.close();
        self.paced
    }

    fn hand_out_until(&mut self, now: u64) {
        while let Some(arrival) = self.scheduled.next_if(|arrival| arrival.at_ns <= now) {
            let receipt = None;
            self.hand_out(Request { arrival, receipt });
        }
        while let Some(Reverse(first)) = self.following.peek().copied() {
            if first.arrival.at_ns > now {
                break;
            }
            self.following.pop();
            self.hand_out(first);
        }
    }

    fn hand_out(&mut self, request: Request) {
        self.paced.due += 1;
        Progress::add(&self.shared.progress.due);
        if self.shared.open.fetch_add(1, Ordering::Relaxed) >= self.shared.slots {
            self.paced.waited_for_slot += 1;
        }
        let clock = self.clock;
        // An error means that the tickets were closed, which only this thread does, later.
        let _ = self.shared.tickets.try_send(Ticket { clock, request });
    }

    fn sample(&mut self, now: u64) {
        if now >= self.next_sample_ns {
            self.paced.in_flight_sum += Progress::read(&self.shared.progress.in_flight);
            self.paced.samples += 1;
            self.next_sample_ns = now - now % SAMPLE_EVERY_NS + SAMPLE_EVERY_NS;
        }
    }

    fn is_done(&mut self) -> bool {
        // A slot sends its follow-up first and lets go second. Read in the other order here: with
        // nothing open, no follow-up can still be on its way.
        let open = self.shared.open.load(Ordering::Acquire);
        self.following
            .extend(self.follow_ups.try_iter().map(Reverse));
        open == 0 && self.following.is_empty() && self.scheduled.peek().is_none()
    }

    fn wake_ns(&mut self) -> u64 {
        let scheduled = self.scheduled.peek().map_or(u64::MAX, |a| a.at_ns);
        let following = self.following.peek();
        scheduled
            .min(following.map_or(u64::MAX, |Reverse(request)| request.arrival.at_ns))
            .min(self.next_sample_ns)
            .min(self.deadline_ns)
    }

    /// Ends the load: requests that no slot has taken are dropped, those that were sent end.
    fn close(&mut self) {
        self.shared.tickets.close();
        let mut dropped = self.scheduled.len() + self.following.len();
        while self.shared.untaken.try_recv().is_ok() {
            dropped += 1;
            self.shared.open.fetch_sub(1, Ordering::AcqRel);
        }
        let began = self.clock.now_ns();
        let mut waited = Duration::ZERO;
        while self.shared.open.load(Ordering::Acquire) > 0 && waited < LET_GO {
            std::thread::sleep(Duration::from_millis(1));
            let now = self.clock.now_ns();
            self.sample(now);
            waited = Duration::from_nanos(now - began);
        }
        dropped += self.follow_ups.try_iter().count();
        let dropped = dropped as u64;
        self.shared
            .progress
            .dropped
            .fetch_add(dropped, Ordering::Relaxed);
    }
}

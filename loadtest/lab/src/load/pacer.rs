//! The pacer: hands out each request at its intended instant.
//!
//! A task on the generator's own thread, woken by the kernel's timer together with the answers: as a
//! thread of its own it had to wake the one that sends, which took 6.6 % of the generator's CPU.

use super::alarm::Alarm;
use super::progress::Progress;
use super::shared::Shared;
use super::ticket::{Clock, Request, Ticket};
use lab_truth::plan::{Arrival, Schedule};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// It hands out no more often than this, and then all that has come due meanwhile: a wake-up costs
/// more than a request's share of the generator, and a delay of a quarter of what the schedule lag
/// may be is in the latency that is reported.
const TICK_NS: u64 = 250_000;

/// The requests in flight are counted every 2 ms, at instants that have nothing to do with the
/// arrivals: the mean is then independent of the records it is checked against (Little's law).
const SAMPLE_EVERY_NS: u64 = 2_000_000;

/// How long a request that was sent may take to end after the deadline: the request timeout ends
/// it, unless its slot is gone.
const LET_GO: Duration = Duration::from_secs(12);

pub(super) struct Pacer {
    clock: Clock,
    /// When the load ends even if requests are waiting, in nanoseconds since the start.
    deadline_ns: u64,
    scheduled: Peekable<std::vec::IntoIter<Arrival>>,
    /// Requests that follow from an answer, the earliest on top.
    following: BinaryHeap<Reverse<Request>>,
    follow_ups: Receiver<Request>,
    shared: Arc<Shared>,
    /// Due now; empty between ticks.
    tickets: Vec<Ticket>,
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
    /// Whether the load was stopped before its end, by its caller or by goose.
    pub(super) stopped: bool,
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
            tickets: Vec::new(),
            next_sample_ns: 0,
            paced: Paced::default(),
        }
    }

    /// Hands everything out. Returns when the last answer is in; after the deadline or a stop, when
    /// the slots have let go of what they had. No ticket follows.
    ///
    /// # Errors
    /// When the system has no timer for it.
    pub(super) async fn run(mut self) -> io::Result<Paced> {
        let paced = self.pace().await;
        self.close().await;
        paced.map(|()| self.paced)
    }

    async fn pace(&mut self) -> io::Result<()> {
        let alarm = Alarm::new()?;
        loop {
            let now = self.clock.now_ns();
            // First: what is handed out now has not been sent yet.
            self.sample(now);
            self.hand_out_until(now);
            if now >= self.deadline_ns || self.shared.stop.is_cancelled() || self.is_done() {
                return Ok(());
            }
            // Nobody wakes it for a request that follows from an answer: those come half a second
            // later at the earliest, and it looks every 2 ms.
            let wake = self.wake_ns(now).saturating_sub(self.clock.now_ns());
            alarm.sleep(Duration::from_nanos(wake)).await?;
            self.following
                .extend(self.follow_ups.try_iter().map(Reverse));
        }
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
        if !self.tickets.is_empty() {
            self.shared.feed.hand_out(&mut self.tickets);
        }
    }

    fn hand_out(&mut self, request: Request) {
        self.paced.due += 1;
        Progress::add(&self.shared.progress.due);
        let open = self.shared.open.fetch_add(1, Ordering::Relaxed);
        let waited_for_slot = open >= self.shared.slots;
        self.paced.waited_for_slot += u64::from(waited_for_slot);
        self.tickets.push(Ticket {
            clock: self.clock,
            request,
            waited_for_slot,
        });
    }

    fn sample(&mut self, now: u64) {
        if now >= self.next_sample_ns {
            self.paced.in_flight_sum += Progress::read(&self.shared.progress.in_flight);
            self.paced.samples += 1;
            // What else is to be looked at from time to time.
            self.shared.client.sweep();
            if goose::is_killswitch_triggered() {
                self.shared.stop.cancel();
            }
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

    /// Samples are not moved to the next tick: taken always when a batch is about to be sent, they
    /// would miss requests that take less than a tick.
    fn wake_ns(&mut self, now: u64) -> u64 {
        let scheduled = self.scheduled.peek().map_or(u64::MAX, |a| a.at_ns);
        let following = self.following.peek();
        scheduled
            .min(following.map_or(u64::MAX, |Reverse(request)| request.arrival.at_ns))
            .max(now + TICK_NS)
            .min(self.next_sample_ns)
            .min(self.deadline_ns)
    }

    /// Ends the load: requests that no slot has taken are dropped, those that were sent end.
    async fn close(&mut self) {
        self.paced.stopped = self.shared.stop.is_cancelled();
        let untaken = self.shared.feed.close();
        self.shared.open.fetch_sub(untaken, Ordering::AcqRel);
        let mut dropped = self.scheduled.len() + self.following.len() + untaken;
        let began = self.clock.now_ns();
        let mut waited = Duration::ZERO;
        while self.shared.open.load(Ordering::Acquire) > 0 && waited < LET_GO {
            tokio::time::sleep(Duration::from_millis(1)).await;
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

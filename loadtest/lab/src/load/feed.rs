//! Tickets on their way from the pacer to the slots. The slot that came to wait last is called first.
//!
//! At any rate only as many slots are at work as requests are in flight, so their memory stays in
//! the cache, and goose gets its metrics in a few full batches rather than in many small ones.

use super::ticket::Ticket;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A queue of tickets and a stack of slots that wait for one. Used on one thread only: its lock is
/// there because the compiler cannot know that, and is always free.
pub(super) struct Feed(Mutex<State>);

struct State {
    tickets: VecDeque<Ticket>,
    waiting: Vec<(usize, Waker)>,
    /// Whether the slot of this number is in `waiting`.
    waits: Vec<bool>,
    closed: bool,
}

impl Feed {
    pub(super) fn new(slots: usize) -> Self {
        Self(Mutex::new(State {
            tickets: VecDeque::new(),
            waiting: Vec::with_capacity(slots),
            waits: vec![false; slots],
            closed: false,
        }))
    }

    /// The next ticket for slot `slot`; `None` when no more will follow.
    pub(super) async fn take(&self, slot: usize) -> Option<Ticket> {
        poll_fn(|context| self.poll_take(slot, context)).await
    }

    fn poll_take(&self, slot: usize, context: &mut Context<'_>) -> Poll<Option<Ticket>> {
        let mut state = self.state();
        if let Some(ticket) = state.tickets.pop_front() {
            return Poll::Ready(Some(ticket));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        // Polled for another reason than a ticket, it is there already.
        if !std::mem::replace(&mut state.waits[slot], true) {
            state.waiting.push((slot, context.waker().clone()));
        }
        Poll::Pending
    }

    /// Takes everything out of `tickets`, and wakes as many slots as there are tickets for.
    pub(super) fn hand_out(&self, tickets: &mut Vec<Ticket>) {
        let mut state = self.state();
        state.tickets.extend(tickets.drain(..));
        let called = state.tickets.len();
        state.wake(called);
    }

    /// No ticket will follow. Returns how many were left, which nobody will get.
    pub(super) fn close(&self) -> usize {
        let mut state = self.state();
        state.closed = true;
        let left = state.tickets.len();
        state.tickets.clear();
        state.wake(usize::MAX);
        left
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Wakes up to `most` slots. They do not run before this thread gets to them.
    fn wake(&mut self, most: usize) {
        let rest = self.waiting.len().saturating_sub(most);
        for (slot, waker) in self.waiting.drain(rest..).rev() {
            self.waits[slot] = false;
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::ticket::{Clock, Request};
    use futures::FutureExt;
    use lab_truth::evidence::Kind;
    use lab_truth::plan::Arrival;
    use std::sync::Arc;
    use std::time::Instant;

    fn ticket(participant: u32) -> Ticket {
        Ticket {
            clock: Clock(Instant::now()),
            request: Request {
                arrival: Arrival::new(0, participant, Kind::Signup, 1),
                receipt: None,
            },
            waited_for_slot: false,
        }
    }

    /// Slots that note who took which ticket, in this order.
    async fn slots(feed: &Arc<Feed>, taken: &Arc<Mutex<Vec<(usize, u32)>>>) {
        for slot in 0..3 {
            let (feed, taken) = (Arc::clone(feed), Arc::clone(taken));
            tokio::spawn(async move {
                while let Some(ticket) = feed.take(slot).await {
                    let participant = ticket.request.arrival.participant;
                    taken.lock().unwrap().push((slot, participant));
                }
            });
        }
        tokio::task::yield_now().await;
    }

    #[tokio::test]
    async fn the_last_slot_to_wait_gets_the_next_ticket_and_no_ticket_is_passed_over() {
        let (feed, taken) = (Arc::new(Feed::new(3)), Arc::default());
        slots(&feed, &taken).await;
        for participant in 0..3 {
            feed.hand_out(&mut vec![ticket(participant)]);
            tokio::task::yield_now().await;
        }
        assert_eq!(*taken.lock().unwrap(), [(2, 0), (2, 1), (2, 2)]);
        // More at once than there are slots: each is taken once, in order.
        feed.hand_out(&mut (3..8).map(ticket).collect());
        tokio::task::yield_now().await;
        let taken: Vec<u32> = taken.lock().unwrap().iter().map(|taken| taken.1).collect();
        assert_eq!(taken, (0..8).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn closing_sends_the_slots_home_and_counts_what_was_left() {
        let feed = Feed::new(1);
        feed.hand_out(&mut vec![ticket(0), ticket(1)]);
        assert_eq!(feed.close(), 2);
        assert!(feed.take(0).await.is_none());
    }

    #[test]
    fn a_slot_that_is_polled_without_a_call_waits_once() {
        let feed = Feed::new(1);
        let mut wait = Box::pin(feed.take(0));
        assert!((&mut wait).now_or_never().is_none());
        assert!((&mut wait).now_or_never().is_none());
        assert_eq!(feed.state().waiting.len(), 1);
        feed.hand_out(&mut vec![ticket(7)]);
        let taken = wait.now_or_never().flatten().unwrap();
        assert_eq!(taken.request.arrival.participant, 7);
    }
}

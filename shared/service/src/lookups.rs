//! Looking up events that are not in memory: one statement at a time, for all that are asked for by
//! then.
//!
//! Anybody may ask for events that there are not, thousands a second. That there is no such event
//! cannot be kept, because it may be made at any moment, and refusing to look would refuse the
//! participants of a new one. So they share: however many ask, they have one connection among them.

use signup_domain::{Event, EventId, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// Most events in one statement.
const MOST: usize = 256;

/// How long a lookup may take, waiting included. Less than a request has, so that it is known that
/// nothing happened.
const DEADLINE: Duration = Duration::from_millis(1_800);

type Answer = Result<Option<Arc<Event>>, StoreError>;

/// The lookups of one process.
#[derive(Clone)]
pub struct Lookups(Arc<Shared>);

struct Shared {
    waiting: Mutex<Vec<(EventId, oneshot::Sender<Answer>)>>,
    /// Whose turn it is to ask, for all that wait.
    turn: Semaphore,
}

impl Default for Lookups {
    fn default() -> Self {
        Self(Arc::new(Shared {
            waiting: Mutex::default(),
            turn: Semaphore::new(1),
        }))
    }
}

impl Lookups {
    /// The event `id`. `ask` gives those that there are of up to 256 different ids.
    ///
    /// # Errors
    /// `UnknownEvent` when there is none, that of `ask`, and `Unavailable` after 1.8 s.
    pub async fn find<F>(
        &self,
        id: EventId,
        ask: impl Fn(Vec<EventId>) -> F,
    ) -> Result<Arc<Event>, StoreError>
    where
        F: Future<Output = Result<Vec<Event>, StoreError>>,
    {
        let shared = async {
            loop {
                // `None`: who asked for it has left before there was an answer.
                if let Some(answer) = self.share(id, &ask).await {
                    break answer;
                }
            }
        };
        // Boxed: a request whose event is in memory needs no room for it.
        match tokio::time::timeout(DEADLINE, Box::pin(shared)).await {
            Ok(answer) => answer?.ok_or(StoreError::UnknownEvent),
            Err(_elapsed) => {
                let cause = "the event was not looked up in time";
                Err(StoreError::Unavailable(cause.into()))
            }
        }
    }

    /// Waits until another has asked for `id`, or asks for all that wait.
    async fn share<F>(&self, id: EventId, ask: impl Fn(Vec<EventId>) -> F) -> Option<Answer>
    where
        F: Future<Output = Result<Vec<Event>, StoreError>>,
    {
        let (tell, mut told) = oneshot::channel();
        self.waiting().push((id, tell));
        loop {
            let turn = tokio::select! {
                biased;
                answer = &mut told => return answer.ok(),
                turn = self.0.turn.acquire() => turn,
            };
            let asked = self.take();
            let mut ids: Vec<_> = asked.iter().map(|(id, _)| *id).collect();
            ids.sort_unstable();
            ids.dedup();
            let found = ask(ids).await.map(|events| {
                let by_id = |event: Event| (event.id, Arc::new(event));
                events.into_iter().map(by_id).collect::<HashMap<_, _>>()
            });
            drop(turn);
            for (id, tell) in asked {
                let answer = found.as_ref().map(|events| events.get(&id).cloned());
                // One that has left meanwhile hears nothing.
                let _ = tell.send(answer.map_err(StoreError::clone));
            }
        }
    }

    /// Those that waited longest, without those that have left.
    fn take(&self) -> Vec<(EventId, oneshot::Sender<Answer>)> {
        let mut waiting = self.waiting();
        waiting.retain(|(_, tell)| !tell.is_closed());
        let most = waiting.len().min(MOST);
        waiting.drain(..most).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(EventId, oneshot::Sender<Answer>)>> {
        let waiting = self.0.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use signup_domain::EventSalt;
    use std::cell::RefCell;
    use uuid::Uuid;

    fn id(number: u128) -> EventId {
        EventId::from_uuid(Uuid::from_u128(number))
    }

    fn event(id: EventId) -> Event {
        Event {
            id,
            name: "Launch day".into(),
            opens_at: None,
            closes_at: None,
            salt: EventSalt::new([0; 32]),
        }
    }

    #[tokio::test]
    async fn who_asks_while_a_lookup_runs_shares_the_next_one() {
        let (lookups, gate) = (Lookups::default(), Semaphore::new(0));
        let asked = RefCell::new(Vec::new());
        let ask = async |ids: Vec<EventId>| {
            asked.borrow_mut().push(ids.len());
            let _turn = gate.acquire().await;
            // Of all that are asked for there is one.
            Ok(ids.into_iter().filter(|i| *i == id(7)).map(event).collect())
        };
        // Twice each, in 600: more than one statement holds.
        let finds = (0..600).map(|number| lookups.find(id(number / 2), &ask));
        let open = async { gate.add_permits(600) };
        let (answers, ()) = tokio::join!(join_all(finds), open);
        let found = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(found, 2);
        let unknown = |answer: &&Result<_, _>| matches!(answer, Err(StoreError::UnknownEvent));
        assert_eq!(answers.iter().filter(unknown).count(), 598);
        let asked = asked.into_inner();
        assert!(asked.len() <= 30, "{asked:?}");
        assert!(asked.iter().all(|ids| *ids <= MOST), "{asked:?}");
    }

    #[tokio::test]
    async fn when_who_asks_leaves_another_asks() {
        let (lookups, gate) = (Lookups::default(), Semaphore::new(0));
        let ask = async |ids: Vec<EventId>| {
            let _turn = gate.acquire().await;
            Ok(ids.into_iter().map(event).collect())
        };
        let mut first = Box::pin(lookups.find(id(1), &ask));
        let mut second = Box::pin(lookups.find(id(1), &ask));
        // Both wait, the first for its answer.
        assert!(futures::poll!(&mut first).is_pending());
        assert!(futures::poll!(&mut second).is_pending());
        drop(first);
        gate.add_permits(1);
        assert_eq!(second.await.unwrap().id, id(1));
    }

    #[tokio::test]
    async fn a_failure_is_told_to_all_who_shared_it() {
        let lookups = Lookups::default();
        let ask = async |_| Err(StoreError::Unavailable("away".into()));
        let finds = (0..3).map(|number| lookups.find(id(number), ask));
        for answer in join_all(finds).await {
            assert!(matches!(answer, Err(StoreError::Unavailable(_))));
        }
    }
}

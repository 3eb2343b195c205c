//! How many requests are worked on at once. A request takes its place where the store is asked, and
//! by then all of it is there: nobody holds one while his client is awaited.

use crate::metrics::{HttpMetrics, InFlight, Metrics};
use crate::problem::{Code, Problem};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places; one for the process.
#[derive(Clone)]
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    http: Arc<HttpMetrics>,
}

/// A place, for as long as it lives: also when its client goes away.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _in_flight: InFlight,
}

impl Admission {
    /// None, until they are opened: before the process has started every request is refused.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            places: Arc::new(Semaphore::new(0)),
            http: Arc::clone(&metrics.http),
        }
    }

    /// From now on there are so many.
    pub(crate) fn open(&self, max_in_flight: usize) {
        self.places.add_permits(max_in_flight);
    }

    /// Refuses while every place is taken: asked as soon as there is a header, because a refusal must
    /// stay cheap when there are many.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        match self.is_full() {
            true => Err(self.refusal()),
            false => Ok(()),
        }
    }

    /// Whether every place is taken.
    pub(crate) fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }

    /// A place, or the refusal.
    pub(crate) fn place(&self) -> Result<Place, Problem> {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => Ok(Place {
                _permit: permit,
                _in_flight: self.http.in_flight(),
            }),
            Err(_full) => Err(self.refusal()),
        }
    }

    fn refusal(&self) -> Problem {
        self.http.refused.inc();
        Code::Unavailable.into()
    }
}

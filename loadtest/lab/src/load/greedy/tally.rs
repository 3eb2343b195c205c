//! What the greedy clients of one kind come to, counted while they hold.

use lab_truth::record::Held;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The counters of one kind, shared by its clients.
#[derive(Default)]
pub(super) struct Tally(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    open: u64,
    open_max: u64,
    open_sum: u64,
    samples: u64,
    connections: u64,
    endings: BTreeMap<String, u64>,
}

/// A connection, counted as open while this lives.
pub(super) struct Open(Arc<Tally>);

impl Tally {
    /// Counts a connection that was made.
    pub(super) fn open(self: &Arc<Self>) -> Open {
        let mut counted = self.counted();
        counted.connections += 1;
        counted.open += 1;
        counted.open_max = counted.open_max.max(counted.open);
        Open(Arc::clone(self))
    }

    /// Counts how a connection ended, or an attempt to make one.
    pub(super) fn ended(&self, how: String) {
        *self.counted().endings.entry(how).or_default() += 1;
    }

    /// Counts how many are open now.
    pub(super) fn sample(&self) {
        let mut counted = self.counted();
        counted.open_sum += counted.open;
        counted.samples += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub(super) fn held(&self) -> Held {
        let counted = self.counted();
        Held {
            open_mean: counted.open_sum as f64 / counted.samples.max(1) as f64,
            open_max: counted.open_max,
            connections: counted.connections,
            endings: counted.endings.clone(),
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counted().open -= 1;
    }
}

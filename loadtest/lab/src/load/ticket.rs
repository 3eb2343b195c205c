//! What a slot is handed: a request, and the clock of its load.

use lab_truth::evidence::Receipt;
use lab_truth::plan::Arrival;
use std::time::Instant;

/// Time since the start of the load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(pub(super) Instant);

/// What a slot is to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Request {
    pub(super) arrival: Arrival,
    /// The receipt to check.
    pub(super) receipt: Option<Receipt>,
}

/// A request whose instant has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    pub(super) clock: Clock,
    pub(super) request: Request,
    /// Whether every slot was taken when it was due.
    pub(super) waited_for_slot: bool,
}

impl Clock {
    pub(super) fn now_ns(self) -> u64 {
        // Before the start it is 0.
        let elapsed = Instant::now().saturating_duration_since(self.0);
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn now_us(self) -> u64 {
        self.now_ns() / 1_000
    }
}

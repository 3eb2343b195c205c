//! One request that is to be made, and when.

use crate::evidence::Kind;

/// One request that is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// Intended start, in nanoseconds since the start of the load. First, so that arrivals sort by it.
    pub at_ns: u64,
    /// Whose request, from 0.
    pub participant: u32,
    /// Microseconds from its answer to the request that follows from it; 0: nothing follows.
    pub then_us: u32,
    /// What to ask.
    pub kind: Kind,
    /// 1 for the participant's first request of this kind, 2 for the next, ….
    pub number: u8,
}

impl Arrival {
    /// A request from which nothing follows.
    #[must_use]
    pub fn new(at_ns: u64, participant: u32, kind: Kind, number: u8) -> Self {
        Self {
            at_ns,
            participant,
            then_us: 0,
            kind,
            number,
        }
    }
}

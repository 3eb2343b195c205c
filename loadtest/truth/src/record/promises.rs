//! What the contract promises every participant, and how often it was not kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Broken promises of the contract, each counted where the participants are. 0 is what is promised.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrokenPromises {
    /// Requests of any route without a whole answer within 2 s of the send, however they ended;
    /// with 100 ms for the client's own scheduling.
    pub over_2_s: u64,
    /// Signup requests answered 2xx without a receipt.
    pub without_receipt: u64,
    /// Checks of a receipt that was given, answered 404.
    pub receipts_denied: u64,
    /// Visits that never saw their receipt `recorded`, in ten checks.
    pub never_recorded: u64,
    /// Reads that failed: neither answered, nor refused with 429 or 503, nor a receipt denied.
    pub failed_reads: u64,
}

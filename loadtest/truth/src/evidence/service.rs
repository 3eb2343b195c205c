//! What the service counted itself: the third opinion beside the generator's and the databases'.

/// Requests the public port has answered since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceCounts {
    /// Signup requests.
    pub signups: u64,
    /// Signup requests answered 2xx.
    pub acked: u64,
    /// Signup requests refused or failed (5xx).
    pub failed: u64,
}

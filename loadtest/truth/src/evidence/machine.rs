//! Where the CPU time of the machine went during a load.

/// How CPU time was spent between two moments.
#[derive(Debug, Clone, Copy)]
pub struct CpuShares {
    /// Idle time in seconds, over all cores.
    pub idle_s: f64,
    /// Share stolen by the hypervisor, 0 to 1.
    pub steal: f64,
}

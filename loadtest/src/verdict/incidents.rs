//! What happened to the parts of a phase while it was measured.

use crate::databases::CATCH_UP_TIMEOUT;
use std::collections::BTreeMap;
use std::time::Duration;

/// What happened during a run that its figures do not show.
#[derive(Debug, Clone, Default)]
pub struct Incidents {
    /// Services that were started anew without being told to.
    pub restarted: Vec<String>,
    /// Services that did not run when it was over.
    pub ended: Vec<String>,
    /// Services that the kernel killed for memory.
    pub oom_killed: Vec<String>,
    /// Replicas that did not catch up, and where they were left.
    pub behind: Vec<String>,
    /// What was left in the queue when nothing moved any more, if it was given up.
    pub left: Option<String>,
    /// What is wrong with the map of the shards.
    pub shard_maps: Vec<String>,
    /// How many dead letters there are, by the reason they give.
    pub dead_letters: BTreeMap<String, u64>,
    /// By how much the machine's clock was set meanwhile.
    pub clock_set: Duration,
}

impl Incidents {
    /// What of it makes a run invalid.
    pub(super) fn reasons(&self) -> Vec<String> {
        let of = |services: &[String], what: &str| {
            let reason = |service: &String| format!("{service} {what}");
            services.iter().map(reason).collect::<Vec<_>>()
        };
        let patience = CATCH_UP_TIMEOUT.as_secs();
        let behind = |replica: &String| format!("{replica} after {patience} s of waiting");
        let undrained = |left: &String| format!("the queue did not drain: {left}");
        [
            of(&self.restarted, "was restarted during the run"),
            of(&self.ended, "did not run at the end"),
            of(&self.oom_killed, "was killed for memory"),
            self.behind.iter().map(behind).collect(),
            self.left.iter().map(undrained).collect(),
            self.shard_maps.clone(),
        ]
        .concat()
    }
}

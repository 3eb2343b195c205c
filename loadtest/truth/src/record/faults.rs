//! Faults as they happened: intervals of a load.

use crate::spec::{Excuse, FaultKind, excuse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One fault as it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultSeen {
    /// What happened.
    pub kind: FaultKind,
    /// To which Compose service.
    pub target: String,
    /// When it began, in seconds since the load did.
    pub begin_s: f64,
    /// When it ended: the process had been started again, or went on.
    pub end_s: f64,
    /// With what a service that was told to stop ended; null for other kinds.
    pub exit_code: Option<i64>,
}

/// Until November 2026 the seconds of a fault were counted from the generator's start, which is up to
/// a second before the load's.
const BEFORE_S: f64 = 1.0;

impl FaultSeen {
    /// What of the contract it may cost, and for how long.
    #[must_use]
    pub fn excuse(&self) -> Excuse {
        excuse(self.kind, &self.target)
    }

    /// The seconds of the load in which answers are excused; `None` when none are.
    #[must_use]
    pub fn excused_s(&self) -> Option<(f64, f64)> {
        let after = self.excuse().answers_s?;
        Some((self.begin_s - BEFORE_S, self.end_s + f64::from(after)))
    }

    /// Whether what happens `from_s` to `to_s` seconds into the load is excused by it.
    #[must_use]
    pub fn excuses(&self, from_s: f64, to_s: f64) -> bool {
        self.excused_s()
            .is_some_and(|(begin, end)| from_s < end && to_s > begin)
    }
}

/// A number of seconds without digits it does not need.
fn seconds(s: f64) -> String {
    let text = format!("{s:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

impl fmt::Display for FaultSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (target, at) = (&self.target, seconds(self.begin_s));
        let took = self.end_s - self.begin_s;
        match self.kind {
            FaultKind::Kill => {
                let away = seconds(took);
                write!(
                    f,
                    "kill -9 {target} at {at} s, started again after {away} s"
                )
            }
            FaultKind::Restart => {
                let code = self
                    .exit_code
                    .map_or("unknown".into(), |code| code.to_string());
                write!(
                    f,
                    "restart {target} at {at} s: exit code {code} after {took:.1} s"
                )
            }
            FaultKind::Pause => write!(f, "pause {target} at {at} s for {} s", seconds(took)),
            FaultKind::Empty => write!(f, "empty {target} at {at} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_excuses_its_interval_and_its_recovery_and_nothing_a_minute_later() {
        let killed = FaultSeen {
            kind: FaultKind::Kill,
            target: "phase1-server".into(),
            begin_s: 10.0,
            end_s: 11.0,
            exit_code: None,
        };
        assert!(killed.excuses(10.0, 11.0) && killed.excuses(9.0, 10.5));
        assert!(killed.excuses(14.0, 15.0) && !killed.excuses(60.0, 61.0));
        assert!(!killed.excuses(7.0, 8.9));
        let cache = FaultSeen {
            target: "phase2-redis".into(),
            ..killed
        };
        assert!(!cache.excuses(10.0, 11.0));
    }
}

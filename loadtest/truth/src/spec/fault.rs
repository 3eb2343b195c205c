//! One fault, as it is ordered on the command line: `SERVICE@SECOND`.

use anyhow::{Context, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How long a killed service stays away, in seconds.
pub const KILLED_FOR_S: u32 = 1;

/// How long the start of a service may take before it may fail again, in seconds.
const STARTING_S: u32 = 1;

/// The longest a service of the lab may take to stop: a database's grace period in its Compose file.
const STOPPING_S: u32 = 60;

/// The longest Redis may take to forget, in seconds.
pub const EMPTYING_S: u32 = 5;

/// What happens to a service.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum FaultKind {
    /// SIGKILL, and started again a second later.
    Kill,
    /// Told to stop, waited for, and started again.
    Restart,
    /// Frozen: it keeps its connections and answers nothing.
    Pause,
    /// A Redis forgets everything (FLUSHALL).
    Empty,
}

/// One fault that is ordered.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// Seconds into the load.
    pub at_s: u32,
    /// Compose service.
    pub target: String,
    /// What happens to it.
    pub kind: FaultKind,
    /// For how many seconds; null where the kind itself says so.
    pub for_s: Option<u32>,
}

impl FaultSpec {
    /// `SERVICE@SECOND`.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn kill(text: &str) -> anyhow::Result<Self> {
        Self::at_second(text, FaultKind::Kill)
    }

    /// `SERVICE@SECOND`.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn restart(text: &str) -> anyhow::Result<Self> {
        Self::at_second(text, FaultKind::Restart)
    }

    /// `SERVICE@SECOND+SECONDS`.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn pause(text: &str) -> anyhow::Result<Self> {
        let split = text.rsplit_once('+');
        let (text, seconds) = split.context("how long? @SECOND+SECONDS")?;
        let mut fault = Self::at_second(text, FaultKind::Pause)?;
        fault.for_s = Some(second(seconds)?);
        Ok(fault)
    }

    /// `SERVICE@SECOND`, of a Redis.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn empty(text: &str) -> anyhow::Result<Self> {
        let fault = Self::at_second(text, FaultKind::Empty)?;
        let is_redis = fault.target.ends_with("-redis");
        ensure!(is_redis, "only a Redis can be emptied");
        Ok(fault)
    }

    fn at_second(text: &str, kind: FaultKind) -> anyhow::Result<Self> {
        let (target, at) = text.split_once('@').context("no @SECOND")?;
        ensure!(!target.is_empty(), "no SERVICE before @");
        Ok(Self {
            at_s: second(at)?,
            target: target.to_owned(),
            kind,
            for_s: None,
        })
    }

    /// From which second of the load on the service may fail again.
    #[must_use]
    pub fn free_at(&self) -> u32 {
        let away = match self.kind {
            FaultKind::Kill => KILLED_FOR_S + STARTING_S,
            FaultKind::Restart => STOPPING_S + STARTING_S,
            FaultKind::Empty => EMPTYING_S,
            FaultKind::Pause => self.for_s.unwrap_or(0).saturating_add(STARTING_S),
        };
        self.at_s.saturating_add(away)
    }

    /// Checks before a load what would otherwise fail in the middle of it.
    ///
    /// # Errors
    /// When a service is none of `services`, a second is not within the window, or a service is to
    /// fail again while it is still away.
    pub fn check_all(faults: &[Self], services: &[&str], window_s: u32) -> anyhow::Result<()> {
        for fault in faults {
            ensure!(
                services.contains(&fault.target.as_str()),
                "{fault}: there is no such service; there are {}",
                services.join(", ")
            );
            ensure!(
                fault.at_s < window_s,
                "{fault}: the load lasts {window_s} s"
            );
        }
        let mut ordered: Vec<&Self> = faults.iter().collect();
        ordered.sort_by_key(|fault| (&fault.target, fault.at_s));
        for pair in ordered.windows(2) {
            let (first, next) = (pair[0], pair[1]);
            let free = first.free_at();
            ensure!(
                first.target != next.target || next.at_s >= free,
                "{next} and {first} overlap: order the later one at {free} s or after"
            );
        }
        Ok(())
    }
}

fn second(text: &str) -> anyhow::Result<u32> {
    text.parse().context("a second is not a whole number")
}

impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (target, at) = (&self.target, self.at_s);
        match self.kind {
            FaultKind::Kill => write!(f, "kill -9 {target} at {at} s"),
            FaultKind::Restart => write!(f, "restart {target} at {at} s"),
            FaultKind::Empty => write!(f, "empty {target} at {at} s"),
            FaultKind::Pause => {
                let seconds = self.for_s.unwrap_or(0);
                write!(f, "pause {target} at {at} s for {seconds} s")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> anyhow::Result<FaultSpec> {
        let (kind, text) = text.split_once(' ').unwrap();
        match kind {
            "kill" => FaultSpec::kill(text),
            "restart" => FaultSpec::restart(text),
            "pause" => FaultSpec::pause(text),
            _ => FaultSpec::empty(text),
        }
    }

    fn check(texts: &[&str], window_s: u32) -> anyhow::Result<()> {
        let faults: Vec<_> = texts.iter().map(|text| parse(text).unwrap()).collect();
        FaultSpec::check_all(&faults, &["phase2-primary", "phase2-redis"], window_s)
    }

    #[test]
    fn every_kind_of_fault_is_read_and_told() {
        for (text, told) in [
            ("kill phase2-redis@4", "kill -9 phase2-redis at 4 s"),
            ("restart a@5", "restart a at 5 s"),
            ("pause a@10+30", "pause a at 10 s for 30 s"),
            ("empty phase2-redis@20", "empty phase2-redis at 20 s"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), told);
        }
    }

    #[test]
    fn what_is_no_fault_is_refused() {
        for text in [
            "kill phase1-server",
            "kill phase1-server@",
            "kill phase1-server@soon",
            "kill @3",
            "kill phase1-server@3+4",
            "restart phase1-server@-1",
            "pause phase1-server@3",
            "pause phase1-server@3+",
            "empty phase2-primary@3",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_cannot_happen_in_the_load_is_refused_before_it() {
        for (text, complaint) in [
            ("kill phase2-primry@3", "no such service"),
            ("pause phase2-primary@20+5", "lasts 20 s"),
        ] {
            let error = check(&[text], 20).unwrap_err();
            assert!(error.to_string().contains(complaint), "{error}");
        }
        assert!(check(&["kill phase2-primary@19"], 20).is_ok());
    }

    #[test]
    fn a_service_may_fail_again_only_when_it_is_back() {
        for pair in [
            ["kill phase2-redis@3", "kill phase2-redis@3"],
            ["kill phase2-redis@4", "kill phase2-redis@3"],
            ["pause phase2-primary@10+30", "kill phase2-primary@40"],
            ["pause phase2-primary@10+30", "pause phase2-primary@20+5"],
            ["restart phase2-primary@10", "kill phase2-primary@70"],
        ] {
            let error = check(&pair, 100).unwrap_err();
            assert!(error.to_string().contains("overlap"), "{error}");
        }
        for pair in [
            ["kill phase2-redis@3", "kill phase2-redis@5"],
            ["pause phase2-primary@10+30", "kill phase2-primary@41"],
            ["restart phase2-primary@10", "kill phase2-primary@71"],
            ["pause phase2-primary@10+30", "kill phase2-redis@20"],
        ] {
            assert!(check(&pair, 100).is_ok(), "{pair:?}");
        }
        let pair = ["pause phase2-primary@10+30", "kill phase2-primary@12"];
        let told = "kill -9 phase2-primary at 12 s and pause phase2-primary at 10 s for 30 s \
                    overlap: order the later one at 41 s or after";
        assert_eq!(check(&pair, 100).unwrap_err().to_string(), told);
    }
}

//! The answers to the three questions about a run, in words: each reason, each miss, and one line that
//! says it all.

mod misses;
mod reasons;

use crate::format::NONE;
use lab_truth::record::{Outcome, Run, Step, Verdict};
use lab_truth::spec::Goal;
use misses::{brief, sentence};
pub use reasons::{reasons, reasons_of_load};

/// The word a verdict is printed as.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "VALID",
        Verdict::Suspect => "SUSPECT",
        Verdict::Invalid => "INVALID",
    }
}

/// Whether the load was carried, if that was asked: of numbers that may not be used nothing follows.
#[must_use]
pub fn usable_outcome(run: &Run) -> Option<&Outcome> {
    let usable = run.verdict != Verdict::Invalid;
    run.outcome.as_ref().filter(|_| usable)
}

/// CARRIED or MISSED; a dash where it was not asked, and where the numbers that say so may not be used.
#[must_use]
pub fn outcome(run: &Run) -> &'static str {
    match usable_outcome(run) {
        Some(Outcome { carried: true, .. }) => "CARRIED",
        Some(_) => "MISSED",
        None => NONE,
    }
}

/// What was missed and by how much, one sentence each.
#[must_use]
pub fn missed(run: &Run) -> Vec<String> {
    let missed = usable_outcome(run).into_iter().flat_map(|of| &of.missed);
    missed.map(|miss| sentence(run, miss)).collect()
}

/// What a step of a load missed, in brief; empty where it was carried, or is not judged.
#[must_use]
pub fn missed_of_step(goal: &Goal, step: &Step) -> String {
    let missed = step.outcome.iter().flat_map(|outcome| &outcome.missed);
    let missed: Vec<String> = missed.map(|miss| brief(goal, miss)).collect();
    missed.join(", ")
}

/// The three answers in a line: `VALID, MISSED: 8,754 of 10,590/s, p99 20.4 s; phase3-balancer at its
/// cap`.
#[must_use]
pub fn in_a_line(run: &Run) -> String {
    let mut line = verdict(run.verdict).to_owned();
    let Some(outcome) = usable_outcome(run) else {
        return line;
    };
    if outcome.carried {
        return line + ", CARRIED";
    }
    // The first two say most; the report has all.
    let telling = outcome.missed.iter().take(2);
    let missed: Vec<String> = telling.map(|miss| brief(&run.goal, miss)).collect();
    line += &format!(", MISSED: {}", missed.join(", "));
    if let Some(bottleneck) = &run.bottleneck {
        line += &format!("; {} at its cap", bottleneck.service);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::record::Reason;
    use lab_truth::{fixtures, verdict};

    #[test]
    fn an_overloaded_run_reads_as_what_it_is() {
        let mut run = fixtures::overloaded();
        verdict::judge_again(&mut run);
        assert_eq!(
            in_a_line(&run),
            "VALID, MISSED: 8,754 of 10,590/s, p99 20.4 s; phase3-balancer at its cap"
        );
        assert_eq!(missed(&run).len(), 3);
        assert_eq!(reasons(&run), [""; 0]);
    }

    #[test]
    fn a_run_that_has_not_been_judged_again_says_what_it_said() {
        let run = fixtures::overloaded();
        assert_eq!((outcome(&run), in_a_line(&run).as_str()), ("–", "SUSPECT"));
        assert_eq!(
            reasons(&run)[0],
            "the schedule lag p99 is 20135.94 ms, over 1 ms"
        );
    }

    #[test]
    fn every_reason_is_a_sentence() {
        let run = fixtures::rush();
        for (reason, told) in [
            (Reason::NothingAcknowledged, "not one signup"),
            (Reason::Stolen { share: 0.028 }, "stole 2.8 % of the CPU"),
            (
                Reason::GeneratorLate { p99_ms: Some(1.5) },
                "1.50 ms late while slots were free",
            ),
            (Reason::GeneratorBusy { share: 0.9 }, "90 % of the CPU"),
            (
                Reason::LittlesLaw {
                    sampled: 3.0,
                    expected: 2.0,
                },
                "says 2.00 (Little's law)",
            ),
            (
                Reason::CountsDisagree {
                    what: "signup requests".into(),
                    generator: 1_060,
                    service: 1_000,
                },
                "counted 1,060 signup requests, the service 1,000",
            ),
            (Reason::ClockSet { ms: 1_500 }, "set by 1,500 ms"),
            (
                Reason::Undrained {
                    what: "7 messages".into(),
                },
                "did not drain: 7 messages",
            ),
            (
                Reason::OverBudget {
                    cpus: 1.26,
                    budget_cpus: 1.25,
                },
                "1.26 CPU together, over the 1.25",
            ),
            (
                Reason::Durability {
                    setting: "db.fsync".into(),
                    found: "off".into(),
                    claimed: "on".into(),
                },
                "db.fsync is off, not on as claimed",
            ),
            (
                Reason::LostProcess {
                    service: "db".into(),
                    process: "checkpointer".into(),
                },
                "db lost its process \"checkpointer\"",
            ),
            (
                Reason::BuildProfile {
                    found: "debug".into(),
                },
                "built as \"debug\"",
            ),
            (
                Reason::UnreadableDeadLetters { number: 3 },
                "3 dead letters are no readable",
            ),
            (
                Reason::NotChecked {
                    what: "caps".into(),
                },
                "caps not checked",
            ),
            (Reason::Interrupted, "stopped before its end"),
        ] {
            let sentence = super::reasons::reason(&run.incidents, &reason);
            assert!(sentence.contains(told), "{sentence}");
        }
    }
}

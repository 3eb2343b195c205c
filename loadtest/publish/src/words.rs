//! The answers to the three questions about a run, in words: each reason, each miss, and one line that
//! says it all.

use crate::format::{count, number, percent};
use lab_truth::evidence::CATCH_UP_TIMEOUT;
use lab_truth::record::{Miss, Outcome, Reason, Run, Verdict};

/// The word a verdict is printed as.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "VALID",
        Verdict::Suspect => "SUSPECT",
        Verdict::Invalid => "INVALID",
    }
}

/// Why the numbers of a run may not simply be quoted, one sentence each.
#[must_use]
pub fn reasons(run: &Run) -> Vec<String> {
    run.reasons
        .iter()
        .map(|reason| self::reason(run, reason))
        .collect()
}

fn reason(run: &Run, reason: &Reason) -> String {
    match reason {
        Reason::Unclean { class, number } => {
            format!("the ledger is not clean: {} {class}", count(*number))
        }
        Reason::NothingAcknowledged => "not one signup was acknowledged".into(),
        Reason::Restarted { service } => format!("{service} was restarted during the run"),
        Reason::Ended { service } => format!("{service} did not run at the end"),
        Reason::OomKilled { service } => format!("{service} was killed for memory"),
        Reason::LostProcess { service, process } => {
            format!("{service} lost its process \"{process}\" during the run")
        }
        Reason::ReplicaBehind { what } => {
            format!("{what} after {} s of waiting", CATCH_UP_TIMEOUT.as_secs())
        }
        Reason::Undrained { what } => format!("the queue did not drain: {what}"),
        Reason::ShardMap { what } | Reason::Stated { text: what } => what.clone(),
        Reason::Cap { .. } | Reason::OverBudget { .. } | Reason::Durability { .. } => claim(reason),
        Reason::UnreadableDeadLetters { number } => {
            format!(
                "{} dead letters are no readable signup{}",
                count(*number),
                dead(run)
            )
        }
        _ => doubt(reason),
    }
}

/// What was claimed of the containers and is not so.
fn claim(reason: &Reason) -> String {
    match reason {
        Reason::Cap {
            service,
            cpus,
            memory_bytes,
            found_cpus,
            found_memory_bytes,
        } => format!(
            "{service} runs with {found_cpus} CPU and {found_memory_bytes} bytes, not with the {cpus} \
             CPU and {memory_bytes} bytes claimed"
        ),
        Reason::OverBudget { cpus, budget_cpus } => {
            format!("the caps are {cpus:.2} CPU together, over the {budget_cpus} of the budget")
        }
        Reason::Durability {
            setting,
            found,
            claimed,
        } => format!("{setting} is {found}, not {claimed} as claimed"),
        _ => String::new(),
    }
}

/// What makes the measurement itself doubtful, with what can be done about it.
fn doubt(reason: &Reason) -> String {
    match reason {
        Reason::GeneratorLate { p99_ms: Some(ms) } => format!(
            "the generator sent 1 % of the requests more than {} ms late while slots were free, over 1 ms: \
             leave the machine to it",
            number(*ms)
        ),
        Reason::GeneratorLate { p99_ms: None } => {
            "requests were sent more than 1 ms late while slots were free: the generator was late"
                .into()
        }
        Reason::GeneratorBusy { share } => format!(
            "the generator used {} of the CPU it could have had: a lower rate, or more cores",
            percent(*share)
        ),
        Reason::LittlesLaw { sampled, expected } => format!(
            "{sampled:.2} requests were in flight, but rate × latency says {expected:.2} (Little's law)"
        ),
        Reason::Stolen { share } => format!(
            "the hypervisor stole {:.1} % of the CPU: repeat it in a quieter hour",
            share * 100.0
        ),
        Reason::CountsDisagree {
            what,
            generator,
            service,
        } => format!("the generator counted {generator} {what}, the service {service}"),
        Reason::RowsDisagree { new, repeats, rows } => format!(
            "{new} signups were answered as new, {repeats} as repeats, and there are {rows} rows"
        ),
        Reason::ClockSet { ms } => format!(
            "this machine's clock was set by {ms} ms during the run: until durable is off by as much"
        ),
        Reason::BuildProfile { found } => {
            format!(
                "the programs were built as \"{found}\", not as published ones are: `make images`"
            )
        }
        _ => String::new(),
    }
}

/// The reasons of all dead letters, in brackets.
fn dead(run: &Run) -> String {
    let letters = run.incidents.dead_letters.iter();
    let letters: Vec<_> = letters
        .map(|(reason, number)| format!("{number} {reason}"))
        .collect();
    if letters.is_empty() {
        return String::new();
    }
    format!(" (reasons of all dead letters: {})", letters.join(", "))
}

/// CARRIED or MISSED; a dash where it was not asked, and where the numbers that say so may not be used.
#[must_use]
pub fn outcome(run: &Run) -> &'static str {
    let usable = run.verdict != Verdict::Invalid;
    match run.outcome.as_ref().filter(|_| usable) {
        Some(Outcome { carried: true, .. }) => "CARRIED",
        Some(_) => "MISSED",
        None => crate::format::NONE,
    }
}

/// What was missed and by how much, one sentence each.
#[must_use]
pub fn missed(run: &Run) -> Vec<String> {
    let usable = run.verdict != Verdict::Invalid;
    let outcome = run.outcome.iter().filter(|_| usable);
    let missed = outcome.flat_map(|outcome| &outcome.missed);
    missed.map(|miss| self::miss(run, miss)).collect()
}

fn miss(run: &Run, miss: &Miss) -> String {
    match miss {
        Miss::Rate {
            acknowledged_per_s,
            asked_per_s,
        } => format!(
            "{} signups a second were acknowledged in time of {} asked for",
            number(*acknowledged_per_s),
            number(*asked_per_s)
        ),
        Miss::TurnedAway {
            refused,
            failed,
            of,
        } => format!(
            "{} signup requests were refused and {} failed, of {} answered",
            count(*refused),
            count(*failed),
            count(*of)
        ),
        Miss::P99 { ms } => format!(
            "99 % of the signups were answered within {} ms, not {} ms",
            number(*ms),
            number(run.goal.p99_ms)
        ),
        Miss::LateAnswers { requests } => format!(
            "{} requests were not answered within {} s",
            count(*requests),
            run.goal.answer_s
        ),
        Miss::Drain { seconds } => format!(
            "the backlog was worked off {} s after the last acknowledgement, not {} s",
            number(*seconds),
            run.goal.drain_s
        ),
        Miss::ReceiptsDenied { checks } => format!(
            "{} checks of receipts that were given were answered 404",
            count(*checks)
        ),
        Miss::NeverRecorded { visits } => {
            format!("{} visits never saw their receipt recorded", count(*visits))
        }
        Miss::ReadsFailed { reads } => format!("{} reads failed", count(*reads)),
        Miss::DeadLettered { signups } => format!(
            "{} acknowledged signups are only in the dead-letter queue: an operator must record them{}",
            count(*signups),
            dead(run)
        ),
    }
}

/// The three answers in a line: `VALID, MISSED: 8,754 of 10,590/s, p99 20.4 s; phase3-balancer at its
/// cap`.
#[must_use]
pub fn in_a_line(run: &Run) -> String {
    let mut line = verdict(run.verdict).to_owned();
    let usable = run.verdict != Verdict::Invalid;
    let Some(outcome) = run.outcome.as_ref().filter(|_| usable) else {
        return line;
    };
    if outcome.carried {
        return line + ", CARRIED";
    }
    // The first two say most; the report has all.
    let telling = outcome.missed.iter().take(2);
    let missed: Vec<String> = telling.map(|miss| brief(run, miss)).collect();
    line += &format!(", MISSED: {}", missed.join(", "));
    if let Some(bottleneck) = &run.bottleneck {
        line += &format!("; {} at its cap", bottleneck.service);
    }
    line
}

/// A miss in two or three words.
fn brief(run: &Run, miss: &Miss) -> String {
    match miss {
        Miss::Rate {
            acknowledged_per_s,
            asked_per_s,
        } => format!(
            "{} of {}/s",
            number(*acknowledged_per_s),
            number(*asked_per_s)
        ),
        Miss::TurnedAway {
            refused, failed, ..
        } => format!("{} turned away", count(refused + failed)),
        Miss::P99 { ms } if *ms >= 1_000.0 => format!("p99 {} s", number(ms / 1_000.0)),
        Miss::P99 { ms } => format!("p99 {} ms", number(*ms)),
        Miss::LateAnswers { requests } => {
            format!("{} over {} s", count(*requests), run.goal.answer_s)
        }
        Miss::Drain { seconds } => format!("drained after {} s", number(*seconds)),
        Miss::ReceiptsDenied { checks } => format!("{} receipts denied", count(*checks)),
        Miss::NeverRecorded { visits } => format!("{} never recorded", count(*visits)),
        Miss::ReadsFailed { reads } => format!("{} reads failed", count(*reads)),
        Miss::DeadLettered { signups } => format!("{} dead letters", count(*signups)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        ] {
            let sentence = super::reason(&run, &reason);
            assert!(sentence.contains(told), "{sentence}");
        }
    }
}

//! Why the numbers of a run may not simply be quoted, in sentences.

use super::misses::dead;
use crate::format::{count, number, percent};
use lab_truth::evidence::CATCH_UP_TIMEOUT;
use lab_truth::record::{Incidents, Loaded, Reason, Run};

/// Why the numbers of a run may not simply be quoted, one sentence each.
#[must_use]
pub fn reasons(run: &Run) -> Vec<String> {
    let all = run.reasons.iter();
    all.map(|one| reason(&run.incidents, one)).collect()
}

/// The same of a load that was sent to what was up.
#[must_use]
pub fn reasons_of_load(loaded: &Loaded) -> Vec<String> {
    let (all, incidents) = (loaded.reasons.iter(), Incidents::default());
    all.map(|one| reason(&incidents, one)).collect()
}

pub(super) fn reason(incidents: &Incidents, reason: &Reason) -> String {
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
                dead(incidents)
            )
        }
        Reason::NotChecked { what } => format!("{what} not checked"),
        Reason::Interrupted => "the load was stopped before its end".into(),
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
            "{service} runs with {found_cpus} CPU and {} bytes, not with the {cpus} CPU and {} bytes \
             claimed",
            count(*found_memory_bytes),
            count(*memory_bytes)
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
            "{} requests were in flight, but rate × latency says {} (Little's law)",
            number(*sampled),
            number(*expected)
        ),
        Reason::Stolen { share } => format!(
            "the hypervisor stole {:.1} % of the CPU: repeat it in a quieter hour",
            share * 100.0
        ),
        Reason::CountsDisagree {
            what,
            generator,
            service,
        } => format!(
            "the generator counted {} {what}, the service {}",
            count(*generator),
            count(*service)
        ),
        Reason::RowsDisagree { new, repeats, rows } => format!(
            "{} signups were answered as new, {} as repeats, and there are {} rows",
            count(*new),
            count(*repeats),
            count(*rows)
        ),
        Reason::ClockSet { ms } => format!(
            "this machine's clock was set by {} ms during the run: until durable is off by as much",
            count(*ms)
        ),
        Reason::BuildProfile { found } => {
            format!(
                "the programs were built as \"{found}\", not as published ones are: `make images`"
            )
        }
        _ => String::new(),
    }
}

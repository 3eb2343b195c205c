//! May the numbers be believed? About the measurement only: whether the phase was fast enough is
//! another question.

use super::{claims, counts, generator};
use crate::record::{Cap, Incidents, Reason, Run};
use crate::spec::Budget;

/// Of the CPU time, so much may be stolen by the hypervisor.
pub(super) const MAX_STEAL: f64 = 0.02;

/// A clock that was set by more than this makes the time to durable a guess.
const CLOCK_MS: u64 = 10;

/// What makes the numbers useless.
pub(super) fn why_invalid(run: &Run) -> Vec<Reason> {
    let unclean = run.ledger.violations().into_iter();
    let mut reasons: Vec<Reason> = unclean
        .map(|(class, number)| Reason::Unclean {
            class: class.into(),
            number,
        })
        .collect();
    if run.ledger.acked == 0 {
        reasons.push(Reason::NothingAcknowledged);
    }
    reasons.extend(unordered(&run.incidents));
    reasons.extend(wrong_caps(run));
    reasons.extend(wrong_durability(run));
    reasons
}

/// What makes them doubtful.
pub(super) fn why_suspect(run: &Run) -> Vec<Reason> {
    let mut reasons = generator::doubts(&run.load, &run.timeline);
    let share = run.environment.cpu_steal_share;
    if share > MAX_STEAL {
        reasons.push(Reason::Stolen { share });
    }
    // A killed server forgets what it counted.
    if !run.has_faults() {
        reasons.extend(counts::disagree(run));
    }
    let number = run.ledger.unreadable_dead_letters;
    if number > 0 {
        reasons.push(Reason::UnreadableDeadLetters { number });
    }
    let ms = run.incidents.clock_set_ms;
    if ms > CLOCK_MS && run.backlog.is_some() {
        reasons.push(Reason::ClockSet { ms });
    }
    let built = run.build.as_ref().map(|build| &build.services);
    if let Some(found) = built.filter(|profile| *profile != claims::BUILD_PROFILE) {
        let found = found.clone();
        reasons.push(Reason::BuildProfile { found });
    }
    reasons
}

/// What happened to the containers that no ordered fault explains.
fn unordered(incidents: &Incidents) -> Vec<Reason> {
    let each = |services: &[String], reason: fn(String) -> Reason| {
        services
            .iter()
            .cloned()
            .map(reason)
            .collect::<Vec<Reason>>()
    };
    let mut reasons = each(&incidents.restarted, |service| Reason::Restarted {
        service,
    });
    reasons.extend(each(&incidents.ended, |service| Reason::Ended { service }));
    reasons.extend(each(&incidents.oom_killed, |service| Reason::OomKilled {
        service,
    }));
    for (service, processes) in &incidents.lost_processes {
        let lost = processes.iter().cloned();
        reasons.extend(lost.map(|process| Reason::LostProcess {
            service: service.clone(),
            process,
        }));
    }
    reasons.extend(each(&incidents.behind, |what| Reason::ReplicaBehind {
        what,
    }));
    let left = incidents.left.clone();
    reasons.extend(left.map(|what| Reason::Undrained { what }));
    reasons.extend(each(&incidents.shard_maps, |what| Reason::ShardMap {
        what,
    }));
    reasons
}

/// Caps that are not those claimed, before or after the load, or more than the budget has.
fn wrong_caps(run: &Run) -> Vec<Reason> {
    let wrong = |cap: &Cap| {
        let found = cap.found().find(|found| !cap.is_claimed(*found))?;
        Some(Reason::Cap {
            service: cap.service.clone(),
            cpus: cap.cpus,
            memory_bytes: cap.memory_bytes,
            found_cpus: found.0,
            found_memory_bytes: found.1,
        })
    };
    let mut reasons: Vec<Reason> = run.caps.iter().filter_map(wrong).collect();
    let cpus: f64 = run.caps.iter().map(|cap| cap.cpus).sum();
    let budget_cpus = claims::SAME_BUDGET_CPUS;
    if run.spec.budget == Budget::Same && cpus > budget_cpus + 1e-6 {
        reasons.push(Reason::OverBudget { cpus, budget_cpus });
    }
    reasons
}

fn wrong_durability(run: &Run) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for (setting, value) in &run.durability {
        let name = setting.rsplit('.').next().unwrap_or_default();
        let claims = claims::OF_DATABASES.iter().chain(&claims::OF_QUEUES);
        let claimed = claims.into_iter().find(|(claimed, _)| *claimed == name);
        if let Some((_, claimed)) = claimed.filter(|(_, claimed)| claimed != value) {
            reasons.push(Reason::Durability {
                setting: setting.clone(),
                found: value.clone(),
                claimed: (*claimed).into(),
            });
        }
    }
    reasons
}

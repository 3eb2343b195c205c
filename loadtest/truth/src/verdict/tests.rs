//! Each reason is found, and a clean run has none; what was missed is told apart from it.

use super::*;
use crate::fixtures;
use crate::record::{FaultSeen, GreedySeen, Miss, Outcome};
use crate::spec::{Budget, FaultKind};

mod carried;
mod doubts;

fn judged(change: impl FnOnce(&mut Run)) -> Run {
    let mut run = fixtures::rush();
    change(&mut run);
    judge(&mut run);
    assert_eq!(run.verdict == Verdict::Valid, run.reasons.is_empty());
    run
}

fn reasons(change: impl FnOnce(&mut Run)) -> Vec<Reason> {
    judged(change).reasons
}

fn fault(kind: FaultKind, target: &str, begin_s: f64, end_s: f64) -> FaultSeen {
    FaultSeen {
        kind,
        target: target.into(),
        begin_s,
        end_s,
        exit_code: None,
    }
}

#[test]
fn a_clean_run_within_its_budget_is_valid_and_carried() {
    let run = judged(|_| {});
    assert_eq!((run.verdict, run.reasons.len()), (Verdict::Valid, 0));
    assert_eq!(
        run.outcome,
        Some(Outcome {
            carried: true,
            missed: vec![]
        })
    );
}

#[test]
fn what_happened_to_the_containers_makes_it_invalid() {
    let found = reasons(|run| {
        let incidents = &mut run.incidents;
        incidents.ended.push("phase1-server".into());
        incidents.behind.push("phase2-replica is behind".into());
        let lost = vec!["checkpointer".into()];
        incidents
            .lost_processes
            .insert("phase1-database".into(), lost);
        incidents.left = Some("7 messages wait".into());
        incidents.shard_maps = vec!["two maps".into()];
    });
    let service = || "phase1-server".into();
    let expected = [
        Reason::Ended { service: service() },
        Reason::LostProcess {
            service: "phase1-database".into(),
            process: "checkpointer".into(),
        },
        Reason::ReplicaBehind {
            what: "phase2-replica is behind".into(),
        },
        Reason::Undrained {
            what: "7 messages wait".into(),
        },
        Reason::ShardMap {
            what: "two maps".into(),
        },
    ];
    assert_eq!(found, expected);
    assert_eq!(
        judged(|run| run.incidents.restarted.push(service())).verdict,
        Verdict::Invalid
    );
}

#[test]
fn a_ledger_that_is_not_clean_makes_it_invalid() {
    let class = "replica differs".to_owned();
    let found = reasons(|run| run.ledger.replica_differs = 3);
    assert_eq!(found, [Reason::Unclean { class, number: 3 }]);
    assert!(reasons(|run| run.ledger.acked = 0).contains(&Reason::NothingAcknowledged));
}

#[test]
fn caps_are_held_against_what_was_found_before_and_after() {
    let found = reasons(|run| run.caps[0].inspected_cpus = 2.0);
    assert!(
        matches!(
            &found[..],
            [Reason::Cap {
                found_cpus: 2.0,
                ..
            }]
        ),
        "{found:?}"
    );
    let found = reasons(|run| {
        run.caps[0].after_cpus = Some(run.caps[0].cpus);
        run.caps[0].after_memory_bytes = Some(7 << 30);
    });
    assert!(matches!(&found[..], [Reason::Cap { .. }]), "{found:?}");
    // The kernel counts in microseconds of 100 ms, and in pages.
    let found = reasons(|run| {
        run.caps[0].inspected_cpus += 1e-5;
        run.caps[0].inspected_memory_bytes -= 100;
    });
    assert_eq!(found, []);
}

#[test]
fn more_cpus_than_the_budget_has_are_found_unless_it_has_grown() {
    let more = |run: &mut Run| {
        run.caps[1].cpus = 1.01;
        run.caps[1].inspected_cpus = 1.01;
    };
    let found = reasons(more);
    assert!(
        matches!(&found[..], [Reason::OverBudget { .. }]),
        "{found:?}"
    );
    let grown = reasons(|run| {
        more(run);
        run.spec.budget = Budget::Grown;
    });
    assert_eq!(grown, []);
}

#[test]
fn as_many_signups_must_be_answered_as_new_as_there_are_rows() {
    // One participant was told 200 twice and never 201.
    let told_a_repeat = |run: &mut Run| run.counts.repeats += 1;
    let expected = Reason::RowsDisagree {
        new: 999,
        repeats: 48,
        rows: 1_000,
    };
    assert_eq!(reasons(told_a_repeat), [expected]);
    let excuses: [fn(&mut Run); 3] = [
        |run| run.ledger.unknown = 1,
        |run| run.faults = vec![fault(FaultKind::Kill, "phase1-server", 3.0, 4.0)],
        |run| {
            let answers = run.answers.entry("signup".into()).or_default();
            answers.insert("202".into(), 1);
        },
    ];
    for excuse in excuses {
        let found = reasons(|run| {
            told_a_repeat(run);
            excuse(run);
        });
        assert_eq!(found, []);
    }
}

#[test]
fn a_refusal_that_no_server_counted_was_the_balancers_and_nothing_else_is() {
    let with = |generator: u64, service: u64| {
        reasons(|run| {
            run.counts.generator_answers += generator;
            run.counts.service_requests += service;
            run.ledger.refused = 4;
        })
    };
    assert_eq!(with(4, 0), []);
    assert!(matches!(with(5, 0)[..], [Reason::CountsDisagree { .. }]));
    assert!(matches!(with(0, 1)[..], [Reason::CountsDisagree { .. }]));
}

#[test]
fn the_service_may_have_counted_slow_bodies_and_nothing_else_that_nobody_honest_sent() {
    let with = |service: u64, slow_bodies: u64| {
        reasons(|run| {
            let mut seen = GreedySeen::default();
            seen.slow_headers.connections = 100;
            seen.slow_bodies.connections = slow_bodies;
            run.greedy = Some(seen);
            run.counts.service_requests += service;
        })
    };
    assert_eq!(with(7, 7), []);
    assert_eq!(with(0, 7), []);
    assert!(matches!(with(8, 7)[..], [Reason::CountsDisagree { .. }]));
}

#[test]
fn a_claimed_setting_that_differs_makes_it_invalid() {
    let set = |name: &str, value: &str| {
        reasons(|run| drop(run.durability.insert(name.to_owned(), value.to_owned())))
    };
    let of_a_role = "phase1-database.set_for_role_or_database";
    assert_eq!(set(of_a_role, "none"), []);
    assert!(matches!(
        set(of_a_role, "synchronous_commit=off")[..],
        [Reason::Durability { .. }]
    ));
    let queue = |name: &str| format!("phase3-queue.signups.0.{name}");
    assert_eq!(set(&queue("type"), "quorum"), []);
    assert_eq!(set(&queue("x-max-length"), "5"), []);
    let found = set(&queue("type"), "classic");
    let expected = Reason::Durability {
        setting: queue("type"),
        found: "classic".into(),
        claimed: "quorum".into(),
    };
    assert_eq!(found, [expected]);
    assert!(!set(&queue("durable"), "false").is_empty());
}

/// The run that named the schedule lag of a generator that was on time.
#[test]
fn an_overloaded_run_is_valid_and_missed_and_says_what_was_in_the_way() {
    let mut run = fixtures::overloaded();
    assert!(judge_again(&mut run));
    assert_eq!((run.verdict, run.reasons.len()), (Verdict::Valid, 0));
    let outcome = run.outcome.clone().unwrap();
    assert!(!outcome.carried);
    assert!(
        matches!(outcome.missed[0], Miss::Rate { .. }),
        "{outcome:?}"
    );
    assert_eq!(run.bottleneck.as_ref().unwrap().service, "phase3-balancer");
    // What was said when it was made stays beside it, however often it is judged again.
    let first = run.judged_first.clone().unwrap();
    assert_eq!(first.verdict, Verdict::Suspect);
    assert!(first.reasons[0].contains("schedule lag"));
    assert!(!judge_again(&mut run));
    assert_eq!(run.judged_first, Some(first));
}

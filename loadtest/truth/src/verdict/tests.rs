//! Each reason is found, and a clean run has none; what was missed is told apart from it.

use super::*;
use crate::fixtures;
use crate::record::{Build, FaultSeen, Miss, Outcome};
use crate::spec::{Budget, FaultKind};

mod carried;

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

#[test]
fn a_generator_that_was_late_while_slots_were_free_makes_it_suspect() {
    let late = |own_ms: Option<f64>| {
        judged(|run| {
            run.load.schedule_lag_p99_ms = 900.0;
            run.load.generator_lag_p99_ms = own_ms;
        })
    };
    let suspect = late(Some(1.5));
    assert_eq!(suspect.verdict, Verdict::Suspect);
    assert_eq!(
        suspect.reasons,
        [Reason::GeneratorLate { p99_ms: Some(1.5) }]
    );
    // All others waited for a slot: the service was slow.
    assert_eq!(late(Some(0.4)).verdict, Verdict::Valid);
    // An older record says only how late all were; here 1,000 requests in 100 s never took 512 slots.
    assert_eq!(
        late(None).reasons,
        if late_seconds() {
            vec![Reason::GeneratorLate { p99_ms: None }]
        } else {
            vec![]
        }
    );
}

/// Whether a second of the sample was late at all.
fn late_seconds() -> bool {
    let run = fixtures::rush();
    run.timeline
        .iter()
        .any(|s| s.p99_ms - s.p99_from_send_ms > 1.0)
}

#[test]
fn an_older_record_of_a_late_second_with_free_slots_is_suspect() {
    let run = judged(|run| {
        run.load.schedule_lag_p99_ms = 50.0;
        for second in &mut run.timeline {
            (second.p99_ms, second.p99_from_send_ms) = (60.0, 10.0);
        }
    });
    assert_eq!(run.reasons, [Reason::GeneratorLate { p99_ms: None }]);
}

#[test]
fn what_else_makes_it_suspect() {
    for (reason, change) in [
        (
            Reason::Stolen { share: 0.03 },
            (|run| run.environment.cpu_steal_share = 0.03) as fn(&mut Run),
        ),
        (Reason::GeneratorBusy { share: 0.9 }, |run| {
            run.load.generator_cpu_share = 0.9
        }),
        (
            Reason::LittlesLaw {
                sampled: 3.0,
                expected: 2.0,
            },
            |run| (run.load.in_flight_mean, run.load.in_flight_expected) = (3.0, 2.0),
        ),
        (Reason::UnreadableDeadLetters { number: 3 }, |run| {
            run.ledger.unreadable_dead_letters = 3
        }),
        (
            Reason::BuildProfile {
                found: "debug".into(),
            },
            |run| {
                let services = "debug".to_owned();
                run.build = Some(Build {
                    services,
                    lab: "release".into(),
                });
            },
        ),
    ] {
        let run = judged(change);
        assert_eq!(
            (run.verdict, &run.reasons[..]),
            (Verdict::Suspect, &[reason][..])
        );
    }
}

#[test]
fn a_clock_that_was_set_is_doubted_where_times_until_durable_are_read_from_it() {
    let set = |ms: u64| {
        let mut run = fixtures::buffered();
        run.incidents.clock_set_ms = ms;
        judge(&mut run);
        run.reasons
    };
    assert_eq!(set(130), [Reason::ClockSet { ms: 130 }]);
    assert_eq!(set(10), []);
    assert_eq!(reasons(|run| run.incidents.clock_set_ms = 130), []);
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

//! What is missed, and what a fault excuses of it.

use super::*;
use crate::record::{Backlog, BrokenPromises};

fn missed(change: impl FnOnce(&mut Run)) -> Vec<Miss> {
    let outcome = judged(change).outcome.unwrap();
    assert_eq!(outcome.carried, outcome.missed.is_empty());
    outcome.missed
}

#[test]
fn too_few_too_many_turned_away_and_too_slow_are_missed() {
    let found = missed(|run| run.load.achieved_per_s = run.load.asked_per_s * 0.99);
    assert!(matches!(found[..], [Miss::Rate { .. }]), "{found:?}");
    let found = missed(|run| run.timeline[3].refused = 2);
    assert!(
        matches!(
            found[..],
            [Miss::TurnedAway {
                refused: 2,
                failed: 0,
                ..
            }]
        ),
        "{found:?}"
    );
    let found = missed(|run| run.latency_ms.answer.p99 = 250.0);
    assert_eq!(found, [Miss::P99 { ms: 250.0 }]);
}

#[test]
fn a_broken_promise_is_missed() {
    let broken = BrokenPromises {
        over_2_s: 3,
        receipts_denied: 2,
        never_recorded: 4,
        failed_reads: 5,
        ..BrokenPromises::default()
    };
    let found = missed(|run| run.broken_outside_faults = Some(broken));
    let expected = [
        Miss::LateAnswers { requests: 3 },
        Miss::ReceiptsDenied { checks: 2 },
        Miss::NeverRecorded { visits: 4 },
        Miss::ReadsFailed { reads: 5 },
    ];
    assert_eq!(found, expected);
    assert_eq!(
        missed(|run| run.ledger.dead_lettered = 2),
        [Miss::DeadLettered { signups: 2 }]
    );
}

#[test]
fn a_backlog_must_be_worked_off_soon_after_the_last_acknowledgement() {
    let drained_after = |seconds: u32| {
        let mut run = fixtures::buffered();
        let last = run.timeline.iter().rposition(|s| s.acked > 0).unwrap();
        for t_s in 0..=seconds {
            let at = last + t_s as usize;
            if at >= run.timeline.len() {
                let mut second = run.timeline[at - 1].clone();
                (second.t_s, second.acked) = (second.t_s + 1, 0);
                run.timeline.push(second);
            }
            run.timeline[at].backlog = 9;
        }
        judge(&mut run);
        run.outcome.unwrap().missed
    };
    assert_eq!(drained_after(9), []);
    assert_eq!(drained_after(11), [Miss::Drain { seconds: 11.0 }]);
}

#[test]
fn a_fault_excuses_its_interval_and_nothing_that_happens_a_minute_later() {
    let killed = |at_s: usize| {
        missed(|run| {
            run.faults = vec![fault(FaultKind::Kill, "phase1-server", 3.0, 4.0)];
            run.timeline[at_s].failed = 20;
            run.load.achieved_per_s *= 0.9;
        })
    };
    assert_eq!(killed(3), []);
    assert_eq!(killed(7), []);
    let found = killed(63);
    assert!(
        matches!(found[..], [Miss::TurnedAway { failed: 20, .. }]),
        "{found:?}"
    );
}

#[test]
fn a_part_that_may_be_lost_excuses_no_answer_even_while_it_is_away() {
    let away = |target: &str| {
        missed(|run| {
            run.faults = vec![fault(FaultKind::Pause, target, 3.0, 33.0)];
            run.timeline[10].refused = 20;
        })
    };
    assert_eq!(away("phase2-primary"), []);
    for part in [
        "phase2-redis",
        "phase2-replica",
        "phase3-writer",
        "phase3-shard-1",
    ] {
        assert!(
            matches!(away(part)[..], [Miss::TurnedAway { .. }]),
            "{part}"
        );
    }
}

#[test]
fn what_waits_behind_a_part_that_is_away_is_excused() {
    let mut run = fixtures::buffered();
    let last = run.timeline.len() - 1;
    run.timeline[last].backlog = 9;
    run.timeline[last].t_s += 60;
    run.backlog = Some(Backlog::default());
    judge(&mut run);
    assert!(matches!(
        run.outcome.as_ref().unwrap().missed[..],
        [Miss::Drain { .. }]
    ));
    run.faults = vec![fault(FaultKind::Pause, "phase3-writer", 3.0, 60.0)];
    judge(&mut run);
    assert!(run.outcome.unwrap().carried);
}

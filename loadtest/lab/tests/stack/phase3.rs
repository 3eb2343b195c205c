//! Phase 3 with parts of it away. What stands behind the queue may fail without a participant
//! noticing; the queue itself may not, and what it has confirmed comes back with it.

use crate::{run, turned_away};
use lab_truth::record::{Run, Verdict};
use lab_truth::spec::FaultKind;

/// Every acknowledged signup is a row, and nothing was left behind.
fn is_clean(run: &Run) {
    assert_eq!(run.ledger.violations(), [], "{:?}", run.ledger);
    let dead = (run.ledger.dead_lettered, run.ledger.unreadable_dead_letters);
    assert_eq!(dead, (0, 0), "{:?}", run.reasons);
    // All of them have a commit time, and none waits any more.
    assert_eq!(run.latency_ms.durable.count, run.ledger.acked);
    let last = run.timeline.last().unwrap();
    assert_eq!(last.backlog, 0, "{last:?}");
    // No receipt that was given is denied, whatever is away.
    let broken = run.broken_promises.as_ref().unwrap();
    assert_eq!(broken.receipts_denied, 0, "{broken:?}");
    assert_ne!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
}

fn largest_backlog(run: &Run, seconds: std::ops::Range<u32>) -> u64 {
    let within = run.timeline.iter().filter(|s| seconds.contains(&s.t_s));
    within.map(|s| s.backlog).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signups_are_accepted_while_the_writer_is_away_and_none_is_lost() {
    let run = run(
        "phase3 --users 4000 --window 20 --no-monitoring --kill phase3-writer@3 \
         --kill phase3-writer@6 --kill phase3-writer@9 --kill phase3-writer@12 \
         --kill phase3-writer@15",
        &[],
    )
    .await;
    is_clean(&run);
    assert_eq!(run.faults.len(), 5, "{:?}", run.faults);
    // It was felt, and not by the participants: what a second's arrivals come to was accepted meanwhile,
    // or half of it. (That nobody is turned away is for runs: a machine that stalls may refuse.)
    let backlog = largest_backlog(&run, 3..20);
    assert!(backlog >= 100, "{backlog}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_killed_and_restarted_keeps_what_it_confirmed() {
    let run = run(
        "phase3 --users 14000 --window 70 --no-monitoring --kill phase3-queue@4 \
         --restart phase3-queue@52",
        &[],
    )
    .await;
    is_clean(&run);
    assert!(
        run.ledger.refused > 0,
        "the kill was not felt: {:?}",
        run.ledger
    );
    // It heals by itself, else the run had waited in vain for gateways and writer to be ready. How soon
    // depends on the machine (RabbitMQ was away for 17 s on a Xeon, 29 s on an EPYC): that is for runs.
    let killed = run
        .faults
        .iter()
        .find(|fault| fault.kind == FaultKind::Kill);
    let killed = killed.map(|fault| fault.begin_s).unwrap();
    let before = run
        .timeline
        .iter()
        .take_while(|s| f64::from(s.t_s) + 1.0 < killed);
    assert!(
        before.map(|second| second.acked).sum::<u64>() > 0,
        "{:?}",
        run.timeline
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signups_are_accepted_while_a_shard_is_away_and_recorded_when_it_is_back() {
    let run = run(
        "phase3 --users 6000 --window 30 --no-monitoring --pause phase3-shard-0@4+10 \
         --kill phase3-shard-1@20",
        &[],
    )
    .await;
    is_clean(&run);
    // Nothing of a signup needs a shard: if it did, the half that is for this one would be turned away.
    // (A machine that stalls may refuse some; that it does not is for runs.)
    let away = turned_away(&run, 4..14).max(turned_away(&run, 20..30));
    assert!(away < 0.4, "{away} of the signups were turned away");
    // Half of 200 a second is for the shard that is away, for most of 10 s.
    let backlog = largest_backlog(&run, 4..14);
    assert!(backlog >= 500, "{backlog}");
    // The other shard's signups are recorded meanwhile.
    let recorded = run.timeline.iter().filter(|s| (6..13).contains(&s.t_s));
    let recorded: u64 = recorded.filter_map(|s| s.recorded).sum();
    assert!(recorded >= 350, "{recorded}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_queue_the_answer_follows_the_commit() {
    let run = run(
        "phase3 --users 200 --window 10 --no-monitoring --without queue",
        &[],
    )
    .await;
    assert_eq!(run.ledger.violations(), [], "{:?}", run.ledger);
    let answers: Vec<&String> = run.answers["signup"].keys().collect();
    assert_eq!(answers, ["200", "201"], "{:?}", run.answers);
    assert_eq!(run.ledger.kept, 200, "{:?}", run.ledger);
    assert!(run.backlog.is_none() && run.timeline[0].recorded.is_none());
    assert_ne!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_and_the_holder_of_their_socket_come_and_go_and_no_signup_is_lost() {
    let run = run(
        "phase3 --users 8000 --window 40 --no-monitoring --pause phase3-gateway-1@4+4 \
         --kill phase3-gateway-2@14 --restart phase3-gateway-1@22 --kill phase3-listener@36",
        &[],
    )
    .await;
    is_clean(&run);
    assert_eq!(run.faults.len(), 4, "{:?}", run.faults);
    // Whoever comes while one gateway stands still is accepted by the other: of 200 a second more than half.
    let away = run.timeline.iter().filter(|s| (5..8).contains(&s.t_s));
    let acked: u64 = away.map(|second| second.acked).sum();
    assert!(acked > 300, "{acked} of 600");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_way_in_of_each_phase_loses_nothing_either() {
    for system in ["phase2 --without balancer", "phase3 --with balancer"] {
        let line = format!("{system} --users 1000 --window 10 --no-monitoring");
        let run = run(&line, &[]).await;
        assert_eq!(run.ledger.violations(), [], "{:?}", run.ledger);
        assert_eq!(run.ledger.kept, 1_000, "{:?}", run.ledger);
        assert_ne!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
    }
}

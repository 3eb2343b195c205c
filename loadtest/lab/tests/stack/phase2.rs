//! Phase 2 with parts of it restarted or killed. Several in one run, each some seconds after the one
//! before has healed: bringing the stack up and down takes longer than all of them.

use crate::{run, turned_away};
use lab_truth::record::Verdict;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_both_servers_fails_no_request() {
    let run = run(
        "phase2 --users 2800 --window 14 --no-monitoring \
         --restart phase2-server-1@2 --restart phase2-server-2@8",
        &[],
    )
    .await;
    let answers: Vec<&String> = run.answers["signup"].keys().collect();
    assert_eq!(answers, ["200", "201"], "{:?}", run.answers);
    let (refused, unknown) = (run.ledger.refused, run.ledger.unknown);
    assert_eq!((refused, unknown), (0, 0), "{:?}", run.ledger);
    assert_eq!((run.ledger.acked, run.load.dropped), (2_800, 0));
    assert_eq!(run.ledger.violations(), [], "{:?}", run.ledger);
    let fault = run.fault_text().unwrap();
    assert_eq!(fault.matches("exit code 0 ").count(), 2, "{fault}");
    assert_ne!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_cache_replica_server_and_primary_are_killed() {
    let run = run(
        "phase2 --users 4400 --window 22 --no-monitoring --kill phase2-redis@3 \
         --kill phase2-replica@6 --kill phase2-server-1@10 --kill phase2-primary@15",
        &[],
    )
    .await;
    assert_eq!(run.ledger.violations(), [], "{:?}", run.ledger);
    // Writes need neither the cache nor the replica: while one is away, for a second and its start,
    // they are accepted. (Not each of them on a machine that stalls: that none fails is for runs.)
    for (service, seconds) in [("cache", 3..5), ("replica", 6..8)] {
        let away = turned_away(&run, seconds);
        assert!(away < 0.4, "{service}: {away} of the signups turned away");
    }
    assert!(
        run.ledger.refused > 0,
        "the primary's kill was not felt: {:?}",
        run.ledger
    );
    // It heals by itself, else the run had waited in vain for the servers to be ready.
    assert_ne!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
}

/// Parts that keep their connections and say nothing, and one that says what it always says and has
/// forgotten everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_fails_while_cache_or_replica_hang_or_the_cache_is_emptied() {
    let run = run(
        "phase2 --users 1600 --window 16 --scenario visit --no-monitoring \
         --pause phase2-redis@2+3 --empty phase2-redis@8 --pause phase2-replica@11+3",
        &[],
    )
    .await;
    for (route, answers) in &run.answers {
        let failed = answers
            .keys()
            .find(|status| !matches!(&status[..], "200" | "201"));
        assert_eq!(failed, None, "{route}: {answers:?}");
    }
    assert_eq!(run.ledger.acked, 1_600, "{:?}", run.ledger);
    assert_eq!(run.ledger.violations(), [], "{:?}", run.ledger);
    // With a replica that answers, none is (0 of 30,000 receipts in results/20261127T172038Z-phase2-visit-30000).
    let from_primary = run.reads["receipt"].get("primary/MISS");
    assert!(from_primary.is_some(), "no fault was felt: {:?}", run.reads);
    assert_ne!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
}

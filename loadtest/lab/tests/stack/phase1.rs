//! Phase 1 with a part of it killed: the honest build loses nothing, the broken ones are convicted.

use crate::run;
use lab_truth::record::{Run, Verdict};

/// A short load with a service killed in the middle.
async fn killed(service: &str, variables: &[(&str, &str)]) -> Run {
    let arguments =
        format!("phase1 --users 1200 --window 6 --no-monitoring --kill phase1-{service}@3");
    run(&arguments, variables).await
}

/// The same of a build with this defect.
async fn killed_broken(service: &str, defect: &str) -> Run {
    let image = "signup-lab/phase1-monolith:broken";
    let variables = [("PHASE1_SERVER_IMAGE", image), ("BROKEN", defect)];
    killed(service, &variables).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_server_loses_nothing_when_it_is_killed() {
    let run = killed("server", &[]).await;
    assert_eq!(run.ledger.violations(), [], "{:?}", run.ledger);
    assert!(
        run.ledger.acked < 1_200,
        "the kill was not felt: {:?}",
        run.ledger
    );
    assert_ne!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_server_loses_nothing_when_its_database_is_killed() {
    let run = killed("database", &[]).await;
    assert_eq!(run.ledger.violations(), [], "{:?}", run.ledger);
    assert!(
        run.ledger.refused > 0,
        "the kill was not felt: {:?}",
        run.ledger
    );
    assert_ne!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_answers_before_it_commits_is_convicted() {
    let run = killed_broken("server", "ack-before-commit").await;
    assert!(run.ledger.lost > 0, "{:?}", run.ledger);
    assert_eq!(run.verdict, Verdict::Invalid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_after_it_has_committed_is_convicted() {
    let run = killed_broken("database", "refuse-after-commit").await;
    assert!(run.ledger.unexpected > 0, "{:?}", run.ledger);
    assert_eq!(run.verdict, Verdict::Invalid);
}

//! A short load of everything participants do, on every phase, with everything watching.

use crate::monitoring::{every_query_has_data, remembers};
use crate::{root, run};
use lab::stack::compose::Stack;
use lab::stack::phases::phase;
use lab_truth::figures::hit_rate;
use lab_truth::record::{Run, Verdict};
use lab_truth::spec::PhaseName;
use lab_truth::verdict::claims::BUILD_PROFILE;

/// 100 visits a second for 20 s, so that every panel has data. Leaves nothing up.
async fn smoke(name: PhaseName) -> Run {
    let phase = phase(name);
    let arguments = format!(
        "{} --users 2000 --window 20 --scenario visit --keep",
        phase.name
    );
    let run = run(&arguments, &[]).await;
    let monitored = every_query_has_data(phase.name).await;
    Stack::new(phase, &root()).down().await.unwrap();
    assert!(remembers(phase.name).await, "nothing is left of {name}");
    assert_eq!(run.ledger.violations(), [], "{:?}", run.reasons);
    assert_eq!(run.ledger.kept, 2_000, "{:?}", run.ledger);
    let broken = run.broken_promises.as_ref().unwrap();
    assert_eq!(broken.receipts_denied, 0, "{broken:?}");
    // The images say how they were built, and a reader of the record sees it.
    let built = run.build.as_ref().map(|build| build.services.as_str());
    assert_eq!(built, Some(BUILD_PROFILE), "{:?}", run.build);
    // A busy machine may make the figures SUSPECT; nothing may make them INVALID.
    assert_ne!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
    assert_eq!(monitored, Vec::<String>::new());
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_smoke_run_of_phase1_is_clean_and_every_panel_and_rule_has_data() {
    let run = smoke(PhaseName::Phase1).await;
    assert_eq!(run.replica_catch_up_s, None);
    assert_eq!(hit_rate(&run.reads["count"]), Some(0.0), "{:?}", run.reads);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_smoke_run_of_phase2_is_clean_and_every_panel_and_rule_has_data() {
    let run = smoke(PhaseName::Phase2).await;
    assert!(run.replica_catch_up_s.is_some());
    let hits = hit_rate(&run.reads["count"]);
    // 99 % is the goal of a long run; here each of the few seconds begins with misses.
    assert!(hits > Some(0.9), "{:?}", run.reads);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_smoke_run_of_phase3_is_clean_and_every_panel_and_rule_has_data() {
    let run = smoke(PhaseName::Phase3).await;
    assert!(
        run.answers["signup"].contains_key("202"),
        "{:?}",
        run.answers
    );
    assert_eq!(run.ledger.dead_lettered, 0, "{:?}", run.reasons);
    // Both clocks of every signup, and the second one later.
    let (answer, durable) = (&run.latency_ms.answer, &run.latency_ms.durable);
    assert_eq!(durable.count, 2_000);
    assert!(durable.p50 > answer.p50, "{answer:?} {durable:?}");
    let backlog = run.backlog.unwrap();
    assert!(backlog.peak > 0, "{backlog:?}");
    assert_eq!(run.durability["phase3-queue.signups.0.type"], "quorum");
}

//! The contract as the containers keep it, through whatever stands in front of the servers.

use crate::{make_room, root};
use lab::stack::compose::Stack;
use lab::stack::engine::Containers;
use lab::stack::phases::phase;
use lab_truth::spec::PhaseName;
use signup_conformance::{Target, Verdict};
use std::fs;

/// Every case that does not pass, on a fresh stack of its own.
async fn broken_cases(name: PhaseName) -> Vec<String> {
    let stack = Stack::new(phase(name), &root()).without_monitoring();
    make_room().await;
    stack.up_fresh().await.unwrap();
    let token = fs::read_to_string(root().join("compose/secrets/organiser_token")).unwrap();
    let phase = stack.phase;
    // Of several servers the first: what a case asks there is true of each of them.
    let operations = Some(phase.operations[0].to_owned());
    // Past the engine's port proxy, as a load goes: it takes what a client does not read, and keeps a
    // connection that the service has closed.
    let containers = Containers::find(phase).await.unwrap();
    let entry = containers.address(phase.entry).await.unwrap().unwrap();
    let url = format!("http://{entry}:8080");
    let target = Target::new(url, operations, token.trim_end())
        .unwrap()
        .patient();
    let mut failed = Vec::new();
    let summary = signup_conformance::run(&target, None, |outcome| {
        if !matches!(outcome.verdict, Verdict::Passed) {
            failed.push(format!("{}: {:?}", outcome.name, outcome.verdict));
        }
    })
    .await;
    stack.down().await.unwrap();
    assert!(summary.passed > 50, "{summary:?} {failed:#?}");
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_holds_in_the_containers_of_phase1() {
    assert_eq!(broken_cases(PhaseName::Phase1).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_holds_behind_the_balancer_of_phase2() {
    assert_eq!(broken_cases(PhaseName::Phase2).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_holds_behind_the_queue_of_phase3() {
    assert_eq!(broken_cases(PhaseName::Phase3).await, Vec::<String>::new());
}

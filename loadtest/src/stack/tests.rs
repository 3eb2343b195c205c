//! Which variables and files Compose gets.

use super::*;
use crate::phases::PhaseName;

#[test]
fn parts_are_on_unless_they_are_left_out() {
    let root = tempfile::tempdir().unwrap();
    let stack = Stack::new(PhaseName::Phase2.phase(), root.path());
    let parts = |stack: &Stack| {
        let part = |(name, value): (&String, &String)| format!("{name}={value}");
        stack.environment.iter().map(part).collect::<Vec<_>>()
    };
    assert_eq!(parts(&stack), ["BATCH=on", "CACHE=on", "REPLICA=on"]);
    let stack = stack.without(&[Part::Cache]).unwrap();
    assert_eq!(parts(&stack), ["BATCH=on", "CACHE=off", "REPLICA=on"]);
}

#[test]
fn without_the_queue_nothing_is_expected_in_it() {
    let root = tempfile::tempdir().unwrap();
    let stack = Stack::new(PhaseName::Phase3.phase(), root.path());
    assert!(stack.phase.queue.is_some() && stack.environment["QUEUE"] == "on");
    let stack = stack.without(&[Part::Queue]).unwrap();
    assert!(stack.phase.queue.is_none() && stack.environment["QUEUE"] == "off");
}

#[test]
fn a_phase_is_not_measured_without_what_it_does_not_have() {
    let root = tempfile::tempdir().unwrap();
    let stack = Stack::new(PhaseName::Phase1.phase(), root.path());
    assert!(stack.environment.is_empty());
    let error = stack.clone().without(&[Part::Batch]).unwrap_err();
    assert!(error.to_string().contains("phase1 has no batch"), "{error}");
    let error = stack.with_budget(Budget::Grown).unwrap_err();
    assert!(error.to_string().contains("for phase1"), "{error}");
}

#[test]
fn a_budget_is_laid_over_the_files_of_the_machine() {
    let root = tempfile::tempdir().unwrap();
    let stack = Stack::new(PhaseName::Phase2.phase(), root.path());
    let error = format!("{:#}", stack.compose_files().unwrap_err());
    assert!(error.contains("make build"), "{error}");
    std::fs::write(
        root.path().join(ENV_FILE),
        "A=1\nCOMPOSE_FILE=a.yaml:b.yaml\n",
    )
    .unwrap();
    assert_eq!(stack.compose_files().unwrap(), "a.yaml:b.yaml");
    let grown = stack.with_budget(Budget::Grown).unwrap();
    assert_eq!(
        grown.compose_files().unwrap(),
        format!("a.yaml:b.yaml:{GROWN}")
    );
}

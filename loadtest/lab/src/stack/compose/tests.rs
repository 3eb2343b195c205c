//! Which variables and files Compose gets.

use super::*;
use lab_truth::spec::{Other, PhaseName};

fn spec(phase: PhaseName) -> RunSpec {
    RunSpec::of(phase)
}

fn stack(spec: &RunSpec) -> anyhow::Result<Stack> {
    Stack::of(spec, Path::new("/nowhere"))
}

#[test]
fn parts_are_on_unless_they_are_left_out() {
    let parts = |stack: &Stack| {
        let part = |(name, value): (&String, &String)| format!("{name}={value}");
        stack.environment.iter().map(part).collect::<Vec<_>>()
    };
    let mut spec = spec(PhaseName::Phase2);
    let all = ["BATCH=on", "CACHE=on", "REPLICA=on"];
    assert_eq!(parts(&stack(&spec).unwrap()), all);
    spec.without = [Part::Cache].into();
    let without = ["BATCH=on", "CACHE=off", "REPLICA=on"];
    assert_eq!(parts(&stack(&spec).unwrap()), without);
}

#[test]
fn without_the_queue_nothing_is_expected_in_it() {
    let mut spec = spec(PhaseName::Phase3);
    let whole = stack(&spec).unwrap();
    assert!(whole.phase.queue.is_some() && whole.environment["QUEUE"] == "on");
    spec.without = [Part::Queue].into();
    let without = stack(&spec).unwrap();
    assert!(without.phase.queue.is_none() && without.environment["QUEUE"] == "off");
}

#[test]
fn a_phase_is_not_measured_without_what_it_does_not_have() {
    let mut spec = spec(PhaseName::Phase1);
    assert!(stack(&spec).unwrap().environment.is_empty());
    spec.budget = Budget::Grown;
    let error = stack(&spec).unwrap_err();
    assert!(error.to_string().contains("for phase1"), "{error}");
    spec.without = [Part::Batch].into();
    let error = stack(&spec).unwrap_err();
    assert!(error.to_string().contains("phase1 has no batch"), "{error}");
}

#[test]
fn what_stands_in_for_a_part_is_laid_over_alone() {
    let mut spec = spec(PhaseName::Phase3);
    spec.with = [Other::Balancer].into();
    let with = stack(&spec).unwrap();
    assert_eq!(with.overlays, ["compose/with-balancer.yaml"]);
    assert_eq!(with.phase.entry, "phase3-balancer");
    spec.budget = Budget::Grown;
    let error = stack(&spec).unwrap_err();
    assert!(error.to_string().contains("no caps for"), "{error}");
    spec.with = [Other::GoServer].into();
    let error = stack(&spec).unwrap_err();
    assert!(error.to_string().contains("phase3 has no part"), "{error}");
}

#[test]
fn a_budget_and_a_slower_machine_are_laid_over_the_files_of_the_machine() {
    let root = tempfile::tempdir().unwrap();
    let env = "A=1\nCOMPOSE_FILE=a.yaml:b.yaml\n";
    std::fs::write(root.path().join(".env"), env).unwrap();
    let mut spec = spec(PhaseName::Phase2);
    let files = |spec: &RunSpec| Stack::of(spec, root.path()).unwrap().files(None).unwrap();
    assert_eq!(files(&spec), "a.yaml:b.yaml");
    spec.budget = Budget::Grown;
    assert_eq!(files(&spec), format!("a.yaml:b.yaml:{GROWN}"));
    let cap = ClaimedCap {
        service: "phase2-redis".into(),
        cpus: 0.02,
        memory_bytes: 1,
    };
    let slowed_down = SlowedDown::write(&[cap], "2.8".parse().unwrap()).unwrap();
    let stack = Stack::of(&spec, root.path()).unwrap();
    let all = stack.files(slowed_down.as_ref()).unwrap();
    assert!(
        all.starts_with(&files(&spec)) && all.ends_with(".yaml"),
        "{all}"
    );
}

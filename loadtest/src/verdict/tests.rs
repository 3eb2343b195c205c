//! Each reason is found, and a clean run has none.

use super::*;
use crate::sample;

fn reasons(change: impl FnOnce(&mut Run, &mut Incidents)) -> Vec<String> {
    let (mut run, mut incidents) = (sample::rush(), Incidents::default());
    change(&mut run, &mut incidents);
    let (verdict, reasons) = judge(&run, &incidents);
    assert_eq!(verdict == Verdict::Valid, reasons.is_empty(), "{reasons:?}");
    reasons
}

#[test]
fn a_clean_run_within_its_budget_is_valid() {
    assert_eq!(reasons(|_, _| {}), [""; 0]);
}

#[test]
fn what_happened_to_the_containers_makes_it_invalid() {
    let found = reasons(|_, incidents| {
        incidents.ended.push("phase1-server".into());
        incidents
            .behind
            .push("phase2-replica has replayed 0/1 of 0/2".into());
    });
    assert!(found[0].contains("phase1-server did not run at the end"));
    assert!(found[1].contains("0/2 after 60 s of waiting"), "{found:?}");
}

#[test]
fn a_replica_that_differs_makes_it_invalid() {
    let found = reasons(|run, _| run.ledger.replica_differs = 3);
    assert_eq!(found, ["the ledger is not clean: 3 replica differs"]);
}

#[test]
fn more_cpus_than_the_budget_has_are_found_unless_it_has_grown() {
    let more = |run: &mut Run| {
        run.caps[1].cpus = 1.01;
        run.caps[1].inspected_cpus = 1.01;
    };
    let found = reasons(|run, _| more(run));
    assert!(found[0].contains("1.26 CPU together"), "{found:?}");
    let grown = reasons(|run, _| {
        more(run);
        run.budget = "grown".into();
    });
    assert_eq!(grown, [""; 0]);
}

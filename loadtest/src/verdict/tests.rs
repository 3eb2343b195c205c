//! Each reason is found, and a clean run has none.

use super::*;
use crate::record::BrokenPromises;
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

#[test]
fn as_many_signups_must_be_answered_as_new_as_there_are_rows() {
    // One participant was told 200 twice and never 201.
    let told_a_repeat = |run: &mut Run| run.counts.repeats += 1;
    let found = reasons(|run, _| told_a_repeat(run));
    let expected = "999 signups were answered as new, 48 as repeats, and there are 1000 rows";
    assert_eq!(found, [expected]);
    let found = reasons(|run, _| run.counts.repeats -= 1);
    assert!(found[0].starts_with("1001 signups were answered as new"));
    let excuses: [fn(&mut Run); 3] = [
        |run| run.ledger.unknown = 1,
        |run| run.fault = Some("kill -9 phase1-server at 3 s".into()),
        |run| {
            let answers = run.answers.entry("signup".into()).or_default();
            answers.insert("202".into(), 1);
        },
    ];
    for excuse in excuses {
        let found = reasons(|run, _| {
            told_a_repeat(run);
            excuse(run);
        });
        assert_eq!(found, [""; 0]);
    }
}

#[test]
fn a_refusal_that_no_server_counted_was_the_balancers_and_nothing_else_is() {
    let found = reasons(|run, _| {
        run.counts.generator_answers += 4;
        run.ledger.refused = 4;
    });
    assert_eq!(found, [""; 0]);
    let uncounted = reasons(|run, _| {
        run.counts.generator_answers += 5;
        run.ledger.refused = 4;
    });
    assert!(uncounted[0].contains("1052 signup requests, the service 1047"));
    let too_many = reasons(|run, _| {
        run.counts.service_requests += 1;
        run.ledger.refused = 4;
    });
    assert!(too_many[0].contains("1047 signup requests, the service 1048"));
}

/// What the run is and why, with these promises broken.
fn with_broken(broken: BrokenPromises, change: impl FnOnce(&mut Run)) -> (Verdict, Vec<String>) {
    let mut run = sample::rush();
    run.broken_promises = Some(broken);
    change(&mut run);
    judge(&run, &Incidents::default())
}

fn refuse_one(run: &mut Run) {
    let answers = run.answers.entry("count".into()).or_default();
    answers.insert("503".into(), 1);
}

#[test]
fn an_answer_over_2_s_convicts_unless_there_was_a_fault_or_the_generator_was_late_itself() {
    let slow = || BrokenPromises {
        over_2_s: 3,
        ..BrokenPromises::default()
    };
    let reason = "3 requests were not answered within 2 s";
    let expected = (Verdict::Invalid, vec![reason.to_owned()]);
    assert_eq!(with_broken(slow(), |_| {}), expected);
    let (verdict, found) = with_broken(slow(), |run| {
        run.fault = Some("pause phase1-database".into())
    });
    assert_eq!(
        (verdict, found),
        (Verdict::Suspect, vec![reason.to_owned()])
    );
    let (verdict, found) = with_broken(slow(), |run| run.load.schedule_lag_p99_ms = 1.5);
    assert_eq!(verdict, Verdict::Suspect);
    assert!(found.contains(&reason.to_owned()), "{found:?}");
}

#[test]
fn a_receipt_that_is_not_given_not_known_or_never_recorded_makes_it_invalid() {
    let none = BrokenPromises::default;
    for (broken, reason) in [
        (
            BrokenPromises {
                without_receipt: 1,
                ..none()
            },
            "1 signups were acknowledged without a receipt",
        ),
        (
            BrokenPromises {
                receipts_denied: 2,
                ..none()
            },
            "2 checks of receipts that were given were answered 404",
        ),
        (
            BrokenPromises {
                never_recorded: 4,
                ..none()
            },
            "4 visits never saw their receipt recorded",
        ),
    ] {
        let found = with_broken(broken, |_| {});
        assert_eq!(found, (Verdict::Invalid, vec![reason.to_owned()]));
    }
    assert_eq!(with_broken(none(), |_| {}), (Verdict::Valid, Vec::new()));
}

#[test]
fn reads_that_fail_make_it_suspect_unless_a_fault_or_refusals_explain_them() {
    let failed = || BrokenPromises {
        never_recorded: 1,
        failed_reads: 20,
        ..BrokenPromises::default()
    };
    let (verdict, found) = with_broken(failed(), |_| {});
    assert_eq!(verdict, Verdict::Suspect);
    let unseen = "1 visits never saw their receipt recorded";
    assert_eq!(found, [unseen, "20 reads failed"]);
    let (verdict, found) = with_broken(failed(), refuse_one);
    assert_eq!(verdict, Verdict::Suspect);
    assert_eq!(found, [unseen]);
    let excused = with_broken(failed(), |run| run.fault = Some("kill -9 x at 3 s".into()));
    assert_eq!(excused, (Verdict::Valid, Vec::new()));
}

#[test]
fn a_claimed_setting_that_a_role_has_of_its_own_makes_it_invalid() {
    let set = |value: &str| {
        let (name, value) = ("phase1-database.set_for_role_or_database", value.to_owned());
        reasons(|run, _| drop(run.durability.insert(name.to_owned(), value)))
    };
    assert_eq!(set("none"), [""; 0]);
    let found = set("synchronous_commit=off");
    assert!(
        found[0].contains("is synchronous_commit=off, not none"),
        "{found:?}"
    );
}

#[test]
fn a_queue_that_is_not_what_is_claimed_makes_it_invalid() {
    let set = |name: &str, value: &str| {
        let (name, value) = (format!("phase3-queue.signups.0.{name}"), value.to_owned());
        reasons(|run, _| drop(run.durability.insert(name, value)))
    };
    assert_eq!(set("type", "quorum"), [""; 0]);
    assert_eq!(set("x-max-length", "5"), [""; 0]);
    let found = set("type", "classic");
    assert_eq!(
        found,
        ["phase3-queue.signups.0.type is classic, not quorum as claimed"]
    );
    assert!(set("durable", "false")[0].contains("durable is false, not true"));
}

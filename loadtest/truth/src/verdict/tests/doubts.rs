//! What makes a run SUSPECT.

use super::*;
use crate::record::Build;

#[test]
fn a_generator_that_was_late_while_slots_were_free_makes_it_suspect() {
    let late = |own_ms: Option<f64>| {
        judged(|run| {
            run.load.schedule_lag_p99_ms = 900.0;
            run.load.generator_lag_p99_ms = own_ms;
        })
    };
    let suspect = late(Some(1.5));
    assert_eq!(suspect.verdict, Verdict::Suspect);
    assert_eq!(
        suspect.reasons,
        [Reason::GeneratorLate { p99_ms: Some(1.5) }]
    );
    // All others waited for a slot: the service was slow.
    assert_eq!(late(Some(0.4)).verdict, Verdict::Valid);
    // An older record says only how late all were; here 1,000 requests in 100 s never took 512 slots.
    assert_eq!(
        late(None).reasons,
        if late_seconds() {
            vec![Reason::GeneratorLate { p99_ms: None }]
        } else {
            vec![]
        }
    );
}

/// Whether a second of the sample was late at all.
fn late_seconds() -> bool {
    let run = fixtures::rush();
    run.timeline
        .iter()
        .any(|s| s.p99_ms - s.p99_from_send_ms > 1.0)
}

#[test]
fn an_older_record_of_a_late_second_with_free_slots_is_suspect() {
    let run = judged(|run| {
        run.load.schedule_lag_p99_ms = 50.0;
        for second in &mut run.timeline {
            (second.p99_ms, second.p99_from_send_ms) = (60.0, 10.0);
        }
    });
    assert_eq!(run.reasons, [Reason::GeneratorLate { p99_ms: None }]);
}

#[test]
fn what_else_makes_it_suspect() {
    for (reason, change) in [
        (
            Reason::Stolen { share: 0.03 },
            (|run| run.environment.cpu_steal_share = 0.03) as fn(&mut Run),
        ),
        (Reason::GeneratorBusy { share: 0.9 }, |run| {
            run.load.generator_cpu_share = 0.9
        }),
        (
            Reason::LittlesLaw {
                sampled: 3.0,
                expected: 2.0,
            },
            |run| (run.load.in_flight_mean, run.load.in_flight_expected) = (3.0, 2.0),
        ),
        (Reason::UnreadableDeadLetters { number: 3 }, |run| {
            run.ledger.unreadable_dead_letters = 3
        }),
        (
            Reason::BuildProfile {
                found: "debug".into(),
            },
            |run| {
                let services = "debug".to_owned();
                run.build = Some(Build {
                    services,
                    lab: "release".into(),
                });
            },
        ),
    ] {
        let run = judged(change);
        assert_eq!(
            (run.verdict, &run.reasons[..]),
            (Verdict::Suspect, &[reason][..])
        );
    }
}

#[test]
fn a_clock_that_was_set_is_doubted_where_times_until_durable_are_read_from_it() {
    let set = |ms: u64| {
        let mut run = fixtures::buffered();
        run.incidents.clock_set_ms = ms;
        judge(&mut run);
        run.reasons
    };
    assert_eq!(set(130), [Reason::ClockSet { ms: 130 }]);
    assert_eq!(set(10), []);
    assert_eq!(reasons(|run| run.incidents.clock_set_ms = 130), []);
}

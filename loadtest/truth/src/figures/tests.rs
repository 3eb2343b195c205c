//! The figures that follow from a handful of requests.

use super::*;
use crate::evidence::Ending;
use crate::record::Backlog;
use std::time::{Duration, Instant, SystemTime};

fn signup(intended_us: u64, sent_us: u64, answered_us: u64, status: u16) -> Attempt {
    Attempt {
        intended_us,
        sent_us,
        answered_us,
        participant: 0,
        kind: Kind::Signup,
        number: 1,
        ending: Ending::Status(status),
        receipt: None,
        state: None,
        provenance: None,
        waited_for_slot: false,
    }
}

#[test]
fn a_stall_shows_in_the_latency_from_the_intended_start_only() {
    let attempts: Vec<_> = (0..100).map(|i| signup(i, 900_000, 901_000, 201)).collect();
    let latencies = latencies(&attempts, None, &[]);
    assert!((latencies.answer_from_send.p99 - 1.0).abs() < 0.01);
    assert!(latencies.answer.p50 > 900.0);
}

#[test]
fn refused_and_failed_signups_have_percentiles_of_their_own() {
    let attempts = [
        signup(0, 0, 1_000, 201),
        signup(0, 0, 2_000, 503),
        signup(0, 0, 4_000, 504),
        signup(0, 0, 8_000, 400),
    ];
    let latencies = latencies(&attempts, None, &[]);
    let counts = [
        latencies.answer.count,
        latencies.refused.count,
        latencies.failed.count,
    ];
    assert_eq!(counts, [1, 1, 2]);
    assert!((latencies.answer.max - 1.0).abs() < 0.01);
}

#[test]
fn answers_are_counted_by_kind_and_participants_once() {
    let mut attempts = [201, 201, 503]
        .map(|status| signup(0, 0, 1, status))
        .to_vec();
    attempts.push(Attempt {
        participant: 1,
        kind: Kind::Count,
        ..signup(0, 0, 1, 200)
    });
    let answers = answers(&attempts);
    assert_eq!(
        answers["signup"],
        [("201".into(), 2), ("503".into(), 1)].into()
    );
    assert_eq!(answers["count"], [("200".into(), 1)].into());
    assert_eq!(acknowledged(2, &attempts), 1);
}

#[test]
fn the_course_of_a_run_with_a_queue_ends_with_the_last_commit() {
    let began = SystemTime::UNIX_EPOCH;
    let attempts = [signup(0, 0, 1_000, 202)];
    let mut recording = CommitTimes::open(1, &attempts, began, Duration::from_secs(60));
    recording.committed(0, (began + Duration::from_millis(2_500)).into());
    let seconds = timeline(&attempts, Some(&recording), &[], Instant::now());
    let course: Vec<_> = seconds.iter().map(|s| (s.backlog, s.recorded)).collect();
    assert_eq!(course, [(1, Some(0)), (1, Some(0)), (0, Some(1))]);
    let durable = latencies(&attempts, Some(&recording), &[]).durable;
    assert!((durable.p99 - 2_500.0).abs() < 5.0, "{durable:?}");
    let expected = Backlog {
        peak: 1,
        peak_t_s: 0,
        at_window_end: 1,
    };
    assert_eq!(backlog(&seconds, 2), expected);
    assert_eq!(backlog(&seconds, 100).at_window_end, 0);
    assert_eq!(backlog(&[], 100), Backlog::default());
}

#[test]
fn each_second_counts_what_was_asked_and_answered_in_it() {
    let attempts = [
        signup(500_000, 500_000, 1_200_000, 201),
        signup(1_500_000, 1_500_000, 1_600_000, 503),
    ];
    let seconds = timeline(&attempts, None, &[], Instant::now());
    assert_eq!(seconds.len(), 2);
    assert_eq!((seconds[0].asked, seconds[0].acked), (1, 0));
    assert_eq!(
        (seconds[1].asked, seconds[1].acked, seconds[1].refused),
        (1, 1, 1)
    );
    assert!((seconds[0].p99_ms - 700.0).abs() < 1.0);
}

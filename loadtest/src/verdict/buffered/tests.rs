//! Each reason that only a run with a queue can have.

use super::super::judge;
use super::*;
use crate::record::{Backlog, Verdict};
use crate::sample;
use std::collections::BTreeMap;

fn judged(change: impl FnOnce(&mut Run, &mut Incidents)) -> (Verdict, Vec<String>) {
    let (mut run, mut incidents) = (sample::buffered(), Incidents::default());
    change(&mut run, &mut incidents);
    judge(&run, &incidents)
}

fn suspect(reason: &str) -> (Verdict, Vec<String>) {
    (Verdict::Suspect, vec![reason.to_owned()])
}

const VALID: (Verdict, Vec<String>) = (Verdict::Valid, Vec::new());

#[test]
fn a_run_that_kept_pace_is_valid() {
    assert_eq!(judged(|_, _| {}), VALID);
}

#[test]
fn a_backlog_that_has_grown_makes_it_suspect_unless_a_fault_did_it() {
    let grown = |run: &mut Run| {
        let at_window_end = 25;
        run.backlog = Some(Backlog {
            at_window_end,
            ..Backlog::default()
        });
    };
    let reason = "25 signups waited to be recorded when the load ended, the arrivals of 2.50 s: the \
                  backlog was growing, so this rate is over the capacity";
    assert_eq!(judged(|run, _| grown(run)), suspect(reason));
    let excused = judged(|run, _| {
        grown(run);
        run.drain_s = 11.0;
        run.fault = Some("pause phase3-shard-0 at 3 s for 30 s".into());
    });
    assert_eq!(excused, VALID);
}

#[test]
fn a_slow_drain_makes_it_suspect() {
    let reason = "the last signup was recorded 10.5 s after the last answer, over 10 s: recording \
                  does not keep pace with accepting";
    assert_eq!(judged(|run, _| run.drain_s = 10.5), suspect(reason));
    // Where the answer follows the commit, nothing is promised before it is kept.
    let without = judged(|run, _| {
        run.drain_s = 10.5;
        run.backlog = None;
    });
    assert_eq!(without, VALID);
}

#[test]
fn a_dead_letter_makes_it_suspect_also_with_a_fault() {
    let reasons = [("unreadable".to_owned(), 3), ("wrong_shard".to_owned(), 2)];
    let reasons = BTreeMap::from(reasons);
    let (verdict, found) = judged(|run, incidents| {
        run.ledger.dead_lettered = 2;
        run.ledger.unreadable_dead_letters = 3;
        run.fault = Some("kill -9 phase3-writer at 3 s".into());
        incidents.dead_letters = reasons;
    });
    assert_eq!(verdict, Verdict::Suspect);
    let all = "(reasons of all dead letters: 3 unreadable, 2 wrong_shard)";
    let promised = "2 acknowledged signups are only in the dead-letter queue: an operator must \
                    record them";
    let unreadable = "3 dead letters are no readable signup";
    assert_eq!(
        found,
        [promised, unreadable].map(|what| format!("{what} {all}"))
    );
}

#[test]
fn a_queue_that_never_drained_and_a_map_that_is_wrong_make_it_invalid() {
    let (verdict, found) = judged(|_, incidents| {
        incidents.left = Some("7 messages wait, and nothing moved for 120 s".into());
        incidents.shard_maps = vec!["the shards have different maps (versions 1, 2)".into()];
    });
    assert_eq!(verdict, Verdict::Invalid);
    let undrained = "the queue did not drain: 7 messages wait, and nothing moved for 120 s";
    assert_eq!(
        found,
        [undrained, "the shards have different maps (versions 1, 2)"]
    );
}

#[test]
fn a_clock_that_was_set_makes_the_time_to_durable_suspect() {
    let set = |ms: u64| judged(|_, incidents| incidents.clock_set = Duration::from_millis(ms));
    let reason = "this machine's clock was set by 130 ms during the run: until durable is off by as \
                  much";
    assert_eq!(set(130), suspect(reason));
    assert_eq!(set(10), VALID);
}

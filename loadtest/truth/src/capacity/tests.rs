//! Searches on machines that carry so much and no more.

use super::*;
use crate::fixtures;

fn tried(rung: i32, carried: bool) -> Tried {
    let mut tried = Tried::of(rung, &fixtures::rush());
    (tried.carried, tried.verdict) = (carried, Verdict::Valid);
    tried
}

fn search() -> Search {
    Search {
        system: PhaseName::Phase1.into(),
        repeat: 1,
        tried: Vec::new(),
    }
}

/// Searches from `start` where everything up to `limit` is carried; returns what was tried and found.
fn searched(start: i32, limit: i32) -> (Vec<i32>, Option<i32>) {
    let mut search = search();
    loop {
        match search.next(start) {
            Next::Try(rung) => search.tried.push(tried(rung, rung <= limit)),
            Next::GivenUp => panic!("{search:?}"),
            Next::Over(found) => {
                let rungs = search.tried.iter().map(|one| one.rung);
                return (rungs.collect(), found);
            }
        }
        assert!(search.tried.len() < 40, "{search:?}");
    }
}

#[test]
fn a_search_finds_the_highest_rate_that_is_carried_from_wherever_it_begins() {
    for limit in [0, 1, 50, 150, 199] {
        for start in [0, 1, 49, 50, 51, 150, 200] {
            let (rungs, found) = searched(start, limit);
            assert_eq!(found, Some(limit), "from {start}: {rungs:?}");
        }
    }
    assert_eq!(searched(20, -1).1, None);
}

#[test]
fn a_repeat_that_finds_the_same_takes_two_runs_and_one_from_afar_strides() {
    assert_eq!(searched(100, 100).0, [100, 101]);
    assert_eq!(searched(100, 98).0, [100, 99, 97, 98]);
    assert_eq!(
        searched(100, 112).0,
        [100, 101, 103, 107, 115, 111, 113, 112]
    );
}

#[test]
fn what_cannot_be_believed_is_tried_again_and_then_given_up() {
    let mut search = search();
    search.tried.push(tried(10, true));
    let mut doubtful = tried(11, false);
    doubtful.verdict = Verdict::Suspect;
    for _ in 0..3 {
        assert_eq!(search.next(0), Next::Try(11));
        search.tried.push(doubtful.clone());
    }
    assert_eq!((search.next(0), search.found()), (Next::GivenUp, None));
    search.tried.truncate(1);
    doubtful.verdict = Verdict::Invalid;
    search.tried.push(doubtful);
    assert_eq!(search.next(0), Next::GivenUp);
}

#[test]
fn rungs_and_rates_agree() {
    for per_s in [1.0, 12.0, 1_336.0, 21_000.0] {
        let off = rate(rung(per_s)) / per_s;
        assert!((0.975..1.026).contains(&off), "{per_s}: {off}");
    }
    assert_eq!(rung(0.0), 0);
}

#[test]
fn phases_take_turns_and_the_median_is_what_is_quoted() {
    let mut capacity = fixtures::capacity();
    let turns: Vec<String> = capacity
        .turns()
        .map(|(system, repeat)| format!("{system} {repeat}"))
        .collect();
    assert_eq!(
        turns,
        [
            "phase1 1", "phase3 1", "phase1 2", "phase3 2", "phase1 3", "phase3 3"
        ]
    );
    assert!(capacity.is_over());
    let phase3 = System::from(PhaseName::Phase3);
    assert_eq!(capacity.median(&phase3).unwrap().rung, 201);
    assert_eq!(capacity.median(&PhaseName::Phase2.into()), None);
    let spec = capacity.spec(&phase3, 201);
    assert_eq!((spec.users, spec.window_s), (363_144, 20));
    capacity.search(&phase3, 3).tried.pop();
    assert!(!capacity.is_over());
    assert_eq!(capacity.median(&phase3).unwrap().rung, 200);
}

#[test]
fn it_is_read_as_it_was_written() {
    let capacity = fixtures::capacity();
    let json = serde_json::to_string(&capacity).unwrap();
    assert_eq!(serde_json::from_str::<Capacity>(&json).unwrap(), capacity);
}

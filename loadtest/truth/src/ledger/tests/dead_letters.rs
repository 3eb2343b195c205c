//! What a dead letter is to the ledger: evidence, and no row.

use super::*;

/// What the ledger says of these attempts, rows and dead letters.
fn judge_with_dead(attempts: &[Attempt], rows: &[Row], dead: &[Row]) -> Ledger {
    let mut book = Reconciliation::open(10, Participants::new("t"), attempts);
    for row in rows {
        book.found(row);
    }
    for row in dead {
        book.found_dead(row);
    }
    book.close()
}

#[test]
fn an_acknowledged_signup_found_only_as_a_dead_letter_is_neither_lost_nor_kept() {
    let accepted = [1, 2, 3].map(|number| signup(number, Ending::Status(202)));
    // The second was recorded and dead-lettered as well; the third is nowhere.
    let ledger = judge_with_dead(&accepted, &[row(2)], &[row(1), row(2)]);
    assert_eq!(ledger.violations(), [("lost", 1)]);
    assert_eq!((ledger.dead_lettered, ledger.kept), (1, 1));
}

#[test]
fn a_dead_letter_is_held_against_the_service_like_a_row() {
    let refused = signup(1, Ending::Status(503));
    let ledger = judge_with_dead(&[refused], &[], &[row(1), row(2)]);
    assert_eq!(ledger.violations(), [("unexpected", 2)]);
    let stranger = Row {
        email: "ann@example.org".into(),
        ..row(1)
    };
    let ledger = judge_with_dead(&[], &[], &[stranger]);
    assert_eq!(ledger.violations(), [("unexpected", 1)]);
    let renamed = Row {
        name: "Ann".into(),
        ..row(1)
    };
    let accepted = signup(1, Ending::Status(202));
    let ledger = judge_with_dead(&[accepted], &[], &[renamed]);
    assert_eq!(ledger.violations(), [("mutated", 1)]);
    let other_id = Row {
        id: Uuid::from_u128(9),
        ..row(1)
    };
    let ledger = judge_with_dead(&[accepted], &[], &[other_id]);
    assert_eq!(ledger.violations(), [("receipt conflicts", 1)]);
}

#[test]
fn a_dead_letter_of_an_unknown_answer_is_no_promise_and_no_row() {
    let ledger = judge_with_dead(&[signup(1, Ending::Timeout)], &[], &[row(1)]);
    assert_eq!(ledger.violations(), []);
    assert_eq!((ledger.recovered, ledger.dead_lettered), (0, 0));
}

//! What the ledger finds, and what it does not hold against a service.

mod dead_letters;

use super::*;
use crate::evidence::Ending;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

fn receipt(id: u128) -> Option<Receipt> {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&id.to_be_bytes());
    Receipt::parse(&URL_SAFE_NO_PAD.encode(bytes))
}

fn signup(participant: u32, ending: Ending) -> Attempt {
    let acked = ending.is_success();
    Attempt {
        intended_us: 0,
        sent_us: 0,
        answered_us: 1,
        participant,
        kind: Kind::Signup,
        number: 1,
        ending,
        receipt: receipt(u128::from(participant)).filter(|_| acked),
        state: None,
        provenance: None,
        waited_for_slot: false,
    }
}

fn judge(attempts: &[Attempt], rows: &[Row]) -> Ledger {
    let mut book = Reconciliation::open(10, Participants::new("t"), attempts);
    for row in rows {
        book.found(row);
    }
    book.close()
}

fn row(participant: u32) -> Row {
    let participants = Participants::new("t");
    Row {
        id: Uuid::from_u128(u128::from(participant)),
        email: participants.email(participant),
        name: participants.name(participant),
    }
}

#[test]
fn what_was_acknowledged_and_kept_is_clean() {
    let ledger = judge(
        &[
            signup(1, Ending::Status(201)),
            signup(1, Ending::Status(200)),
        ],
        &[row(1)],
    );
    assert_eq!(ledger.violations(), []);
    assert_eq!(
        (ledger.acked_requests, ledger.acked, ledger.kept),
        (2, 1, 1)
    );
}

#[test]
fn acknowledged_and_not_there_is_lost() {
    let ledger = judge(
        &[
            signup(1, Ending::Status(201)),
            signup(2, Ending::Status(202)),
        ],
        &[row(2)],
    );
    assert_eq!(ledger.violations(), [("lost", 1)]);
}

#[test]
fn refused_and_there_is_unexpected_but_unknown_and_there_is_recovered() {
    let refused = [Ending::Status(503), Ending::Status(422), Ending::NeverSent];
    for outcome in refused {
        let ledger = judge(&[signup(1, outcome)], &[row(1)]);
        assert_eq!(ledger.violations(), [("unexpected", 1)], "{outcome}");
    }
    for outcome in [Ending::Timeout, Ending::Broken, Ending::Status(504)] {
        // A refusal of the repeat says nothing about the first request.
        let ledger = judge(
            &[signup(1, outcome), signup(1, Ending::Status(503))],
            &[row(1)],
        );
        assert_eq!(
            (ledger.violations(), ledger.recovered),
            (vec![], 1),
            "{outcome}"
        );
    }
}

#[test]
fn a_row_nobody_sent_is_unexpected() {
    let stranger = Row {
        email: "ann@example.org".into(),
        ..row(1)
    };
    assert_eq!(
        judge(&[], &[stranger, row(3)]).violations(),
        [("unexpected", 2)]
    );
}

#[test]
fn two_rows_another_name_another_receipt_and_no_receipt_are_found() {
    let acked = signup(1, Ending::Status(201));
    assert_eq!(
        judge(&[acked], &[row(1), row(1)]).violations(),
        [("duplicated", 1)]
    );
    let renamed = Row {
        name: "Ann".into(),
        ..row(1)
    };
    assert_eq!(judge(&[acked], &[renamed]).violations(), [("mutated", 1)]);
    let other_id = Row {
        id: Uuid::from_u128(9),
        ..row(1)
    };
    assert_eq!(
        judge(&[acked], &[other_id]).violations(),
        [("receipt conflicts", 1)]
    );
    let again = Attempt {
        receipt: receipt(7),
        ..acked
    };
    assert_eq!(
        judge(&[acked, again], &[row(1)]).violations(),
        [("receipt conflicts", 1)]
    );
    let none = Attempt {
        receipt: None,
        ..acked
    };
    assert_eq!(
        judge(&[none], &[row(1)]).violations(),
        [("receipt conflicts", 1)]
    );
}

#[test]
fn among_others_only_rows_of_its_own_concern_it() {
    let mine = row(1);
    let stranger = Row {
        email: Participants::new("another load").email(1),
        ..row(1)
    };
    let alone = Reconciliation::open(10, Participants::new("t"), &[]);
    assert!(alone.concerns(&mine) && alone.concerns(&stranger));
    let among = Reconciliation::open(10, Participants::new("t"), &[]).among_others();
    assert!(among.concerns(&mine) && !among.concerns(&stranger));
}

#[test]
fn misrouted_rows_and_unreadable_dead_letters_are_counted() {
    let mut book = Reconciliation::open(10, Participants::new("t"), &[]);
    book.misrouted();
    book.found_unreadable();
    let ledger = book.close();
    assert_eq!(ledger.violations(), [("misrouted", 1)]);
    assert_eq!(ledger.unreadable_dead_letters, 1);
}

/// One participant in two shards has two rows, whichever shard each is in.
#[test]
fn a_row_in_each_of_two_shards_is_a_duplicate() {
    let mut book = Reconciliation::open(
        10,
        Participants::new("t"),
        &[signup(1, Ending::Status(202))],
    );
    assert_eq!(book.found(&row(1)), Some(1));
    // A writer that routed by something else than the id, on another day.
    book.misrouted();
    assert_eq!(book.found(&row(1)), Some(1));
    let ledger = book.close();
    assert_eq!(ledger.violations(), [("duplicated", 1), ("misrouted", 1)]);
}

/// The violations when the replica holds `copied` and the database that owns them `owned`.
fn compare(owned: &[Row], copied: &[Row]) -> Vec<(&'static str, u64)> {
    let attempts: Vec<_> = (0..10).map(|i| signup(i, Ending::Timeout)).collect();
    let mut book = Reconciliation::open(10, Participants::new("t"), &attempts);
    for row in owned {
        book.found(row);
    }
    let mut page = book.replica_rows();
    copied.iter().for_each(|row| page.found(row));
    book.compare(&page);
    book.close().violations()
}

#[test]
fn a_replica_with_the_same_rows_in_any_order_is_clean() {
    assert_eq!(
        compare(&[row(1), row(2), row(3)], &[row(3), row(1), row(2)]),
        []
    );
}

#[test]
fn what_a_replica_lacks_has_too_much_or_holds_otherwise_is_found() {
    let renamed = Row {
        name: "Ann".into(),
        ..row(2)
    };
    let other_id = Row {
        id: Uuid::from_u128(9),
        ..row(2)
    };
    let stranger = Row {
        email: "ann@example.org".into(),
        ..row(2)
    };
    let owned = [row(1), row(2)];
    for (copied, differences) in [
        (vec![row(1)], 1),
        (vec![], 2),
        (vec![row(1), row(2), row(3)], 1),
        (vec![row(1), row(2), row(2)], 1),
        (vec![row(1), renamed], 1),
        (vec![row(1), other_id], 1),
        (vec![row(1), row(2), stranger.clone()], 1),
        (vec![row(1), stranger], 2),
    ] {
        let found = compare(&owned, &copied);
        assert_eq!(found, [("replica differs", differences)], "{copied:?}");
    }
}

#[test]
fn a_stranger_in_both_places_is_unexpected_once_and_no_difference() {
    let strangers = [Row {
        email: "ann@example.org".into(),
        ..row(1)
    }];
    assert_eq!(compare(&strangers, &strangers), [("unexpected", 1)]);
}

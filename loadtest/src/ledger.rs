//! The ledger: every acknowledged signup, looked for again in the databases, by identity.
//!
//! It knows what each participant sent and was told, and is shown every row that was kept. What
//! the service says about itself is no evidence here.

use crate::attempt::{Attempt, Kind, Receipt};
use crate::participant::Participants;
use crate::record::Ledger;
use uuid::Uuid;

/// A signup as it was found in a database.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its primary key.
    pub id: Uuid,
    /// The canonical e-mail.
    pub email: String,
    /// The name.
    pub name: String,
}

/// The ledger while it is being written.
pub struct Book {
    participants: Participants,
    entries: Vec<Entry>,
    ledger: Ledger,
}

/// What one participant was told, and what was found of them.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    acked: bool,
    unknown: bool,
    rows: u8,
    conflict: bool,
    receipt: Option<Receipt>,
}

impl Book {
    /// Enters what every participant sent and was told.
    #[must_use]
    pub fn open(users: u32, participants: Participants, attempts: &[Attempt]) -> Self {
        let entries = vec![Entry::default(); users as usize];
        let mut book = Self {
            participants,
            entries,
            ledger: Ledger::default(),
        };
        for attempt in attempts
            .iter()
            .filter(|attempt| attempt.kind == Kind::Signup)
        {
            book.enter(attempt);
        }
        book
    }

    fn enter(&mut self, attempt: &Attempt) {
        let entry = &mut self.entries[attempt.participant as usize];
        let ledger = &mut self.ledger;
        ledger.attempted += 1;
        ledger.refused += u64::from(attempt.outcome.is_refused());
        if attempt.outcome.is_unknown() {
            ledger.unknown += 1;
            entry.unknown = true;
        }
        if attempt.outcome.is_success() {
            ledger.acked_requests += 1;
            entry.acked = true;
            // An acknowledgement without a receipt proves nothing to the participant.
            match (entry.receipt, attempt.receipt) {
                (None, Some(receipt)) => entry.receipt = Some(receipt),
                (Some(first), Some(again)) => entry.conflict |= first != again,
                (_, None) => entry.conflict = true,
            }
        }
    }

    /// Enters a row that was found.
    pub fn found(&mut self, row: &Row) {
        self.ledger.kept += 1;
        let number = self.participants.number(&row.email);
        let entry = number.and_then(|number| self.entries.get_mut(number as usize));
        let Some((entry, number)) = entry.zip(number) else {
            // Nobody of this run: it was stored though it was never sent.
            self.ledger.unexpected += 1;
            return;
        };
        entry.rows = entry.rows.saturating_add(1);
        // The receipt in the participant's hand must be the key of the row.
        entry.conflict |= entry.receipt.is_some_and(|receipt| receipt.id() != row.id);
        self.ledger.mutated += u64::from(row.name != self.participants.name(number));
    }

    /// Compares what was told with what was found.
    #[must_use]
    pub fn close(self) -> Ledger {
        let mut ledger = self.ledger;
        for entry in &self.entries {
            ledger.acked += u64::from(entry.acked);
            ledger.lost += u64::from(entry.acked && entry.rows == 0);
            ledger.duplicated += u64::from(entry.rows > 1);
            ledger.receipt_conflicts += u64::from(entry.conflict);
            let untold = !entry.acked && entry.rows > 0;
            ledger.recovered += u64::from(untold && entry.unknown);
            ledger.unexpected += u64::from(untold && !entry.unknown);
        }
        ledger
    }
}

impl Ledger {
    /// What must be 0 and is not: class and number.
    #[must_use]
    pub fn violations(&self) -> Vec<(&'static str, u64)> {
        let classes = [
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("unexpected", self.unexpected),
            ("mutated", self.mutated),
            ("misrouted", self.misrouted),
            ("receipt conflicts", self.receipt_conflicts),
        ];
        classes
            .into_iter()
            .filter(|(_, number)| *number > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Outcome;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn receipt(id: u128) -> Option<Receipt> {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&id.to_be_bytes());
        Receipt::parse(&URL_SAFE_NO_PAD.encode(bytes))
    }

    fn signup(participant: u32, outcome: Outcome) -> Attempt {
        let acked = outcome.is_success();
        Attempt {
            intended_us: 0,
            sent_us: 0,
            answered_us: 1,
            participant,
            kind: Kind::Signup,
            number: 1,
            outcome,
            receipt: receipt(u128::from(participant)).filter(|_| acked),
            state: None,
        }
    }

    fn judge(attempts: &[Attempt], rows: &[Row]) -> Ledger {
        let mut book = Book::open(10, Participants::new("t"), attempts);
        rows.iter().for_each(|row| book.found(row));
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
                signup(1, Outcome::Status(201)),
                signup(1, Outcome::Status(200)),
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
                signup(1, Outcome::Status(201)),
                signup(2, Outcome::Status(202)),
            ],
            &[row(2)],
        );
        assert_eq!(ledger.violations(), [("lost", 1)]);
    }

    #[test]
    fn refused_and_there_is_unexpected_but_unknown_and_there_is_recovered() {
        let refused = [
            Outcome::Status(503),
            Outcome::Status(422),
            Outcome::NeverSent,
        ];
        for outcome in refused {
            let ledger = judge(&[signup(1, outcome)], &[row(1)]);
            assert_eq!(ledger.violations(), [("unexpected", 1)], "{outcome}");
        }
        for outcome in [Outcome::Timeout, Outcome::Broken, Outcome::Status(504)] {
            // A refusal of the repeat says nothing about the first request.
            let ledger = judge(
                &[signup(1, outcome), signup(1, Outcome::Status(503))],
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
        let acked = signup(1, Outcome::Status(201));
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
}

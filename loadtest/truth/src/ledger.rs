//! The ledger: every acknowledged signup, looked for again in the databases, by identity.
//!
//! It knows what each participant sent and was told, and is shown every row that was kept, also
//! those of the replicas, and every dead letter. What the service says about itself is no evidence
//! here.

mod commits;
mod rows;

use crate::evidence::{Attempt, Kind, Receipt, Row};
use crate::plan::Participants;
use crate::record::Ledger;
pub use commits::CommitTimes;
use rows::Rows;

/// What was told, held against what is found: open it, show it every row, close it.
pub struct Reconciliation {
    participants: Participants,
    entries: Vec<Entry>,
    /// In the databases that own signups.
    owned: Rows,
    /// Whether rows of others are none of its business.
    among_others: bool,
    ledger: Ledger,
}

/// The rows of the replicas, to be compared with those of the databases they copy.
pub struct ReplicaRows {
    participants: Participants,
    rows: Rows,
}

/// What one participant was told, and what was found of them.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    acked: bool,
    unknown: bool,
    rows: u8,
    dead_letter: bool,
    conflict: bool,
    receipt: Option<Receipt>,
}

impl Reconciliation {
    /// Enters what every participant sent and was told.
    #[must_use]
    pub fn open(users: u32, participants: Participants, attempts: &[Attempt]) -> Self {
        let entries = vec![Entry::default(); users as usize];
        let mut opened = Self {
            participants,
            entries,
            owned: Rows::none(users as usize),
            among_others: false,
            ledger: Ledger::default(),
        };
        for attempt in attempts
            .iter()
            .filter(|attempt| attempt.kind == Kind::Signup)
        {
            opened.enter(attempt);
        }
        opened
    }

    /// For databases in which others have rows, too. A run begins with empty ones, and a row of nobody in
    /// it is unexpected.
    #[must_use]
    pub fn among_others(mut self) -> Self {
        self.among_others = true;
        self
    }

    /// Whether this row is to be entered, wherever it was found.
    #[must_use]
    pub fn concerns(&self, row: &Row) -> bool {
        !self.among_others || self.participants.number(&row.email).is_some()
    }

    fn enter(&mut self, attempt: &Attempt) {
        let entry = &mut self.entries[attempt.participant as usize];
        let ledger = &mut self.ledger;
        ledger.attempted += 1;
        ledger.refused += u64::from(attempt.ending.is_refused());
        if attempt.ending.is_unknown() {
            ledger.unknown += 1;
            entry.unknown = true;
        }
        if attempt.ending.is_success() {
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

    /// Enters a row that was found; returns whose it is, if anybody's of this run.
    pub fn found(&mut self, row: &Row) -> Option<u32> {
        self.ledger.kept += 1;
        let number = self.participants.number(&row.email);
        self.owned.add(number, row);
        let entry = self.identify(number, row)?;
        entry.rows = entry.rows.saturating_add(1);
        number
    }

    /// Enters that the row was found in a shard that the map does not name for it.
    pub fn misrouted(&mut self) {
        self.ledger.misrouted += 1;
    }

    /// Enters a signup that was found in the dead-letter queue. It is held against the service like
    /// a row: what was refused must not have been queued either.
    pub fn found_dead(&mut self, row: &Row) {
        let number = self.participants.number(&row.email);
        if let Some(entry) = self.identify(number, row) {
            entry.dead_letter = true;
        }
    }

    /// Enters a dead letter that is no readable signup.
    pub fn found_unreadable(&mut self) {
        self.ledger.unreadable_dead_letters += 1;
    }

    /// The entry of participant `number`, with what does not fit to it noted.
    fn identify(&mut self, number: Option<u32>, row: &Row) -> Option<&mut Entry> {
        let entry = number.and_then(|number| self.entries.get_mut(number as usize));
        let Some((entry, number)) = entry.zip(number) else {
            // Nobody of this run: it was stored though it was never sent.
            self.ledger.unexpected += 1;
            return None;
        };
        // The receipt in the participant's hand must be the key of the row.
        entry.conflict |= entry.receipt.is_some_and(|receipt| receipt.id() != row.id);
        self.ledger.mutated += u64::from(row.name != self.participants.name(number));
        Some(entry)
    }

    /// For what the replicas hold.
    #[must_use]
    pub fn replica_rows(&self) -> ReplicaRows {
        ReplicaRows {
            participants: self.participants.clone(),
            rows: Rows::none(self.entries.len()),
        }
    }

    /// Compares what the replicas hold with what was [`found`](Self::found) where it is owned.
    pub fn compare(&mut self, replicas: &ReplicaRows) {
        self.ledger.replica_differs += self.owned.differences(&replicas.rows);
    }

    /// Compares what was told with what was found.
    #[must_use]
    pub fn close(self) -> Ledger {
        let mut ledger = self.ledger;
        for entry in &self.entries {
            ledger.acked += u64::from(entry.acked);
            let gone = entry.acked && entry.rows == 0;
            ledger.lost += u64::from(gone && !entry.dead_letter);
            ledger.dead_lettered += u64::from(gone && entry.dead_letter);
            ledger.duplicated += u64::from(entry.rows > 1);
            ledger.receipt_conflicts += u64::from(entry.conflict);
            ledger.recovered += u64::from(!entry.acked && entry.unknown && entry.rows > 0);
            let refused = !entry.acked && !entry.unknown;
            ledger.unexpected += u64::from(refused && (entry.rows > 0 || entry.dead_letter));
        }
        ledger
    }
}

impl ReplicaRows {
    /// Enters a row that was found on a replica.
    pub fn found(&mut self, row: &Row) {
        self.rows.add(self.participants.number(&row.email), row);
    }
}

#[cfg(test)]
mod tests;

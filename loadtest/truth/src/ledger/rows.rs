//! What one place holds of each participant, small enough to keep for a million of them: two
//! places hold the same when these are equal.

use crate::evidence::Row;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The rows of one place.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    /// For each participant the sum of the digests of their rows: equal sums, equal rows in any
    /// order, but for a chance of 2⁻⁶⁴.
    of: Vec<u64>,
    /// The same of rows of nobody of this run: how many there are of each digest.
    strangers: HashMap<u64, u64>,
}

impl Rows {
    /// A place without rows.
    pub(super) fn none(users: usize) -> Self {
        Self {
            of: vec![0; users],
            strangers: HashMap::new(),
        }
    }

    /// Adds a row; `number` is its participant's.
    pub(super) fn add(&mut self, number: Option<u32>, row: &Row) {
        let digest = digest(row);
        match number.and_then(|number| self.of.get_mut(number as usize)) {
            Some(sum) => *sum = sum.wrapping_add(digest),
            None => *self.strangers.entry(digest).or_default() += 1,
        }
    }

    /// Participants of whom the two hold different rows, and strangers only one of them holds.
    pub(super) fn differences(&self, other: &Self) -> u64 {
        let pairs = self.of.iter().zip(&other.of);
        let participants = pairs.filter(|(mine, theirs)| mine != theirs).count() as u64;
        let only = |a: &Self, b: &Self| {
            let missing = |(digest, number): (&u64, &u64)| {
                number.saturating_sub(b.strangers.get(digest).copied().unwrap_or_default())
            };
            a.strangers.iter().map(missing).sum::<u64>()
        };
        participants + only(self, other) + only(other, self)
    }
}

fn digest(row: &Row) -> u64 {
    let mut hasher = DefaultHasher::new();
    (row.id, &row.email, &row.name).hash(&mut hasher);
    hasher.finish()
}

//! What PostgreSQL refuses a statement for, by the code it gives (SQLSTATE, appendix A of its
//! documentation): the same words in every phase, whatever driver it speaks through.
//!
//! Only of an answer of severity `ERROR`: the statement is rolled back, and the session goes on. `FATAL`
//! and `PANIC` end the session (a shutdown, a crash), and leave the outcome open whatever their code: a
//! disk that is full at the commit is a `PANIC` after the row was written.

use signup_domain::StoreError;

/// What a statement was refused for. In no case has it had an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// What is in its rows: a data exception, or a violated constraint. Sent again, it is refused again.
    Rows,
    /// What the session has prepared does not hold any more, because the schema was changed. A new
    /// session prepares it anew.
    Plan,
    /// The database takes no writes: it was demoted, or an operator has said so. A session keeps the
    /// setting that it began with, so only a new one tells whether that is still so.
    ReadOnly,
    /// The database's own trouble, which will pass: full, busy, locked, stopping, or not what the
    /// statement expects while it is being changed.
    Database,
}

impl Refusal {
    /// What this code says.
    #[must_use]
    pub fn of(code: &str) -> Self {
        match code {
            // "cached plan must not change result type"; a prepared statement that is not there.
            "0A000" | "26000" => Self::Plan,
            "25006" => Self::ReadOnly,
            _ => match code.get(..2) {
                Some("22" | "23") => Self::Rows,
                _ => Self::Database,
            },
        }
    }

    /// Whether a new session may do what this one could not. To try it is safe: nothing has happened.
    #[must_use]
    pub fn is_of_the_session(self) -> bool {
        matches!(self, Self::Plan | Self::ReadOnly)
    }

    /// Whether the cause of a [`Failure`]'s outcome is what is in the rows, so that writing them again must
    /// fail again. Anything else is the database's own trouble, and will pass.
    #[must_use]
    pub fn is_about_the_rows(cause: &str) -> bool {
        Self::of(cause.get(..5).unwrap_or_default()) == Self::Rows
    }

    /// What is promised of a statement that was refused for this.
    fn outcome(self, cause: String) -> StoreError {
        match self {
            Self::Rows => StoreError::Internal(cause),
            Self::Plan | Self::ReadOnly | Self::Database => StoreError::Unavailable(cause),
        }
    }
}

/// A statement that failed.
#[derive(Debug)]
pub struct Failure {
    /// What is promised of its effect.
    pub outcome: StoreError,
    /// What PostgreSQL refused it for, if it did and kept the session.
    pub refusal: Option<Refusal>,
}

impl From<StoreError> for Failure {
    fn from(outcome: StoreError) -> Self {
        Self {
            outcome,
            refusal: None,
        }
    }
}

impl Failure {
    /// What PostgreSQL said, and whether it kept the session. The cause begins with the code; of the rest it
    /// has the message alone: the detail quotes the row, and with it personal data.
    #[must_use]
    pub fn said(code: &str, message: &str, kept: bool) -> Self {
        let cause = format!("{code}: {message}");
        if !kept {
            return StoreError::Unknown(cause).into();
        }
        let refusal = Refusal::of(code);
        Self {
            outcome: refusal.outcome(cause),
            refusal: Some(refusal),
        }
    }

    /// PostgreSQL said no, in good order, and would say the same in any session: this one is as good as
    /// before.
    #[must_use]
    pub fn keeps_the_session(&self) -> bool {
        self.refusal
            .is_some_and(|refusal| !refusal.is_of_the_session())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_what_is_to_blame() {
        let blamed = |codes: &[&str], refusal| {
            for code in codes {
                assert_eq!(Refusal::of(code), refusal, "{code}");
            }
        };
        blamed(&["22001", "22021", "23505", "23514"], Refusal::Rows);
        blamed(&["0A000", "26000"], Refusal::Plan);
        blamed(&["25006"], Refusal::ReadOnly);
        // Full disk, too many connections, deadlock, lock and statement timeout, shutdown, starting up,
        // I/O error, no such table, no permission; and what is no code at all.
        let database = [
            "53100", "53300", "40P01", "55P03", "57014", "57P01", "57P03", "58030", "42P01",
            "42501", "", "é",
        ];
        blamed(&database, Refusal::Database);
    }

    #[test]
    fn only_what_is_in_the_rows_is_no_reason_to_come_again() {
        let outcome = |code| Refusal::of(code).outcome("why".into());
        assert!(matches!(outcome("23514"), StoreError::Internal(_)));
        for code in ["25006", "0A000", "53100", "42P01"] {
            assert!(
                matches!(outcome(code), StoreError::Unavailable(_)),
                "{code}"
            );
        }
    }
}

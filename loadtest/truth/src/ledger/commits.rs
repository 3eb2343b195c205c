//! The second clock of a signup: when its row was committed, in the words of the database.
//!
//! Where the answer leaves before the commit, a run is measured by both: when the participants were
//! told, and when what they were told had become true. Commit times are wall-clock times of the
//! database's machine, which is this one. PostgreSQL takes them just before it flushes the commit,
//! so they are early by about one flush (`environment.fdatasync_us` of a run).

use crate::evidence::{Attempt, Kind};
use crate::percentiles::percentiles;
use crate::record::{Percentiles, Second};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;

/// Has not happened.
const NEVER: u64 = u64::MAX;

/// When each participant was told, and when their row was committed.
pub struct CommitTimes {
    /// Wall-clock time of instant 0.
    began: OffsetDateTime,
    /// Now. No commit is later, so one that seems to be is not believed.
    now_us: u64,
    /// By participant.
    times: Vec<Times>,
}

/// Of one participant, in microseconds since the start of the load.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// Intended start of the first request that was answered 2xx.
    intended: u64,
    /// The first 2xx.
    answered: u64,
    committed: u64,
}

impl CommitTimes {
    /// Enters when the `users` were told. The load began at `began`, and now, when everything has
    /// come to rest, `elapsed` is the time since.
    #[must_use]
    pub fn open(users: u32, attempts: &[Attempt], began: SystemTime, elapsed: Duration) -> Self {
        let nothing = Times {
            intended: NEVER,
            answered: NEVER,
            committed: NEVER,
        };
        let mut times = vec![nothing; users as usize];
        let signups = attempts.iter().filter(|a| a.kind == Kind::Signup);
        for attempt in signups.filter(|a| a.ending.is_success()) {
            let times = &mut times[attempt.participant as usize];
            times.intended = times.intended.min(attempt.intended_us);
            times.answered = times.answered.min(attempt.answered_us);
        }
        Self {
            began: began.into(),
            now_us: u64::try_from(elapsed.as_micros()).unwrap_or(NEVER - 1),
            times,
        }
    }

    /// Enters that a row of `participant` was committed. Of several the first counts.
    pub fn committed(&mut self, participant: u32, at: OffsetDateTime) {
        let since = (at - self.began).whole_microseconds().max(0);
        let since = u64::try_from(since).unwrap_or(self.now_us);
        if let Some(times) = self.times.get_mut(participant as usize) {
            times.committed = times.committed.min(since.min(self.now_us));
        }
    }

    /// From the intended start of a participant's first acknowledged request to the commit of the
    /// row, in ms, over all who have both.
    #[must_use]
    pub fn durable(&self) -> Percentiles {
        let both = |times: &&Times| times.intended != NEVER && times.committed != NEVER;
        let times = self.times.iter().filter(both);
        percentiles(times.map(|times| times.committed.saturating_sub(times.intended)))
    }

    /// When the last row was committed, in microseconds since the start of the load; 0 without rows.
    #[must_use]
    pub fn last_us(&self) -> u64 {
        let committed = self.times.iter().map(|times| times.committed);
        committed.filter(|at| *at != NEVER).max().unwrap_or(0)
    }

    /// Enters into each of `seconds`, which begin with the load and follow each other, how many rows
    /// were committed in it, and how many participants had been told at its end who had no row yet.
    pub fn enter(&self, seconds: &mut [Second]) {
        let mut told = vec![0_u64; seconds.len()];
        let mut came_true = vec![0_u64; seconds.len()];
        let mut recorded = vec![0_u64; seconds.len()];
        let add = |to: &mut [u64], us: u64| {
            let second = usize::try_from(us / 1_000_000).ok();
            if let Some(number) = second.and_then(|second| to.get_mut(second)) {
                *number += 1;
            }
        };
        for times in &self.times {
            add(&mut recorded, times.committed);
            add(&mut told, times.answered);
            // A row may be there before its answer is. Both are NEVER when either is.
            add(&mut came_true, times.committed.max(times.answered));
        }
        let mut backlog = 0;
        for (at, second) in seconds.iter_mut().enumerate() {
            backlog += told[at];
            backlog -= came_true[at];
            second.backlog = backlog;
            second.recorded = Some(recorded[at]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Ending;

    const SECOND: u64 = 1_000_000;

    fn signup(participant: u32, intended: u64, answered: u64, status: u16) -> Attempt {
        Attempt {
            intended_us: intended,
            sent_us: intended,
            answered_us: answered,
            participant,
            ..Attempt::answered(Kind::Signup, Ending::Status(status))
        }
    }

    /// What `attempts` and commits at these microseconds come to, a minute after the start.
    fn recording(attempts: &[Attempt], commits: &[(u32, i64)]) -> CommitTimes {
        let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let mut recording = CommitTimes::open(5, attempts, began, Duration::from_secs(60));
        for (participant, us) in commits {
            let at = OffsetDateTime::from(began) + time::Duration::microseconds(*us);
            recording.committed(*participant, at);
        }
        recording
    }

    fn course(recording: &CommitTimes, seconds: u32) -> Vec<(u64, Option<u64>)> {
        let second = |t_s| Second {
            t_s,
            ..Second::default()
        };
        let mut seconds: Vec<Second> = (0..seconds).map(second).collect();
        recording.enter(&mut seconds);
        seconds.iter().map(|s| (s.backlog, s.recorded)).collect()
    }

    #[test]
    fn durable_is_from_the_first_acknowledged_request_to_the_first_row() {
        let attempts = [
            // Timed out; the repeat was acknowledged.
            signup(0, 0, 2 * SECOND, 504),
            signup(0, SECOND, 3 * SECOND, 202),
            // A double click, the second answered first.
            signup(1, 500_000, 600_000, 202),
            signup(1, 0, 700_000, 202),
            // Refused, but there: not among those who were told.
            signup(2, 0, 1, 503),
            // Told, and never recorded.
            signup(3, 0, 1, 202),
        ];
        let commits = [(0, 5_000_000), (1, 900_000), (1, 800_000), (2, 10)];
        let durable = recording(&attempts, &commits).durable();
        assert_eq!(durable.count, 2);
        assert!((durable.max - 4_000.0).abs() < 5.0, "{durable:?}");
        assert!((durable.p50 - 800.0).abs() < 1.0, "{durable:?}");
    }

    #[test]
    fn a_row_counts_in_the_backlog_from_its_answer_to_its_commit() {
        let attempts = [
            signup(0, 0, 100, 202),
            signup(0, 0, SECOND, 202),
            signup(1, 0, 200, 202),
            signup(2, 0, SECOND, 202),
            // Its row is there before the answer is.
            signup(3, 0, 2 * SECOND, 202),
        ];
        let commits = [(0, 300), (1, 3_500_000), (3, 1_500_000), (4, 1_600_000)];
        let recording = recording(&attempts, &commits);
        let expected = [(1, Some(1)), (2, Some(2)), (2, Some(0)), (1, Some(1))];
        assert_eq!(course(&recording, 4), expected);
        assert_eq!(recording.last_us(), 3_500_000);
        assert_eq!(course(&recording, 1), expected[..1]);
    }

    #[test]
    fn a_commit_before_the_start_or_after_now_is_the_clocks_error() {
        let attempts = [signup(0, 0, 1, 202), signup(1, 0, 1, 202)];
        let far = 1_000_000 * 1_000_000;
        let recording = recording(&attempts, &[(0, -5), (1, far), (9, 1)]);
        assert_eq!(recording.last_us(), 60 * SECOND);
        assert_eq!(recording.durable().count, 2);
    }
}

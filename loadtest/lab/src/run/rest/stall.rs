//! How long a phase is waited for, and what is said meanwhile.

use std::time::{Duration, Instant};

/// How long nothing may move, also while a database is being made, or was killed and recovers.
const STALLED: Duration = Duration::from_secs(120);

/// What each signup that waits may take on top of that in all: far more than at any rate worth a
/// queue. For a million it is a quarter of an hour.
const A_SIGNUP: Duration = Duration::from_millis(1);

/// How often the databases are asked how far they are.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Waits as long as something moves, and not for ever.
pub(super) struct Stall {
    began: Instant,
    acknowledged: u64,
    /// Signups recorded, when that was last said.
    recorded: Option<u64>,
    asked: Option<Instant>,
    /// The fewest messages that were seen.
    fewest: u64,
    /// When fewer messages or more rows were last seen than ever before.
    moved: Instant,
}

impl Stall {
    pub(super) fn new(now: Instant, acknowledged: u64) -> Self {
        Self {
            began: now,
            acknowledged,
            recorded: None,
            asked: None,
            fewest: u64::MAX,
            moved: now,
        }
    }

    /// So many messages are in the queues.
    pub(super) fn saw(&mut self, now: Instant, messages: Option<u64>) {
        let messages = messages.unwrap_or(0);
        if messages < self.fewest {
            (self.fewest, self.moved) = (messages, now);
        }
    }

    /// Whether it is time to ask the databases how far they are.
    pub(super) fn wants_to_know(&self, now: Instant) -> bool {
        self.asked.is_none_or(|asked| now - asked >= ASK_EVERY)
    }

    /// So many signups are recorded, if anybody can say.
    pub(super) fn is_told(&mut self, now: Instant, recorded: Option<u64>) {
        self.asked = Some(now);
        if recorded > self.recorded {
            (self.recorded, self.moved) = (recorded, now);
        }
    }

    /// Why not to wait any longer.
    pub(super) fn is_over(&self, now: Instant) -> Option<String> {
        let most = u32::try_from(self.acknowledged).unwrap_or(u32::MAX);
        let most = STALLED + A_SIGNUP * most;
        if now - self.moved > STALLED {
            Some(format!("nothing moved for {} s", STALLED.as_secs()))
        } else if now - self.began > most {
            Some(format!("that after {} s", most.as_secs()))
        } else {
            None
        }
    }

    /// How far it is, for the person who waits.
    pub(super) fn line(&self, what: &str) -> String {
        let to_do = self
            .recorded
            .map(|recorded| self.acknowledged.saturating_sub(recorded));
        let to_do = to_do.map_or_else(|| "?".to_owned(), |to_do| to_do.to_string());
        format!("waiting until everything is recorded: {to_do} signups to go ({what})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_waited_as_long_as_something_moves() {
        let began = Instant::now();
        let mut stall = Stall::new(began, 1_000_000);
        for step in 0..10 {
            let now = began + seconds(100 * step);
            // Messages become fewer, then rows become more while redeliveries come and go.
            if step < 5 {
                stall.saw(now, Some(100 - step));
            } else {
                stall.saw(now, Some(100 + step % 2));
                stall.is_told(now, Some(step));
            }
            assert_eq!(stall.is_over(now + seconds(99)), None, "{step}");
        }
        let stuck = began + seconds(900 + 121);
        stall.saw(stuck, Some(101));
        stall.is_told(stuck, Some(9));
        let why = stall.is_over(stuck).unwrap();
        assert_eq!(why, "nothing moved for 120 s");
    }

    #[test]
    fn it_is_not_waited_for_ever() {
        let began = Instant::now();
        let mut stall = Stall::new(began, 1_000);
        for step in 0..121 {
            stall.saw(began + seconds(step), Some(1_000 - step));
        }
        assert_eq!(stall.is_over(began + seconds(121)), None);
        stall.saw(began + seconds(122), Some(1));
        let why = stall.is_over(began + seconds(122)).unwrap();
        assert_eq!(why, "that after 121 s");
    }

    #[test]
    fn the_databases_alone_have_two_minutes() {
        let began = Instant::now();
        let mut stall = Stall::new(began, 0);
        stall.saw(began, None);
        stall.saw(began + seconds(120), None);
        assert_eq!(stall.is_over(began + seconds(120)), None);
        assert!(stall.is_over(began + seconds(121)).is_some());
    }

    #[test]
    fn the_person_who_waits_is_told_what_is_to_do() {
        let now = Instant::now();
        let mut stall = Stall::new(now, 60_000);
        assert!(stall.wants_to_know(now));
        assert!(stall.line("a").contains("? signups to go (a)"));
        stall.is_told(now, Some(2_500));
        assert!(stall.line("b").contains("57500 signups to go (b)"));
        assert!(!stall.wants_to_know(now + ASK_EVERY / 2) && stall.wants_to_know(now + ASK_EVERY));
    }
}

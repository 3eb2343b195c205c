//! An event: what participants sign up for, and when.

use crate::{EventId, EventSalt, Name};
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

/// The event that is there from the start: "Launch day", always open.
pub const LAUNCH_DAY: EventId =
    EventId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));

/// An event that does not exist yet: what an organiser asks for.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// What participants read.
    pub name: Name,
    /// First instant of the signup period; `None` is "open from the start".
    pub opens_at: Option<OffsetDateTime>,
    /// End of the signup period, itself outside it; `None` is "never closes".
    pub closes_at: Option<OffsetDateTime>,
}

/// An event. None of its fields ever changes, so a copy of it is never stale.
#[derive(Debug, Clone)]
pub struct Event {
    /// Names the event.
    pub id: EventId,
    /// What participants read.
    pub name: String,
    /// First instant of the signup period; `None` is "open from the start".
    pub opens_at: Option<OffsetDateTime>,
    /// End of the signup period, itself outside it; `None` is "never closes".
    pub closes_at: Option<OffsetDateTime>,
    /// Secret key of the ids of this event's signups.
    pub salt: EventSalt,
}

/// Why an event takes no signups at this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotOpen {
    /// The signup period has not begun.
    #[error("the event is not open yet")]
    NotYet,
    /// The signup period is over.
    #[error("the event is closed")]
    Closed,
}

impl Event {
    /// Whether a signup that arrives at `now` is within the signup period.
    ///
    /// # Errors
    /// [`NotOpen`] before `opens_at` and from `closes_at` on.
    pub fn admit(&self, now: OffsetDateTime) -> Result<(), NotOpen> {
        if self.opens_at.is_some_and(|opens_at| now < opens_at) {
            return Err(NotOpen::NotYet);
        }
        if self.closes_at.is_some_and(|closes_at| now >= closes_at) {
            return Err(NotOpen::Closed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    #[test]
    fn the_signup_period_includes_its_start_and_excludes_its_end() {
        let opens = OffsetDateTime::UNIX_EPOCH;
        let closes = opens + Duration::HOUR;
        let event = Event {
            id: LAUNCH_DAY,
            name: "Launch day".into(),
            opens_at: Some(opens),
            closes_at: Some(closes),
            salt: EventSalt::new([0; 32]),
        };
        let instant = Duration::NANOSECOND;
        assert_eq!(event.admit(opens - instant), Err(NotOpen::NotYet));
        assert_eq!(event.admit(opens), Ok(()));
        assert_eq!(event.admit(closes - instant), Ok(()));
        assert_eq!(event.admit(closes), Err(NotOpen::Closed));
        let always = Event {
            opens_at: None,
            closes_at: None,
            ..event
        };
        assert_eq!(always.admit(opens - Duration::DAY), Ok(()));
    }

    #[test]
    fn launch_day_has_the_id_of_the_contract() {
        assert_eq!(
            LAUNCH_DAY.to_string(),
            "00000000-0000-7000-8000-000000000001"
        );
    }
}

//! What is kept in Redis: names and bytes of a recorded signup and of a count.

use signup_domain::{Recorded, SignupId};
use std::time::Duration;
use time::OffsetDateTime;

/// By how much the clocks of two machines may differ.
const CLOCKS_DIFFER: Duration = Duration::from_millis(50);

/// An event's number of signups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) signups: u64,
    pub(crate) as_of: OffsetDateTime,
}

/// How old what was so at `as_of` is. The clocks of two machines may differ a little; one that is further in the
/// future is as old as can be, and so never used.
pub(crate) fn age(as_of: OffsetDateTime) -> Duration {
    let age = OffsetDateTime::now_utc() - as_of;
    if age.is_negative() && age.abs() < CLOCKS_DIFFER {
        return Duration::ZERO;
    }
    Duration::try_from(age).unwrap_or(Duration::MAX)
}

/// Of an event's count; a signup's name is its id, a hash.
pub(crate) const COUNT_NAME: [u8; 16] = *b"count of signups";

pub(crate) fn signup_name(id: SignupId) -> [u8; 16] {
    *id.as_uuid().as_bytes()
}

/// A time in whole microseconds, which is what PostgreSQL keeps of it, and what follows.
fn stamped(at: OffsetDateTime, rest: &[u8]) -> Vec<u8> {
    let micros = i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or_default();
    [&micros.to_be_bytes(), rest].concat()
}

fn unstamped(value: &[u8]) -> Option<(OffsetDateTime, &[u8])> {
    let (micros, rest) = value.split_first_chunk()?;
    let nanos = i128::from(i64::from_be_bytes(*micros)) * 1_000;
    Some((OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?, rest))
}

pub(crate) fn bytes_of(recorded: &Recorded) -> Vec<u8> {
    stamped(recorded.signed_up_at, recorded.name.as_bytes())
}

pub(crate) fn recorded_from(value: &[u8]) -> Option<Recorded> {
    let (signed_up_at, name) = unstamped(value)?;
    Some(Recorded {
        name: String::from_utf8(name.to_vec()).ok()?,
        signed_up_at,
    })
}

pub(crate) fn bytes_of_count(count: Count) -> Vec<u8> {
    stamped(count.as_of, &count.signups.to_be_bytes())
}

pub(crate) fn count_from(value: &[u8]) -> Option<Count> {
    let (as_of, signups) = unstamped(value)?;
    let signups = u64::from_be_bytes(signups.try_into().ok()?);
    Some(Count { signups, as_of })
}

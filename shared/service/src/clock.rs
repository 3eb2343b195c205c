//! The wall clock, in the precision that is stored.

use time::OffsetDateTime;

/// Now, in UTC and whole microseconds: PostgreSQL keeps no more.
pub(crate) fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_microsecond(now.microsecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_time_has_no_more_than_microseconds() {
        assert_eq!(super::now().nanosecond() % 1_000, 0);
    }
}

//! The wall clock, in the precision that is stored.

use time::OffsetDateTime;

/// Now, in UTC and whole microseconds: PostgreSQL keeps no more.
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc().truncate_to_microsecond()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_time_has_no_more_than_microseconds() {
        assert_eq!(super::now().nanosecond() % 1_000, 0);
    }
}

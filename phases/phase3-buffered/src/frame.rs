//! The message: many signups of one shard, in a compact frame with a version.
//!
//! A frame is read as a whole or not at all. Numbers are big-endian:
//!
//! version 1 byte · map version 4 · shard 2 · signups 2 · then of each signup: event 16 · id 16 ·
//! time 8 (µs since 1970) · length 2 and e-mail · length 2 and name

use std::str;
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

/// What this program writes, and all it reads.
const VERSION: u8 = 1;

/// A signup in a frame takes so many bytes and its texts: event, id, time, two lengths.
pub(crate) const ROW_BYTES: usize = 16 + 16 + 8 + 2 + 2;

/// A signup on its way into a shard. Borrowed from whatever carries it: a request or a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    pub(crate) event: Uuid,
    pub(crate) id: Uuid,
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
    /// When it was accepted: decides about opening and closing, and nobody decides again.
    pub(crate) signed_up_at: OffsetDateTime,
}

/// Where a frame is meant to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address {
    /// The version of the shard map it was addressed by.
    pub(crate) map_version: u32,
    pub(crate) shard: u16,
}

/// Why a message is not a frame for this reader. Says nothing of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Unreadable {
    #[error("unknown version")]
    Version,
    #[error("truncated or too long")]
    Length,
    #[error("text that is not UTF-8")]
    Text,
    #[error("time out of range")]
    Time,
}

/// Writes a frame. At most 65,535 signups, each text of at most 65,535 bytes: a batch has hundreds,
/// and the contract's longest text is about 1,000 bytes.
pub(crate) fn encode<'a>(
    address: Address,
    rows: impl ExactSizeIterator<Item = Row<'a>>,
) -> Option<Vec<u8>> {
    let mut frame = Vec::with_capacity(9 + rows.len() * 128);
    frame.push(VERSION);
    frame.extend(address.map_version.to_be_bytes());
    frame.extend(address.shard.to_be_bytes());
    frame.extend(u16::try_from(rows.len()).ok()?.to_be_bytes());
    for row in rows {
        frame.extend(row.event.as_bytes());
        frame.extend(row.id.as_bytes());
        let micros = row.signed_up_at.unix_timestamp_nanos() / 1_000;
        frame.extend(i64::try_from(micros).ok()?.to_be_bytes());
        for text in [row.email, row.name] {
            frame.extend(u16::try_from(text.len()).ok()?.to_be_bytes());
            frame.extend(text.as_bytes());
        }
    }
    Some(frame)
}

/// Reads a frame, down to its last byte.
pub(crate) fn decode(frame: &[u8]) -> Result<(Address, Vec<Row<'_>>), Unreadable> {
    let mut rest = Reader(frame);
    let [version] = rest.take()?;
    if version != VERSION {
        return Err(Unreadable::Version);
    }
    let address = Address {
        map_version: u32::from_be_bytes(rest.take()?),
        shard: u16::from_be_bytes(rest.take()?),
    };
    let count = u16::from_be_bytes(rest.take()?);
    // Before memory is taken for them: nine bytes can claim 65,535 signups, which is 6 MB.
    if usize::from(count) * ROW_BYTES > rest.0.len() {
        return Err(Unreadable::Length);
    }
    let mut rows = Vec::with_capacity(count.into());
    for _ in 0..count {
        rows.push(Row {
            event: Uuid::from_bytes(rest.take()?),
            id: Uuid::from_bytes(rest.take()?),
            signed_up_at: rest.time()?,
            email: rest.text()?,
            name: rest.text()?,
        });
    }
    if rest.0.is_empty() {
        Ok((address, rows))
    } else {
        Err(Unreadable::Length)
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Unreadable::Length)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn text(&mut self) -> Result<&'a str, Unreadable> {
        let length = usize::from(u16::from_be_bytes(self.take()?));
        let (text, rest) = self.0.split_at_checked(length).ok_or(Unreadable::Length)?;
        self.0 = rest;
        str::from_utf8(text).map_err(|_| Unreadable::Text)
    }

    fn time(&mut self) -> Result<OffsetDateTime, Unreadable> {
        let micros = i128::from(i64::from_be_bytes(self.take()?));
        OffsetDateTime::from_unix_timestamp_nanos(micros * 1_000).map_err(|_| Unreadable::Time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const ADDRESS: Address = Address {
        map_version: 7,
        shard: 1,
    };

    fn row<'a>(id: u128, email: &'a str, name: &'a str, micros: u64) -> Row<'a> {
        Row {
            event: Uuid::from_u128(!id),
            id: Uuid::from_u128(id),
            email,
            name,
            signed_up_at: OffsetDateTime::UNIX_EPOCH + Duration::from_micros(micros),
        }
    }

    fn frame() -> Vec<u8> {
        let rows = [row(1, "ann@example.org", "Ann", 1), row(2, "é", "🎟", 0)];
        encode(ADDRESS, rows.into_iter()).unwrap()
    }

    #[test]
    fn the_bytes_of_a_frame_never_change() {
        // Pinned: what one version published, another may read.
        let ann = [row(1, "a@b", "A", 258)];
        let bytes = encode(ADDRESS, ann.into_iter()).unwrap();
        let mut expected = vec![1, 0, 0, 0, 7, 0, 1, 0, 1];
        expected.extend([0xff; 15]);
        expected.push(0xfe);
        expected.extend([0; 15]);
        expected.push(1);
        expected.extend([0, 0, 0, 0, 0, 0, 1, 2, 0, 3]);
        expected.extend(b"a@b\0\x01A");
        assert_eq!(bytes, expected);
        assert_eq!(decode(&expected), Ok((ADDRESS, ann.to_vec())));
    }

    #[test]
    fn a_frame_cut_short_or_with_more_behind_it_is_unreadable() {
        let whole = frame();
        assert!(decode(&whole).is_ok());
        for length in 0..whole.len() {
            assert_eq!(
                decode(&whole[..length]),
                Err(Unreadable::Length),
                "{length}"
            );
        }
        let mut longer = whole;
        longer.push(0);
        assert_eq!(decode(&longer), Err(Unreadable::Length));
    }

    #[test]
    fn another_version_is_not_guessed_at() {
        let mut other = frame();
        other[0] = 2;
        assert_eq!(decode(&other), Err(Unreadable::Version));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(ids: Vec<u128>, email: String, name: String, micros in 0..1u64 << 50) {
            let rows: Vec<Row<'_>> = ids.iter().map(|id| row(*id, &email, &name, micros)).collect();
            let bytes = encode(ADDRESS, rows.iter().copied()).unwrap();
            prop_assert_eq!(decode(&bytes), Ok((ADDRESS, rows)));
        }

        #[test]
        fn a_changed_frame_is_refused_or_read_as_it_is(
            changes in proptest::collection::vec((0..frame().len(), any::<u8>()), 0..4),
            length in 0..=frame().len() + 2,
        ) {
            let mut bytes = frame();
            for (at, to) in changes {
                bytes[at] = to;
            }
            bytes.resize(length, 0);
            check(&bytes)?;
        }

        #[test]
        fn whatever_arrives_is_refused_or_read_as_it_is(rows: Vec<u8>, count: u16) {
            let mut bytes = vec![VERSION, 0, 0, 0, 7, 0, 1];
            bytes.extend(count.to_be_bytes());
            bytes.extend(rows);
            check(&bytes)?;
        }
    }

    /// What is read is what was written: nothing is skipped, guessed or rounded.
    fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
        if let Ok((address, rows)) = decode(bytes) {
            prop_assert!(rows.capacity() * ROW_BYTES <= bytes.len());
            let written = encode(address, rows.into_iter());
            prop_assert_eq!(written.as_deref(), Some(bytes));
        }
        Ok(())
    }
}

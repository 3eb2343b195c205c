//! Where a read was answered from, in the service's own words: `X-Served-By` and `X-Cache`.

use std::fmt;

/// Part of the system that answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServedBy {
    /// The database that takes the writes.
    Primary,
    /// A copy of it.
    Replica,
    /// A cache in front of it.
    Cache,
    /// The shard that owns the row.
    Shard,
}

/// What the cache did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheUse {
    /// Answered.
    Hit,
    /// Was asked, and did not have it.
    Miss,
    /// Was not asked.
    Bypass,
}

/// Where one read was answered from. Two bytes: an attempt carries one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Provenance {
    /// `X-Served-By`.
    pub served_by: ServedBy,
    /// `X-Cache`.
    pub cache: CacheUse,
}

impl Provenance {
    /// Reads the values of the two headers; `None` unless both are known. Allocates nothing: it is done
    /// for every read of a load.
    #[must_use]
    pub fn parse(served_by: &[u8], cache: &[u8]) -> Option<Self> {
        let served_by = match served_by {
            b"primary" => ServedBy::Primary,
            b"replica" => ServedBy::Replica,
            b"cache" => ServedBy::Cache,
            b"shard" => ServedBy::Shard,
            _ => return None,
        };
        let cache = match cache {
            b"HIT" => CacheUse::Hit,
            b"MISS" => CacheUse::Miss,
            b"BYPASS" => CacheUse::Bypass,
            _ => return None,
        };
        Some(Self { served_by, cache })
    }
}

impl fmt::Display for Provenance {
    /// As in `run.json`: `cache/HIT`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let served_by = match self.served_by {
            ServedBy::Primary => "primary",
            ServedBy::Replica => "replica",
            ServedBy::Cache => "cache",
            ServedBy::Shard => "shard",
        };
        let cache = match self.cache {
            CacheUse::Hit => "HIT",
            CacheUse::Miss => "MISS",
            CacheUse::Bypass => "BYPASS",
        };
        write!(f, "{served_by}/{cache}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_of_the_contract_is_read_and_nothing_else() {
        for served_by in ["primary", "replica", "cache", "shard"] {
            for cache in ["HIT", "MISS", "BYPASS"] {
                let read = Provenance::parse(served_by.as_bytes(), cache.as_bytes());
                assert_eq!(read.unwrap().to_string(), format!("{served_by}/{cache}"));
            }
        }
        for (served_by, cache) in [
            ("Primary", "HIT"),
            ("cache", "hit"),
            ("", ""),
            ("cache", ""),
        ] {
            let read = Provenance::parse(served_by.as_bytes(), cache.as_bytes());
            assert_eq!(read, None);
        }
    }
}

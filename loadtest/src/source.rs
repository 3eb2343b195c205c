//! Where a read was answered from, in the service's own words: `X-Served-By` and `X-Cache`.

use crate::attempt::Attempt;
use reqwest::header::{HeaderMap, HeaderName};
use std::collections::BTreeMap;
use std::fmt;

const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");
const CACHE: HeaderName = HeaderName::from_static("x-cache");

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
pub struct Source {
    /// `X-Served-By`.
    pub served_by: ServedBy,
    /// `X-Cache`.
    pub cache: CacheUse,
}

impl Source {
    /// Reads the two headers; `None` unless both are there and known. Allocates nothing: it is done
    /// for every read of a load.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let served_by = match headers.get(SERVED_BY)?.as_bytes() {
            b"primary" => ServedBy::Primary,
            b"replica" => ServedBy::Replica,
            b"cache" => ServedBy::Cache,
            b"shard" => ServedBy::Shard,
            _ => return None,
        };
        let cache = match headers.get(CACHE)?.as_bytes() {
            b"HIT" => CacheUse::Hit,
            b"MISS" => CacheUse::Miss,
            b"BYPASS" => CacheUse::Bypass,
            _ => return None,
        };
        Some(Self { served_by, cache })
    }
}

impl fmt::Display for Source {
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

/// How many reads of each kind were answered from where.
#[must_use]
pub fn reads(attempts: &[Attempt]) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut counted = BTreeMap::new();
    for attempt in attempts {
        if let Some(source) = attempt.source {
            *counted.entry((attempt.kind, source)).or_insert(0) += 1;
        }
    }
    let mut reads: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for ((kind, source), number) in counted {
        let kind = reads.entry(kind.as_str().to_owned()).or_default();
        kind.insert(source.to_string(), number);
    }
    reads
}

/// Of the reads in `sources` (an entry of [`reads`]) the share that a cache answered, 0 to 1;
/// `None` when there are none.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a run are exact in a double"
)]
pub fn hit_rate(sources: &BTreeMap<String, u64>) -> Option<f64> {
    let all: u64 = sources.values().sum();
    let hits = sources
        .iter()
        .filter(|(source, _)| source.ends_with("/HIT"));
    let hits: u64 = hits.map(|(_, number)| number).sum();
    (all > 0).then(|| hits as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{Kind, Outcome};

    fn headers(served_by: &'static str, cache: &'static str) -> HeaderMap {
        let pairs = [(SERVED_BY, served_by), (CACHE, cache)];
        let pairs = pairs.map(|(name, value)| (name, value.parse().unwrap()));
        HeaderMap::from_iter(pairs)
    }

    fn read(kind: Kind, source: Option<Source>) -> Attempt {
        Attempt {
            intended_us: 0,
            sent_us: 0,
            answered_us: 1,
            participant: 0,
            kind,
            number: 1,
            outcome: Outcome::Status(200),
            receipt: None,
            state: None,
            source,
        }
    }

    #[test]
    fn every_source_of_the_contract_is_read_and_nothing_else() {
        for served_by in ["primary", "replica", "cache", "shard"] {
            for cache in ["HIT", "MISS", "BYPASS"] {
                let source = Source::of(&headers(served_by, cache)).unwrap();
                assert_eq!(source.to_string(), format!("{served_by}/{cache}"));
            }
        }
        for (served_by, cache) in [
            ("Primary", "HIT"),
            ("cache", "hit"),
            ("", ""),
            ("cache", ""),
        ] {
            assert_eq!(Source::of(&headers(served_by, cache)), None);
        }
        assert_eq!(Source::of(&HeaderMap::new()), None);
    }

    #[test]
    fn the_hit_rate_is_that_of_the_cache_at_every_level() {
        let hit = Source::of(&headers("cache", "HIT"));
        let miss = Source::of(&headers("replica", "MISS"));
        let mut attempts = vec![read(Kind::Count, hit); 199];
        attempts.extend([read(Kind::Count, miss), read(Kind::Receipt, miss)]);
        // An answer that says nothing of its source is not counted.
        attempts.push(read(Kind::Count, None));
        let reads = reads(&attempts);
        assert_eq!(reads["count"]["cache/HIT"], 199);
        assert_eq!(reads["receipt"]["replica/MISS"], 1);
        assert_eq!(hit_rate(&reads["count"]), Some(0.995));
        assert_eq!(hit_rate(&reads["receipt"]), Some(0.0));
        assert_eq!(hit_rate(&BTreeMap::new()), None);
    }
}

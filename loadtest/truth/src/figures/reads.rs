//! Where the reads of a run were answered from.

use crate::evidence::Attempt;
use std::collections::BTreeMap;

/// How many reads of each kind were answered from where.
#[must_use]
pub fn reads(attempts: &[Attempt]) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut counted = BTreeMap::new();
    for attempt in attempts {
        if let Some(provenance) = attempt.provenance {
            *counted.entry((attempt.kind, provenance)).or_insert(0) += 1;
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
    use crate::evidence::{Ending, Kind, Provenance};

    fn read(kind: Kind, provenance: Option<Provenance>) -> Attempt {
        let mut attempt = Attempt::answered(kind, Ending::Status(200));
        attempt.provenance = provenance;
        attempt
    }

    #[test]
    fn the_hit_rate_is_that_of_the_cache_at_every_level() {
        let hit = Provenance::parse(b"cache", b"HIT");
        let miss = Provenance::parse(b"replica", b"MISS");
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

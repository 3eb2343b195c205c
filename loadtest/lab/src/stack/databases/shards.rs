//! The map of the shards: which of them owns which signups, as each of them has it stored.

use super::Databases;
use crate::stack::phases::Role;
use anyhow::Context;
use sqlx::PgPool;
use uuid::Uuid;

/// Signups fall into so many buckets, by the first byte of their id.
const BUCKETS: usize = 256;

/// The map as one shard has it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
struct Map {
    version: i32,
    /// Which shard this is.
    shard: i16,
    /// The shard that owns each bucket.
    owners: Vec<i16>,
}

/// The maps of all shards of a phase.
#[derive(Debug, Default)]
pub(super) struct ShardMaps {
    all: Vec<Stored>,
}

/// What one shard has stored.
#[derive(Debug)]
struct Stored {
    service: &'static str,
    /// The number the shard must have.
    number: i16,
    /// Should be one.
    maps: Vec<Map>,
}

impl Databases {
    /// Reads the map of every shard; none where the phase has no shards.
    pub(super) async fn shard_maps(&self) -> anyhow::Result<ShardMaps> {
        let mut all = Vec::new();
        for (address, pool) in &self.all {
            if let Role::Shard { number } = address.role {
                let maps = stored(pool).await.with_context(|| address.unreachable())?;
                let service = address.service;
                all.push(Stored {
                    service,
                    number,
                    maps,
                });
            }
        }
        Ok(ShardMaps { all })
    }
}

async fn stored(pool: &PgPool) -> sqlx::Result<Vec<Map>> {
    sqlx::query_as("SELECT version, shard, owners FROM shard_map")
        .fetch_all(pool)
        .await
}

impl ShardMaps {
    /// Whether a row belongs where it was found: any row in a database of all signups, and in a shard
    /// one whose bucket is given to that shard by the map stored there.
    pub(super) fn names(&self, role: Role, id: Uuid) -> bool {
        let Role::Shard { number } = role else {
            return true;
        };
        let stored = self.all.iter().find(|stored| stored.number == number);
        let map = stored.and_then(|stored| stored.maps.first());
        let bucket = usize::from(id.as_bytes()[0]);
        map.is_some_and(|map| map.owners.get(bucket) == Some(&number))
    }

    /// Why the maps cannot be trusted, one sentence each; nothing when they can.
    pub(super) fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = self.all.iter().filter_map(Stored::complaint).collect();
        let mut maps = self.all.iter().filter_map(|stored| stored.maps.first());
        if let Some(first) = maps.next() {
            let same = |map: &Map| map.version == first.version && map.owners == first.owners;
            if !maps.all(same) {
                let versions = self.all.iter().flat_map(|stored| &stored.maps);
                let versions: Vec<_> = versions.map(|map| map.version.to_string()).collect();
                let versions = versions.join(", ");
                complaints.push(format!(
                    "the shards have different maps (versions {versions})"
                ));
            }
        }
        complaints
    }
}

impl Stored {
    fn complaint(&self) -> Option<String> {
        let service = self.service;
        let [map] = self.maps.as_slice() else {
            return Some(format!(
                "{service} has {} maps of the shards, not one",
                self.maps.len()
            ));
        };
        if map.shard != self.number {
            let (held, number) = (map.shard, self.number);
            return Some(format!(
                "{service} says that it is shard {held}, not {number}"
            ));
        }
        let buckets = map.owners.len();
        (buckets != BUCKETS).then(|| format!("the map in {service} has {buckets} buckets, not 256"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Even buckets to shard 0, odd ones to shard 1.
    fn map(shard: i16) -> Map {
        Map {
            version: 1,
            shard,
            owners: (0..256).map(|bucket| bucket % 2).collect(),
        }
    }

    fn stored(number: i16, maps: Vec<Map>) -> Stored {
        let service = ["phase3-shard-0", "phase3-shard-1"][usize::from(number != 0)];
        Stored {
            service,
            number,
            maps,
        }
    }

    fn maps(first: Vec<Map>, second: Vec<Map>) -> ShardMaps {
        ShardMaps {
            all: vec![stored(0, first), stored(1, second)],
        }
    }

    fn id(first_byte: u8) -> Uuid {
        let mut id = [0xAA; 16];
        id[0] = first_byte;
        Uuid::from_bytes(id)
    }

    #[test]
    fn a_row_belongs_to_the_shard_that_the_map_stored_there_names() {
        let maps = maps(vec![map(0)], vec![map(1)]);
        for (number, byte, belongs) in [(0, 0, true), (0, 1, false), (1, 255, true), (1, 8, false)]
        {
            let found = maps.names(Role::Shard { number }, id(byte));
            assert_eq!(found, belongs, "{number} {byte}");
        }
        // Where there is no map, it names nobody; where all signups are in one place, it needs none.
        assert!(!ShardMaps::default().names(Role::Shard { number: 0 }, id(0)));
        assert!(ShardMaps::default().names(Role::Owner, id(1)));
    }

    #[test]
    fn maps_that_agree_and_are_in_their_places_are_fine() {
        assert_eq!(maps(vec![map(0)], vec![map(1)]).complaints(), [""; 0]);
        assert_eq!(ShardMaps::default().complaints(), [""; 0]);
    }

    #[test]
    fn maps_that_differ_are_missing_or_in_the_wrong_place_are_found() {
        let newer = Map {
            version: 2,
            ..map(1)
        };
        let mut otherwise = map(1);
        otherwise.owners.swap(0, 1);
        let short = |shard| Map {
            owners: vec![0; 2],
            ..map(shard)
        };
        for (maps, complaints) in [
            (
                maps(vec![map(0)], vec![newer]),
                vec!["the shards have different maps (versions 1, 2)"],
            ),
            (
                maps(vec![map(0)], vec![otherwise]),
                vec!["the shards have different maps (versions 1, 1)"],
            ),
            (
                maps(vec![map(1)], vec![map(0)]),
                vec![
                    "phase3-shard-0 says that it is shard 1, not 0",
                    "phase3-shard-1 says that it is shard 0, not 1",
                ],
            ),
            (
                maps(vec![], vec![map(1), map(1)]),
                vec![
                    "phase3-shard-0 has 0 maps of the shards, not one",
                    "phase3-shard-1 has 2 maps of the shards, not one",
                ],
            ),
            (
                maps(vec![short(0)], vec![short(1)]),
                vec![
                    "the map in phase3-shard-0 has 2 buckets, not 256",
                    "the map in phase3-shard-1 has 2 buckets, not 256",
                ],
            ),
        ] {
            assert_eq!(maps.complaints(), complaints);
        }
    }
}

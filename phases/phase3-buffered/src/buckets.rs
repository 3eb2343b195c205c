//! Which shard owns a signup: the map from buckets to shards.
//!
//! A signup's bucket is the first byte of its id, which is a keyed hash, so buckets are equally
//! full. Buckets never change; the map from buckets to shards does when shards are added
//! (`reshard`), under a new version.

use std::num::TryFromIntError;
use uuid::Uuid;

/// Buckets, whatever the number of shards.
pub(crate) const BUCKETS: usize = 256;

/// Which shard owns each bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShardMap {
    pub(crate) version: u32,
    /// By bucket.
    pub(crate) owners: Vec<u16>,
}

/// A stretch of ids in one shard, in the order of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) shard: u16,
    /// Its last id.
    pub(crate) last: Uuid,
}

impl ShardMap {
    /// The first map of `shards` shards: each owns one stretch of buckets.
    pub(crate) fn first(shards: usize) -> Self {
        let owner = |bucket| u16::try_from(bucket * shards / BUCKETS).unwrap_or(u16::MAX);
        Self {
            version: 1,
            owners: (0..BUCKETS).map(owner).collect(),
        }
    }

    /// The map as a shard holds it.
    pub(crate) fn stored(version: i32, owners: Vec<i16>) -> Result<Self, TryFromIntError> {
        let owners = owners.into_iter().map(u16::try_from);
        Ok(Self {
            version: u32::try_from(version)?,
            owners: owners.collect::<Result<_, _>>()?,
        })
    }

    /// How many shards it names; there may be more, which own nothing yet.
    pub(crate) fn shards(&self) -> usize {
        self.owners
            .iter()
            .max()
            .map_or(0, |last| usize::from(*last) + 1)
    }

    /// The next map, for more shards: each old one keeps an equal part of its buckets, and gives the
    /// others to the new ones. What is not given away does not move.
    pub(crate) fn grown(&self, shards: usize) -> Self {
        // To the bucket: with one share for all, rounded up, the last of 17 shards would get none.
        let share =
            |shard: u16| BUCKETS / shards + usize::from(usize::from(shard) < BUCKETS % shards);
        let mut held = vec![0; shards];
        let first_new = self.owners.iter().max().map_or(0, |last| last + 1);
        let mut owners = self.owners.clone();
        for owner in &mut owners {
            let has_room = |shard: &u16| held[usize::from(*shard)] < share(*shard);
            let mut new = first_new..u16::try_from(shards).unwrap_or(u16::MAX);
            if !has_room(owner)
                && let Some(receiver) = new.find(has_room)
            {
                *owner = receiver;
            }
            held[usize::from(*owner)] += 1;
        }
        Self {
            version: self.version + 1,
            owners,
        }
    }

    /// The shard that owns a signup.
    pub(crate) fn owner(&self, id: &Uuid) -> u16 {
        self.owners[bucket(id)]
    }

    /// Where all ids from that of `after` on are, in their order: whoever reads one stretch after the
    /// other reads the ids of all shards in order, without merging.
    pub(crate) fn stretches(&self, after: &Uuid) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        for bucket in bucket(after)..BUCKETS {
            let shard = self.owners[bucket];
            let mut last = [0xff; 16];
            last[0] = u8::try_from(bucket).unwrap_or(u8::MAX);
            let last = Uuid::from_bytes(last);
            match stretches.last_mut() {
                Some(stretch) if stretch.shard == shard => stretch.last = last,
                _ => stretches.push(Stretch { shard, last }),
            }
        }
        stretches
    }
}

fn bucket(id: &Uuid) -> usize {
    id.as_bytes()[0].into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// How many buckets each shard owns, all of which must be equal to within one.
    fn check_shares(map: &ShardMap, shards: usize) {
        let mut held = vec![0; shards];
        for owner in &map.owners {
            held[usize::from(*owner)] += 1;
        }
        let equal = BUCKETS / shards..=BUCKETS.div_ceil(shards);
        assert!(held.iter().all(|held| equal.contains(held)), "{held:?}");
        assert_eq!(map.owners.len(), BUCKETS);
        assert_eq!(map.shards(), shards);
    }

    #[test]
    fn the_first_map_gives_every_shard_its_equal_part() {
        for shards in 1..=BUCKETS {
            check_shares(&ShardMap::first(shards), shards);
        }
    }

    #[test]
    fn a_grown_map_moves_only_to_the_new_shards_and_shares_equally() {
        for from in [1, 2, 3, 7, 100, 200] {
            let old = ShardMap::first(from);
            for to in from + 1..=BUCKETS {
                check_growth(&old, &old.grown(to), from, to);
            }
        }
    }

    fn check_growth(old: &ShardMap, new: &ShardMap, from: usize, to: usize) {
        assert_eq!(new.version, old.version + 1);
        check_shares(new, to);
        for (before, after) in old.owners.iter().zip(&new.owners) {
            assert!(
                before == after || usize::from(*after) >= from,
                "{from} to {to}"
            );
        }
    }

    #[test]
    fn the_owner_of_an_id_is_pinned() {
        // Stored signups outlive this code: another owner for a bucket is a move of its signups.
        let map = ShardMap::first(2);
        assert_eq!(map.owner(&Uuid::from_u128(0x7f << 120)), 0);
        assert_eq!(map.owner(&Uuid::from_u128(0x80 << 120)), 1);
    }

    proptest! {
        #[test]
        fn shards_can_be_added_again_and_again(mut counts in proptest::collection::btree_set(1..=BUCKETS, 1..8)) {
            let mut from = counts.pop_first().unwrap_or(1);
            let mut map = ShardMap::first(from);
            for to in counts {
                let next = map.grown(to);
                check_growth(&map, &next, from, to);
                (map, from) = (next, to);
            }
        }

        #[test]
        fn a_stored_map_is_read_as_it_was_written(version in 0..=i32::MAX, owners: Vec<i16>) {
            let read = ShardMap::stored(version, owners.clone());
            prop_assert_eq!(read.is_ok(), owners.iter().all(|owner| *owner >= 0));
            if let Ok(map) = read {
                prop_assert_eq!(i64::from(map.version), i64::from(version));
                prop_assert_eq!(map.owners.iter().map(|owner| i64::from(*owner)).collect::<Vec<_>>(),
                                owners.iter().map(|owner| i64::from(*owner)).collect::<Vec<_>>());
            }
        }

        #[test]
        fn stretches_hold_every_later_id_once_and_in_order(
            owners in proptest::collection::vec(0..4u16, BUCKETS), after: u128, id: u128,
        ) {
            let map = ShardMap { version: 1, owners };
            let (after, id) = (Uuid::from_u128(after.min(id)), Uuid::from_u128(after.max(id)));
            let stretches = map.stretches(&after);
            let holds = stretches.iter().find(|stretch| id <= stretch.last);
            prop_assert_eq!(holds.map(|stretch| stretch.shard), Some(map.owner(&id)));
            prop_assert!(stretches.is_sorted_by_key(|stretch| stretch.last));
        }
    }
}

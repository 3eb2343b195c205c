//! The shards, and the map by which one of them is chosen.
//!
//! The map is read at the start, and again when a shard answers by another one: every statement that
//! depends on it says which version the shard holds. So nothing is read or written where it is not any
//! more, and adding shards (`reshard`) needs no restart.

use crate::buckets::ShardMap;
use crate::db::Database;
use crate::select;
use signup_domain::{SignupId, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Between two looks for the next map, while the shards do not agree on it yet.
const LOOK: Duration = Duration::from_millis(500);

/// All shards, and the map, once one of them has been asked for it.
#[derive(Clone)]
pub(crate) struct Shards {
    map: watch::Sender<Option<Arc<ShardMap>>>,
    databases: Arc<[Database]>,
    /// A shard holds another map than the one it was chosen by.
    outdated: Arc<Notify>,
}

impl Shards {
    /// The shards in `databases`, in their order; nobody knows yet who owns what.
    pub(crate) fn new(databases: Vec<Database>) -> Self {
        Self {
            map: watch::Sender::new(None),
            databases: databases.into(),
            outdated: Arc::default(),
        }
    }

    /// Makes known who owns what. Only the first map counts: after that the shards are followed.
    pub(crate) fn learn(&self, map: &ShardMap) {
        self.map.send_if_modified(|known| {
            let new = known.is_none();
            known.get_or_insert_with(|| Arc::new(map.clone()));
            new
        });
    }

    /// Returns once it is known who owns what.
    pub(crate) async fn known(&self) {
        // Its sender is here, so it cannot be gone.
        let _ = self.map.subscribe().wait_for(Option::is_some).await;
    }

    /// The map. Whoever chooses a shard by it keeps it for [`agree`](Self::agree).
    ///
    /// # Errors
    /// As long as no shard could be asked.
    pub(crate) fn map(&self) -> Result<Arc<ShardMap>, StoreError> {
        let unknown = || StoreError::Unavailable("no shard has been there yet".into());
        self.map.borrow().clone().ok_or_else(unknown)
    }

    /// The number of the shard that owns a signup.
    ///
    /// # Errors
    /// As [`Shards::map`].
    pub(crate) fn owner(&self, id: SignupId) -> Result<u16, StoreError> {
        self.map().map(|map| map.owner(id.as_uuid()))
    }

    /// The shard with this number.
    pub(crate) fn shard(&self, number: u16) -> &Database {
        // A map is checked against the number of shards before it is made known.
        &self.databases[usize::from(number)]
    }

    /// All of them, in their order.
    pub(crate) fn all(&self) -> &[Database] {
        &self.databases
    }

    /// Fails unless a shard, chosen by `map`, holds the same `version`; then the map is read again.
    pub(crate) fn agree(&self, map: &ShardMap, version: u32) -> Result<(), StoreError> {
        if version == map.version {
            return Ok(());
        }
        self.outdated.notify_one();
        Err(StoreError::Unavailable(format!(
            "the shard holds map version {version}, and was chosen by {}",
            map.version
        )))
    }

    /// The map that a shard holds.
    pub(crate) async fn held(&self, number: u16) -> Result<ShardMap, StoreError> {
        held(self.shard(number)).await
    }

    /// Reads the map again whenever it is outdated; returns why it cannot be followed any more.
    pub(crate) async fn follow(&self) -> anyhow::Error {
        loop {
            self.outdated.notified().await;
            let map = loop {
                match self.agreed().await {
                    Ok(map) => break map,
                    Err(error) => tracing::warn!(%error, "no map yet that all shards hold"),
                }
                tokio::time::sleep(LOOK).await;
            };
            let (version, named, known) = (map.version, map.shards(), self.databases.len());
            if named > known {
                return anyhow::anyhow!(
                    "the map has changed: version {version} names {named} shards, SHARD_URLS {known}"
                );
            }
            if self.map().is_ok_and(|known| known.version != version) {
                tracing::info!(version, "the map has changed");
                self.map.send_replace(Some(Arc::new(map)));
            }
        }
    }

    /// The map that all shards hold.
    async fn agreed(&self) -> Result<ShardMap, StoreError> {
        let maps = self.databases.iter().map(held);
        let mut maps = futures::future::try_join_all(maps).await?;
        let Some(map) = maps.pop() else {
            return Err(StoreError::Unavailable("there is no shard".into()));
        };
        // While `reshard` switches one after the other, or after it was broken off there.
        if maps.iter().any(|other| *other != map) {
            return Err(StoreError::Unavailable("the shards hold two maps".into()));
        }
        Ok(map)
    }
}

async fn held(shard: &Database) -> Result<ShardMap, StoreError> {
    let (version, owners) = shard.read(async |client| select::map(client).await).await?;
    let map = ShardMap::stored(version, owners);
    map.map_err(|error| StoreError::Internal(format!("the map of a shard: {error}")))
}

//! Brings the shards up to date while the program is there already: it answers its probes, can be stopped
//! at any moment, and works with the shards that it has.

use crate::config::PartsConfig;
use crate::schema::{self, Agreed};
use crate::shards::Shards;
use futures::future::pending;
use signup_service::{ATTEMPT_PAUSE, attempt};

/// Prepares all shards, one after the other. Who owns what is made known when all have been tried and one
/// was there; those that are away are tried again and again, for as long as that takes.
///
/// Returns only when it must not go on, with why: a shard has the schema of another version of this
/// program, or the shards do not agree on who owns what, also one that comes back late.
pub(crate) async fn prepare(parts: &PartsConfig, shards: &Shards) -> anyhow::Error {
    let mut agreed = None;
    let mut away: Vec<usize> = (0..parts.shards.shard_urls.len()).collect();
    loop {
        let mut still_away = Vec::new();
        for shard in away {
            match prepare_one(parts, shards, shard, agreed.as_ref()).await {
                Ok(holds) => {
                    agreed.get_or_insert(holds);
                }
                Err(error) if schema::may_pass(&error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(shard, error, "waiting for a shard");
                    still_away.push(shard);
                }
                Err(error) => return error,
            }
        }
        if let Some(agreed) = &agreed {
            shards.learn(&agreed.map);
        }
        if still_away.is_empty() {
            return pending().await;
        }
        away = still_away;
        tokio::time::sleep(ATTEMPT_PAUSE).await;
    }
}

async fn prepare_one(
    parts: &PartsConfig,
    shards: &Shards,
    number: usize,
    agreed: Option<&Agreed>,
) -> anyhow::Result<Agreed> {
    let holds = attempt(schema::prepare(parts, number, agreed)).await?;
    let database = &shards.all()[number];
    database.warm_up().await?;
    database.set_prepared();
    Ok(holds)
}

//! What a scrape of the operations ports says.

use crate::parts::{names, until};
use crate::server::System;
use signup_testbed::Mode;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pools_at_rest_are_seen_at_rest() {
    let system = System::start().await;
    let names = names("p", 40);
    system.gateway.accept_all(&names).await;
    system.parts.until_recorded(&names).await;
    for shard in [0, 1] {
        let state = |state| {
            format!("database_pool_connections{{pool=\"shard_{shard}\",state=\"{state}\"}}")
        };
        until("the gateway's is seen at rest", async || {
            system.gateway.metric(&state("in_use")).await == 0.0
        })
        .await;
        until("the writer's is seen at rest", async || {
            system.writer.metric(&state("in_use")).await == 0.0
        })
        .await;
        assert!(system.gateway.metric(&state("idle")).await > 0.0);
        assert!(system.writer.metric(&state("idle")).await > 0.0);
    }
    for waiting in [
        system.gateway.metric("database_pool_waiting").await,
        system.writer.metric("database_pool_waiting").await,
    ] {
        assert_eq!(waiting, 0.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signup_that_waits_for_its_shard_is_seen_to_age() {
    let system = System::start().await;
    let age = async || {
        let series = "queue_oldest_signup_age_seconds{shard=\"0\"}";
        system.writer.metric(series).await
    };
    assert_eq!(age().await, 0.0);
    system.writer.ways.shards[0].set(Mode::Hang);
    let names = names("p", 40);
    system.gateway.accept_all(&names).await;
    until("it is in hand", async || age().await > 0.0).await;
    // From one scrape to the next, whatever the writer does: its attempt lasts for 10 s.
    let first = age().await;
    assert!(age().await > first);
    system.writer.ways.shards[0].set(Mode::Pass);
    system.parts.until_recorded(&names).await;
    until("nothing is in hand", async || age().await == 0.0).await;
}

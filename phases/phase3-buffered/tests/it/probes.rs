//! What a gateway says of itself while its parts fail, and what it costs to ask.

use crate::parts::{Parts, until};
use crate::server::Ways;
use futures::future::join_all;
use signup_testbed::{EVENTUALLY, Mode, TestDatabase};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_is_ready_while_it_can_accept_or_read() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    // Now the event is known, and no shard is needed to accept.
    assert_eq!(gateway.sign_up("before").await.status, 202);
    let Ways { queue, shards } = &gateway.ways;
    queue.set(Mode::Cut);
    until("it is without the queue", async || {
        gateway.sign_up("during").await.status == 503
    })
    .await;
    gateway.probe("readyz", 200, EVENTUALLY).await;
    shards.iter().for_each(|shard| shard.set(Mode::Cut));
    gateway.probe("readyz", 503, EVENTUALLY).await;
    gateway.probe("livez", 200, EVENTUALLY).await;
    shards[1].set(Mode::Pass);
    gateway.probe("readyz", 200, EVENTUALLY).await;
    shards[1].set(Mode::Cut);
    gateway.probe("readyz", 503, EVENTUALLY).await;
    queue.set(Mode::Pass);
    gateway.heals().await;
    gateway.probe("readyz", 200, EVENTUALLY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_queue_a_probe_costs_no_connection() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    gateway.ways.queue.set(Mode::Cut);
    // From then on a probe asks the shards, all at once, and takes the first answer.
    until("it is without the queue", async || {
        gateway.sign_up("during").await.status == 503
    })
    .await;
    let sessions = async || {
        let urls = parts.shards.iter().map(TestDatabase::url);
        let sessions = urls.map(async |url| signup_testbed::sessions(&url, "phase3").await);
        join_all(sessions).await
    };
    let before = sessions().await;
    assert!(before.iter().all(|shard| !shard.is_empty()), "{before:?}");
    for _ in 0..20 {
        gateway.probe("readyz", 200, EVENTUALLY).await;
    }
    assert_eq!(sessions().await, before);
}

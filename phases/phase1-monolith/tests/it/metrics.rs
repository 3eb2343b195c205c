//! What a scrape of the operations port says.

use crate::server::Server;
use signup_testbed::EVENTUALLY;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_at_rest_is_seen_at_rest() {
    let server = Server::start().await;
    assert_eq!(server.sign_up("ann").await.status, 201);
    let state = async |state: &str| {
        let series = format!("database_pool_connections{{pool=\"primary\",state=\"{state}\"}}");
        server.metric(&series).await
    };
    let began = Instant::now();
    while state("in_use").await > 0.0 {
        assert!(began.elapsed() < EVENTUALLY, "in use, and nobody uses it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(state("idle").await > 0.0);
    assert_eq!(server.metric("database_pool_waiting").await, 0.0);
    let limit = "database_pool_connections_limit{pool=\"primary\"}";
    assert_eq!(server.metric(limit).await, 8.0);
}

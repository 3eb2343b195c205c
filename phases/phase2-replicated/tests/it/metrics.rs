//! What a scrape of the operations port says.

use crate::server::Server;
use signup_testbed::EVENTUALLY;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pools_at_rest_are_seen_at_rest() {
    let server = Server::start().await;
    assert_eq!(server.sign_up("ann").await.status, 201);
    for pool in ["primary_writes", "primary", "replica"] {
        let state = async |state: &str| {
            let series = format!("database_pool_connections{{pool=\"{pool}\",state=\"{state}\"}}");
            server.metric(&series).await
        };
        let began = Instant::now();
        while state("in_use").await > 0.0 {
            assert!(
                began.elapsed() < EVENTUALLY,
                "{pool}: in use, and nobody uses it"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(state("idle").await > 0.0, "{pool}");
    }
    assert_eq!(server.metric("database_pool_waiting").await, 0.0);
    let limit = "database_pool_connections_limit{pool=\"replica\"}";
    assert_eq!(server.metric(limit).await, 2.0);
}

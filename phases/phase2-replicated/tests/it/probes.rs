//! What it costs to ask a server how it is.

use crate::server::Server;
use signup_testbed::EVENTUALLY;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_costs_no_connection() {
    let server = Server::start().await;
    let before = server.sessions().await;
    assert_eq!(
        before.len(),
        4 + 2,
        "not all connections are open at the start"
    );
    for _ in 0..20 {
        server.probe("readyz", 200, EVENTUALLY).await;
    }
    assert_eq!(server.sessions().await, before);
}

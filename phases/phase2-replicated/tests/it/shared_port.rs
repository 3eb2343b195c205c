//! Without a balancer: two servers that accept from one listening socket.

use crate::server::{Server, alone};
use futures::future::join_all;
use signup_testbed::{ANSWERED, Mode, SharedPort, TestDatabase};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_all_servers_fails_no_request() {
    let _alone = alone().await;
    let database = Arc::new(TestDatabase::create().await);
    let port = SharedPort::open().await;
    let server = async || Server::at(&port, Arc::clone(&database)).await;
    let (one, other) = (server().await, server().await);
    let over = AtomicBool::new(false);
    let clients = ["a", "b", "c", "d"].map(async |who| {
        let visitor = port.visitor();
        visitor.keep_signing_up(who, 201, &[503, 504], &over).await
    });
    let restarts = async {
        one.service.stopped().await;
        let one = server().await;
        other.service.stopped().await;
        let other = server().await;
        over.store(true, Ordering::Relaxed);
        (one, other)
    };
    let (accepted, _servers) = tokio::join!(join_all(clients), restarts);
    assert!(accepted.concat().len() > 20, "{accepted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_has_lost_its_primary_leaves_connections_to_the_other() {
    let _alone = alone().await;
    let database = Arc::new(TestDatabase::create().await);
    let port = SharedPort::open().await;
    let one = Server::at(&port, Arc::clone(&database)).await;
    let other = Server::at(&port, database).await;
    one.primary.set(Mode::Cut);
    port.until_left_to(&other.service, &one.service).await;
    other.primary.set(Mode::Cut);
    let answer = port.visitor().sign_up("last").await;
    assert!(matches!(answer.status, 503 | 504), "{answer:?}");
    assert!(answer.took < ANSWERED, "{answer:?}");
}

//! Without a balancer: two servers that accept from one listening socket.

use crate::server::{Server, alone};
use futures::future::join_all;
use signup_testbed::{ANSWERED, EVENTUALLY, Mode, SharedPort, TestDatabase};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Signups that were answered, whatever with.
const SIGNUPS: &str = "http_requests_total{route=\"/v1/events/{event}/signups\",method=\"POST\"}";

/// A refusal that comes sooner is none of a busy machine's, whose are of time that has run out.
const AT_ONCE: Duration = Duration::from_millis(500);

/// Signs up on connections that are kept, until told to stop; returns how many were accepted.
async fn keep_signing_up(port: &SharedPort, who: &str, stop: &AtomicBool) -> usize {
    let (visitor, mut accepted) = (port.visitor(), 0);
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let answer = visitor.sign_up(&format!("{who}-{number}")).await;
        if answer.status == 201 {
            accepted += 1;
        } else {
            assert!(matches!(answer.status, 503 | 504), "{answer:?}");
            assert!(answer.took > AT_ONCE, "{answer:?}");
        }
        sleep(Duration::from_millis(5)).await;
    }
    accepted
}

async fn stop(server: Server) {
    server.stop.cancel();
    let stopped = timeout(EVENTUALLY, server.service.serving).await;
    stopped.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_all_servers_fails_no_request() {
    let _alone = alone().await;
    let database = Arc::new(TestDatabase::create().await);
    let port = SharedPort::open().await;
    let server = async || Server::at(&port, Arc::clone(&database)).await;
    let (one, other) = (server().await, server().await);
    let over = AtomicBool::new(false);
    let clients = ["a", "b", "c", "d"].map(|who| keep_signing_up(&port, who, &over));
    let restarts = async {
        stop(one).await;
        let one = server().await;
        stop(other).await;
        let other = server().await;
        over.store(true, Ordering::Relaxed);
        (one, other)
    };
    let (accepted, _servers) = tokio::join!(join_all(clients), restarts);
    assert!(accepted.iter().sum::<usize>() > 20, "{accepted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_has_lost_its_primary_leaves_connections_to_the_other() {
    let _alone = alone().await;
    let database = Arc::new(TestDatabase::create().await);
    let port = SharedPort::open().await;
    let one = Server::at(&port, Arc::clone(&database)).await;
    let other = Server::at(&port, database).await;
    one.primary.set(Mode::Cut);
    let began = Instant::now();
    // Where the other stands still for 200 ms, this one answers in its place: a few, and by chance half of 40.
    for round in 0.. {
        let before = one.metric(SIGNUPS).await;
        for number in 0..40 {
            port.visitor().sign_up(&format!("p{round}-{number}")).await;
        }
        let answered = one.metric(SIGNUPS).await - before;
        if answered < 6.0 {
            break;
        }
        assert!(began.elapsed() < EVENTUALLY, "{answered} of 40");
    }
    assert!(other.metric(SIGNUPS).await > 34.0);
    other.primary.set(Mode::Cut);
    let answer = port.visitor().sign_up("last").await;
    assert!(matches!(answer.status, 503 | 504), "{answer:?}");
    assert!(answer.took < ANSWERED, "{answer:?}");
}

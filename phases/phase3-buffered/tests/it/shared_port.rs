//! Without a balancer: two gateways that accept from one listening socket.

use crate::parts::Parts;
use futures::future::join_all;
use signup_testbed::{ANSWERED, EVENTUALLY, Mode, SharedPort, Visitor};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_all_gateways_fails_no_request() {
    let parts = Parts::create().await;
    let port = SharedPort::open().await;
    let (one, other) = (parts.gateway_at(&port).await, parts.gateway_at(&port).await);
    let over = AtomicBool::new(false);
    let clients = ["a", "b", "c", "d"].map(async |who| {
        let visitor = port.visitor();
        visitor.keep_signing_up(who, 202, &[503], &over).await
    });
    let restarts = async {
        one.service.stopped().await;
        let one = parts.gateway_at(&port).await;
        other.service.stopped().await;
        let other = parts.gateway_at(&port).await;
        over.store(true, Ordering::Relaxed);
        (one, other)
    };
    let (accepted, gateways) = tokio::join!(join_all(clients), restarts);
    drop(gateways);
    let accepted = accepted.concat();
    assert!(accepted.len() > 20, "{accepted:?}");
    let _writer = parts.writer(&[]).await;
    parts.until_recorded(&accepted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_has_lost_the_queue_leaves_connections_to_the_other() {
    let parts = Parts::create().await;
    let port = SharedPort::open().await;
    let (one, other) = (parts.gateway_at(&port).await, parts.gateway_at(&port).await);
    let visitors: Vec<Visitor> = (0..20).map(|_| port.visitor()).collect();
    for (number, visitor) in visitors.iter().enumerate() {
        let before = visitor.sign_up(&format!("before-{number}")).await;
        assert_eq!(before.status, 202, "{before:?}");
    }
    one.ways.queue.set(Mode::Cut);
    let began = Instant::now();
    port.until_left_to(&other.service, &one.service).await;
    // Who has a connection to it is told that it ends, and comes to the other.
    for (number, visitor) in visitors.iter().enumerate() {
        while visitor.sign_up(&format!("after-{number}")).await.status != 202 {
            assert!(began.elapsed() < EVENTUALLY, "{number}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_have_lost_the_queue_everybody_is_told_in_time() {
    let parts = Parts::create().await;
    let port = SharedPort::open().await;
    let gateways = [parts.gateway_at(&port).await, parts.gateway_at(&port).await];
    for gateway in &gateways {
        gateway.ways.queue.set(Mode::Cut);
    }
    // So many that they would not be through at one every 200 ms. Clients are made first: to make one takes so
    // long that the first would have sent no header for four seconds, and be let go.
    let visitors: Vec<Visitor> = (0..300).map(|_| port.visitor()).collect();
    // Until the gateways know.
    sleep(Duration::from_secs(2)).await;
    let names = (0..300).map(|number| format!("p{number}"));
    let asks = visitors
        .iter()
        .zip(names)
        .map(async |(visitor, name)| visitor.sign_up(&name).await);
    let answers = join_all(asks).await;
    for answer in answers {
        assert_eq!((answer.status, &answer.retry_after[..]), (503, "1"));
        assert!(answer.took < ANSWERED, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_holder_of_the_socket_is_found() {
    let parts = Parts::create().await;
    let mut port = SharedPort::open().await;
    let _gateway = parts.gateway_at(&port).await;
    assert_eq!(port.visitor().sign_up("before").await.status, 202);
    port.open_again().await;
    let after = timeout(EVENTUALLY, port.visitor().sign_up("after")).await;
    assert_eq!(after.expect("an answer").status, 202);
}

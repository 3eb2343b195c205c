//! Starting while the primary is away (replica and Redis are there, and of no use without a schema):
//! probes answer from the first moment, every request is refused in time, and the stop is obeyed at any
//! moment.

use crate::server::Server;
use signup_testbed::{ANSWERED, EVENTUALLY, Mode};

async fn answers_and_refuses(server: &Server) {
    server.probe("livez", 200, EVENTUALLY).await;
    server.probe("startupz", 503, EVENTUALLY).await;
    server.probe("readyz", 503, EVENTUALLY).await;
    let refused = server.sign_up("ann").await;
    assert_eq!(
        (refused.status, &refused.retry_after[..]),
        (503, "1"),
        "{refused:?}"
    );
    assert!(refused.took < ANSWERED, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_primary_a_server_answers_refuses_and_obeys_its_stop() {
    for fault in [Mode::Cut, Mode::Hang] {
        let server = Server::start_behind(fault).await;
        answers_and_refuses(&server).await;
        server.stop.cancel();
        let ended = tokio::time::timeout(EVENTUALLY, server.service.serving).await;
        ended.expect("it ends").unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_starts_when_its_primary_comes() {
    let mut server = Server::start_behind(Mode::Cut).await;
    answers_and_refuses(&server).await;
    server.primary.set(Mode::Pass);
    server.service.ready().await;
    assert_eq!(server.sign_up("ann").await.status, 201);
}

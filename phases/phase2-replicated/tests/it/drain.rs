//! A server finishes what it has begun when it is asked to stop.

use crate::server::Server;
use signup_testbed::Mode;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_answers_what_it_has_begun() {
    let server = Server::start().await;
    server.primary.set(Mode::Delay(Duration::from_millis(150)));
    let signup = async { server.sign_up("ann").await.status };
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.stop.cancel();
    };
    let (status, ()) = tokio::join!(signup, stop);
    assert_eq!(status, 201);
    server.service.stopped().await;
}

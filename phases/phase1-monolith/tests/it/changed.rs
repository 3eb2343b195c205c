//! What phase 1 does when its database is changed under it: a column gets another type, or the primary
//! is demoted. It says so, loses nothing, and needs no restart.

use crate::server::Server;
use futures::future::join_all;
use signup_testbed::{ANSWERED, EVENTUALLY};
use std::time::Instant;

/// Refused for certain; an answer that came before its time is waited for.
async fn until_refused(server: &Server) {
    let began = Instant::now();
    loop {
        let answer = server.sign_up("during").await;
        assert!(answer.took < ANSWERED, "{answer:?}");
        if answer.status == 503 {
            return;
        }
        // A session that was ended under it: not known.
        assert_eq!(answer.status, 504, "{answer:?}");
        assert!(began.elapsed() < EVENTUALLY, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_that_gets_another_type_fails_no_request() {
    let server = Server::start().await;
    let names: Vec<String> = (0..8).map(|number| format!("p{number}")).collect();
    let signups = join_all(names.iter().map(|name| server.sign_up(name))).await;
    // As often as every session prepares its statements.
    let read = async || {
        let receipts = signups.iter().cycle().take(24);
        let receipts = receipts.map(|signup| server.receipt(signup.receipt()));
        let (receipts, list) = tokio::join!(join_all(receipts), server.list());
        receipts.into_iter().chain([list, server.event().await])
    };
    assert!(read().await.all(|answer| answer.status == 200));
    let changed = "ALTER TABLE signups ALTER COLUMN name TYPE varchar(400);
         ALTER TABLE signups ALTER COLUMN email TYPE varchar(400)";
    server.database.execute(changed).await;
    for answer in read().await {
        // 503 is for a machine too busy to answer in time.
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
    }
    for (name, first) in names.iter().zip(&signups) {
        let again = server.sign_up(name).await;
        assert_eq!((again.status, again.receipt()), (200, first.receipt()));
    }
    assert_eq!(server.sign_up("new").await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demoted_primary_is_refused_without_effect_and_healed_at_once() {
    let server = Server::start().await;
    let ann = server.sign_up("ann").await;
    assert_eq!(ann.status, 201);
    server.database.demote().await;
    until_refused(&server).await;
    let names: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
    for answer in join_all(names.iter().map(|name| server.sign_up(name))).await {
        assert_eq!((answer.status, &answer.retry_after[..]), (503, "1"));
        assert!(answer.took < ANSWERED, "{answer:?}");
    }
    server.probe("readyz", 503, EVENTUALLY).await;
    server.probe("livez", 200, EVENTUALLY).await;
    // What can be done without writing goes on.
    let receipt = server.receipt(ann.receipt()).await;
    assert_eq!(
        (receipt.status, &receipt.body["name"]),
        (200, &"ann".into())
    );
    assert_eq!(server.event().await.body["signups"], 1);
    server.database.promote().await;
    server.probe("readyz", 200, EVENTUALLY).await;
    // Also where sessions are left that began while it was demoted.
    let admitted = names.iter().map(|name| server.sign_up_until_admitted(name));
    for answer in join_all(admitted).await {
        assert_eq!(answer.status, 201, "{answer:?}");
    }
}

/// Nobody asks for the probe: a signup finds out by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_primary_is_found_by_a_signup() {
    let server = Server::start().await;
    server.database.demote().await;
    until_refused(&server).await;
    server.database.promote().await;
    let began = Instant::now();
    while server.sign_up("ann").await.status != 201 {
        assert!(
            began.elapsed() < EVENTUALLY,
            "still failing after {EVENTUALLY:?}"
        );
    }
    server.probe("readyz", 200, EVENTUALLY).await;
}

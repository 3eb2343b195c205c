//! What phase 1 does when its database fails: sheds in time, says what it knows, and heals without
//! a restart.

use crate::server::Server;
use signup_testbed::{ANSWERED, EVENTUALLY, Mode};
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

/// How often a connection was asked for.
const ACQUIRED: &str = "database_pool_acquire_seconds_count";

async fn heals(server: &Server) {
    let began = Instant::now();
    while server.sign_up("after-the-fault").await.status >= 500 {
        assert!(
            began.elapsed() < EVENTUALLY,
            "still failing after {EVENTUALLY:?}"
        );
    }
    server.probe("readyz", 200, EVENTUALLY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_database_is_shed_and_healed() {
    let server = Server::start().await;
    assert_eq!(server.sign_up("before").await.status, 201);
    server.proxy.set(Mode::Cut);
    let mut refused = 0;
    for attempt in 0..20 {
        let answer = server.sign_up(&format!("during-{attempt}")).await;
        assert!(matches!(answer.status, 500 | 503 | 504), "{answer:?}");
        assert!(answer.took < ANSWERED, "{answer:?}");
        refused += usize::from(answer.status == 503);
    }
    // The pool's connections may each fail once, with an unknown outcome; then it is refused.
    assert!(refused >= 12, "{refused}");
    server.probe("readyz", 503, EVENTUALLY).await;
    server.probe("livez", 200, Duration::from_millis(500)).await;
    server.proxy.set(Mode::Pass);
    heals(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_database_is_answered_in_time_and_the_pool_survives() {
    let server = Server::start().await;
    // Now the event is known, and the next statement is the signup itself.
    assert_eq!(server.sign_up("before").await.status, 201);
    server.proxy.set(Mode::Hang);
    let attempts = (0..40).map(async |attempt| server.sign_up(&format!("hang-{attempt}")).await);
    // One after the other starts, all at once wait.
    let mut unknown = 0;
    for answer in futures::future::join_all(attempts).await {
        assert!(matches!(answer.status, 503 | 504), "{answer:?}");
        assert!(answer.took < ANSWERED, "{answer:?}");
        unknown += usize::from(answer.status == 504);
    }
    // Sent and not answered: as many as there are connections. The others were never sent.
    assert!((1..=8).contains(&unknown), "{unknown}");
    server.probe("readyz", 503, EVENTUALLY).await;
    server.proxy.set(Mode::Pass);
    heals(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_fit_at_once_are_refused() {
    let server = Server::start().await;
    // Now the event is known, and the next statement is the signup itself.
    assert_eq!(server.sign_up("before").await.status, 201);
    server.proxy.set(Mode::Hang);
    let mut refused = 0.0;
    // More than the 256 places; how many of them come while the first still wait is the machine's affair.
    for round in 0..10 {
        let name = |attempt| format!("full-{round}-{attempt}");
        let attempts = (0..320).map(async |attempt| server.sign_up(&name(attempt)).await);
        for answer in futures::future::join_all(attempts).await {
            assert!(matches!(answer.status, 503 | 504), "{answer:?}");
        }
        refused = server.metric("http_requests_refused_total").await;
        if refused > 0.0 {
            break;
        }
    }
    assert!(refused > 0.0);
    server.proxy.set(Mode::Pass);
    heals(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_after_an_unknown_outcome_is_one_signup() {
    let server = Server::start().await;
    // Now the event is known, and the next statement is the signup itself.
    assert_eq!(server.sign_up("before").await.status, 201);
    server.proxy.set(Mode::Hang);
    assert_eq!(server.sign_up("ann").await.status, 504);
    server.proxy.set(Mode::Pass);
    heals(&server).await;
    let first = server.sign_up("ann").await;
    let second = server.sign_up("ann").await;
    assert!(matches!(first.status, 200 | 201), "{first:?}");
    assert_eq!(second.status, 200);
    assert_eq!(first.receipt(), second.receipt());
    assert_eq!(first.body["signed_up_at"], second.body["signed_up_at"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_table_is_refused_without_effect() {
    let server = Server::start().await;
    let mut rogue = PgConnection::connect(&server.database.url()).await.unwrap();
    let mut lock = rogue.begin().await.unwrap();
    sqlx::query("LOCK TABLE signups IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let answer = server.sign_up("ann").await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (503, &"unavailable".into())
    );
    lock.rollback().await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM signups")
        .fetch_one(&mut rogue)
        .await
        .unwrap();
    assert_eq!(rows, 0, "a refused signup was stored");
    assert_eq!(server.sign_up("ann").await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_events_have_one_connection_among_them() {
    let server = Server::start().await;
    let before = server.metric(ACQUIRED).await;
    // Each statement takes as long as one may: those who ask meanwhile share the next.
    server.proxy.set(Mode::Hang);
    for answer in server.unknown_events(60).await {
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    let acquired = server.metric(ACQUIRED).await - before;
    assert!(acquired < 20.0, "{acquired} connections for 60 requests");
    server.proxy.set(Mode::Pass);
    heals(&server).await;
    let unknown = server.unknown_events(1).await;
    assert_eq!(unknown[0].status, 404, "{unknown:?}");
}

/// An operator's hand can write what no server would: here a time that no date has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_row_fails_alone() {
    let server = Server::start().await;
    let ann = server.sign_up("ann").await;
    assert_eq!(ann.status, 201);
    let mut operator = PgConnection::connect(&server.database.url()).await.unwrap();
    sqlx::query("UPDATE signups SET signed_up_at = 'infinity'")
        .execute(&mut operator)
        .await
        .unwrap();
    // More often than there are connections: none is lost to it.
    for attempt in 0..20 {
        assert_eq!(server.sign_up("ann").await.status, 500);
        assert_eq!(server.receipt(ann.receipt()).await.status, 500);
        let other = server.sign_up(&format!("other-{attempt}")).await;
        assert_eq!(other.status, 201, "{other:?}");
    }
    server.probe("readyz", 200, EVENTUALLY).await;
}

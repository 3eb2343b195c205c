//! What phase 2 does when its primary fails: refuses signups in time, goes on reading, and heals
//! without a restart.

use crate::server::Server;
use futures::future::join_all;
use signup_testbed::{ANSWERED, EVENTUALLY, Mode};
use sqlx::{Connection, PgConnection};
use std::time::Duration;

/// How often a connection was asked for.
const ACQUIRED: &str = "database_pool_acquire_seconds_count";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_primary_signups_are_refused_and_reads_go_on() {
    let server = Server::start_with(&["--cache", "off"]).await;
    let before = server.sign_up("before").await;
    assert_eq!(before.status, 201);
    server.wait_for_replica(before.receipt()).await;
    server.primary.set(Mode::Cut);
    let mut refused = 0;
    for attempt in 0..10 {
        let answer = server.sign_up(&format!("during-{attempt}")).await;
        assert!(matches!(answer.status, 503 | 504), "{answer:?}");
        assert!(answer.took < ANSWERED, "{answer:?}");
        refused += usize::from(answer.status == 503);
        let receipt = server.receipt(before.receipt()).await;
        assert_eq!((receipt.status, &receipt.served_by[..]), (200, "replica"));
        let event = server.event().await;
        assert_eq!((event.status, &event.body["signups"]), (200, &1.into()));
        assert!(event.took < ANSWERED, "{event:?}");
    }
    assert!(refused >= 9, "{refused}");
    server.probe("livez", 200, Duration::from_millis(500)).await;
    server.probe("readyz", 200, EVENTUALLY).await;
    server.replica.set(Mode::Cut);
    server.probe("readyz", 503, EVENTUALLY).await;
    server.replica.set(Mode::Pass);
    server.primary.set(Mode::Pass);
    server.heals(EVENTUALLY).await;
    server.probe("readyz", 200, EVENTUALLY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_primary_is_answered_in_time_and_nothing_refused_is_stored() {
    let server = Server::start().await;
    // Now the event is known, and the next statement is the signup itself.
    assert_eq!(server.sign_up("before").await.status, 201);
    server.primary.set(Mode::Hang);
    let names: Vec<String> = (0..60).map(|number| format!("hang{number}")).collect();
    let attempts = names.iter().enumerate().map(async |(number, name)| {
        tokio::time::sleep(Duration::from_millis(20 * number as u64)).await;
        server.sign_up(name).await
    });
    let answers = join_all(attempts).await;
    for answer in &answers {
        assert!(matches!(answer.status, 503 | 504), "{answer:?}");
        assert!(answer.took < ANSWERED, "{answer:?}");
    }
    let refused: Vec<&String> = names
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.status == 503)
        .map(|(name, _)| name)
        .collect();
    assert!(refused.len() > 20, "{}", refused.len());
    server.primary.set(Mode::Pass);
    server.heals(EVENTUALLY).await;
    let mut connection = PgConnection::connect(&server.database.url()).await.unwrap();
    let kept: Vec<String> = sqlx::query_scalar("SELECT name FROM signups")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert!(refused.iter().all(|name| !kept.contains(name)), "{kept:?}");
    // Whose outcome was not known repeats, and gets one signup.
    for name in &names {
        let (one, two) = (server.sign_up(name).await, server.sign_up(name).await);
        assert_eq!((one.receipt(), two.status), (two.receipt(), 200));
    }
}

/// The primary commits, and its answers do not arrive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signup_whose_commit_is_not_heard_of_is_not_refused() {
    let server = Server::start().await;
    assert_eq!(server.sign_up("before").await.status, 201);
    server.primary.set(Mode::LoseAnswers);
    let lost = server.sign_up("ann").await;
    assert_eq!(lost.status, 504, "{lost:?}");
    assert!(lost.took < ANSWERED, "{lost:?}");
    server.primary.set(Mode::Pass);
    server.heals(EVENTUALLY).await;
    // It was written, so it repeats.
    assert_eq!(server.sign_up("ann").await.status, 200);
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
async fn connections_that_died_unseen_fail_no_signup() {
    let server = Server::start().await;
    assert_eq!(server.sign_up("before").await.status, 201);
    // The server's connections are ended behind its back, as by a restart of the primary.
    let mut rogue = PgConnection::connect(&server.database.url()).await.unwrap();
    let ended: i64 = sqlx::query_scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE application_name = 'phase2' AND datname = current_database()",
    )
    .fetch_one(&mut rogue)
    .await
    .unwrap();
    assert!(ended > 0);
    assert_eq!(server.sign_up("after").await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_events_have_one_connection_among_them() {
    let server = Server::start().await;
    let before = server.metric(ACQUIRED).await;
    // Each statement takes as long as one may: those who ask meanwhile share the next.
    server.primary.set(Mode::Hang);
    server.replica.set(Mode::Hang);
    for answer in server.unknown_events(60).await {
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    let acquired = server.metric(ACQUIRED).await - before;
    assert!(acquired < 20.0, "{acquired} connections for 60 requests");
    server.primary.set(Mode::Pass);
    server.replica.set(Mode::Pass);
    server.heals(EVENTUALLY).await;
    let unknown = server.unknown_events(1).await;
    assert_eq!(unknown[0].status, 404, "{unknown:?}");
}

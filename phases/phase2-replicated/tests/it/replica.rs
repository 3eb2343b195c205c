//! What phase 2 does when its replica fails or is late: asks the primary, soon and without being
//! told, and never shows a participant less than they know.

use crate::server::{Server, alone, on_replica};
use futures::{StreamExt, stream};
use signup_testbed::{ANSWERED, EVENTUALLY, Mode, TestDatabase};
use std::sync::Arc;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_replica_falls_back_to_the_primary() {
    for fault in [Mode::Cut, Mode::Hang] {
        let server = Server::start_with(&["--cache", "off"]).await;
        let ann = server.sign_up("ann").await;
        server.wait_for_replica(ann.receipt()).await;
        let fallbacks = server.metric("fallbacks_total{from=\"replica\"}").await;
        server.replica.set(fault);
        let first = server.receipt(ann.receipt()).await;
        assert_eq!((first.status, &first.served_by[..]), (200, "primary"));
        assert!(first.took < ANSWERED, "{first:?}");
        // It has been left: it is asked no more.
        let next = server.receipt(ann.receipt()).await;
        assert_eq!((next.status, &next.served_by[..]), (200, "primary"));
        let event = server.event().await;
        assert_eq!((event.status, &event.body["signups"]), (200, &1.into()));
        // Two receipts and a count, each counted once.
        let now = server.metric("fallbacks_total{from=\"replica\"}").await;
        assert_eq!(now - fallbacks, 3.0);
        server.replica.set(Mode::Pass);
        server.wait_for_replica(ann.receipt()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_comes_back_gets_half_its_connections_before_anybody_asks() {
    let server = Server::start_with(&["--cache", "off"]).await;
    let ann = server.sign_up("ann").await;
    server.wait_for_replica(ann.receipt()).await;
    server.replica.set(Mode::Cut);
    // Finds out that its connections are gone.
    assert_eq!(server.receipt(ann.receipt()).await.served_by, "primary");
    server.replica.set(Mode::Pass);
    let limit = "database_pool_connections_limit{pool=\"replica\"}";
    assert_eq!(server.metric(limit).await, 2.0);
    let url = server.database.url_through(server.replica.address());
    let began = Instant::now();
    while signup_testbed::sessions(&url, "phase2").await.is_empty() {
        assert!(began.elapsed() < EVENTUALLY);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The worst case: no cache, and nothing new on the replica for as long as the test takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signed_up_finds_the_receipt_10000_times_with_10_s_of_lag() {
    let _alone = alone().await;
    let server = Server::on(Arc::new(TestDatabase::create().await), &["--cache", "off"]).await;
    let before = server.sign_up("before").await;
    server.wait_for_replica(before.receipt()).await;
    let mut replica = on_replica(&server.database).await;
    let began = Instant::now();
    sqlx::query("SELECT pg_wal_replay_pause()")
        .execute(&mut replica)
        .await
        .unwrap();
    let seen = stream::iter(0..10_000)
        .map(async |number| {
            let name = format!("p{number}");
            let answer = server.sign_up_until_admitted(&name).await;
            assert_eq!(answer.status, 201, "{answer:?}");
            let receipt = server.receipt_until_admitted(answer.receipt()).await;
            (receipt.status, receipt.served_by == "primary")
        })
        .buffer_unordered(64)
        .filter(|seen| std::future::ready(*seen == (200, true)))
        .count()
        .await;
    let count = server.event().await;
    tokio::time::sleep(Duration::from_secs(10).saturating_sub(began.elapsed())).await;
    let lag = server.metric("replica_lag_seconds").await;
    sqlx::query("SELECT pg_wal_replay_resume()")
        .execute(&mut replica)
        .await
        .unwrap();
    assert_eq!(seen, 10_000);
    assert_eq!(count.body["signups"], 10_001, "{count:?}");
    assert!(lag > 4.0, "the lag is not shown: {lag} s");
    server.wait_for_replica(before.receipt()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_is_never_older_than_it_says_nor_than_a_second() {
    let server = Server::start().await;
    let began = Instant::now();
    let mut known = 0;
    // From when on how many had signed up for certain.
    let mut history = Vec::new();
    let mut looked_at = 0;
    while began.elapsed() < Duration::from_secs(4) || looked_at <= 10 {
        assert!(began.elapsed() < EVENTUALLY, "{known}, {looked_at}");
        let asked = OffsetDateTime::now_utc();
        history.push((asked, known));
        let event = server.event().await;
        assert_eq!(event.status, 200, "{event:?}");
        let as_of = event.body["as_of"].as_str().unwrap();
        let as_of = OffsetDateTime::parse(as_of, &Rfc3339).unwrap();
        // By the clock of when it was asked for: the answer may be late on a busy machine.
        assert!(asked - as_of < Duration::from_secs(1), "{as_of} at {asked}");
        let before = history.iter().rev().find(|(since, _)| *since <= as_of);
        if let Some((_, certain)) = before {
            let signups = event.body["signups"].as_u64().unwrap();
            assert!(signups >= *certain, "{signups} of {certain} as of {as_of}");
            looked_at += usize::from(*certain > 0);
        }
        let answer = server.sign_up_until_admitted(&format!("p{known}")).await;
        assert_eq!(answer.status, 201);
        known += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_replica_the_primary_answers() {
    let server = Server::start_with(&["--replica", "off", "--cache", "off"]).await;
    let ann = server.sign_up("ann").await;
    server.replica.set(Mode::Cut);
    let receipt = server.receipt(ann.receipt()).await;
    assert_eq!((receipt.status, &receipt.served_by[..]), (200, "primary"));
    assert_eq!(server.event().await.served_by, "primary");
    assert_eq!(server.metric("fallbacks_total").await, 0.0);
}

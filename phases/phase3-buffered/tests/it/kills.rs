//! A writer that is killed again and again, in the middle of whatever it is doing.

use crate::parts::{Parts, until};
use crate::server::{Gateway, Writer};
use signup_testbed::Mode;
use sqlx::Connection;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// More often than RabbitMQ's own limit of deliveries, 20, after which a message is dropped.
const KILLS: u32 = 25;

/// Signs up four at once, again and again until `enough`; returns who was accepted.
pub(crate) async fn load(gateway: &Gateway, enough: &CancellationToken) -> Vec<String> {
    let mut accepted = Vec::new();
    for round in 0.. {
        if enough.is_cancelled() {
            break;
        }
        let names: Vec<String> = (0..4).map(|number| format!("p-{round}-{number}")).collect();
        gateway.accept_all(&names).await;
        accepted.extend(names);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    accepted
}

/// Starts a writer, waits until it has messages of both shards in hand or behind it, and kills it:
/// by itself, or with its connections reset, so that the queue and the shards learn of it either way.
async fn start_and_kill(parts: &Parts, round: u32) {
    let writer = parts.writer(&[]).await;
    until("it has work in hand", async || {
        let in_hand = writer.metric("writer_signups_in_hand{shard=\"0\"}").await;
        let recorded = writer.metric("signups_total{outcome=\"recorded\"}").await;
        in_hand > 0.0 && recorded > 0.0
    })
    .await;
    // At another point of its work each time.
    tokio::time::sleep(Duration::from_millis(u64::from(round) * 3)).await;
    let Writer { ways, worker } = writer;
    if round.is_multiple_of(2) {
        let all = ways.shards.iter().chain([&ways.queue]);
        all.for_each(|way| way.set(Mode::Cut));
    }
    worker.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_killed_25_times_under_load_loses_duplicates_and_drops_nothing() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    let enough = CancellationToken::new();
    // One shard stands still, so that its messages meet every kill, while the other one works.
    let mut rogue = parts.shard(0).await;
    let patient = "SET idle_in_transaction_session_timeout = 0";
    sqlx::raw_sql(patient).execute(&mut rogue).await.unwrap();
    let mut lock = rogue.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE signups IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let kill = async {
        for round in 0..KILLS {
            start_and_kill(&parts, round).await;
        }
        lock.rollback().await.unwrap();
        enough.cancel();
    };
    let (accepted, ()) = tokio::join!(load(&gateway, &enough), kill);
    assert!(accepted.len() > 200, "{} signups", accepted.len());
    let writer = parts.writer(&[]).await;
    let last = gateway.flush(&parts).await;
    parts.hold_exactly(&[accepted, last].concat()).await;
    let came_again = "queue_redelivered_messages_total{shard=\"0\"}";
    assert!(writer.metric(came_again).await > 0.0, "nothing was in hand");
    assert_eq!(parts.queues.ready(&parts.queues.dead()).await, Some(0));
    for shard in [0, 1] {
        assert_eq!(
            parts.queues.ready(&parts.queues.queue(shard)).await,
            Some(0)
        );
    }
}

//! What a writer does with what a queue may do to it: deliver again, deliver late, and be away. Each
//! participant is one row all the same, and the first to arrive.

use crate::parts::{Parts, names, until};
use crate::server::System;
use futures::future::join_all;
use signup_testbed::{EVENTUALLY, Mode};
use std::time::Duration;
use time::OffsetDateTime;

/// Signups that a writer has in hand.
const IN_HAND: &str = "writer_signups_in_hand";

const REDELIVERED: &str = "queue_redelivered_messages_total";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_delivered_three_times_is_one_row_a_participant() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    let names = names("p", 60);
    for burst in names.chunks(10) {
        gateway.accept_all(burst).await;
    }
    for shard in [0, 1] {
        let queue = parts.queues.queue(shard);
        let messages = parts.queues.take_all(&queue).await;
        assert!(messages.len() > 1, "{} messages", messages.len());
        // All of them three times, in whatever order.
        let thrice = messages.iter().flat_map(|message| [message; 3]);
        join_all(thrice.map(|message| parts.queues.publish(&queue, &message.body))).await;
    }
    let writer = parts.writer(&[]).await;
    let last = gateway.flush(&parts).await;
    parts.hold_exactly(&[names, last].concat()).await;
    until("it says what became of them", async || {
        let recorded = writer.metric("signups_total{outcome=\"recorded\"}").await;
        let repeated = writer.metric("signups_total{outcome=\"repeated\"}").await;
        (recorded, repeated) == (76.0, 120.0)
    })
    .await;
}

/// Fails if one of `names` has signed up at `later` or after.
async fn first_times_are_kept(parts: &Parts, names: &[String], later: OffsetDateTime) {
    for shard in [0, 1] {
        let rows = parts.rows(shard).await.into_iter();
        let late: Vec<_> = rows
            .filter(|(name, at)| names.contains(name) && *at >= later)
            .collect();
        assert!(
            late.is_empty(),
            "shard {shard}, not the first time: {late:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_signups_of_a_participant_in_one_batch_the_first_is_recorded() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    let names = names("p", 40);
    gateway.accept_all(&names).await;
    let later = OffsetDateTime::now_utc();
    gateway.accept_all(&names).await;
    // All of it waits for the writer, and is one batch to it.
    let writer = parts.writer(&[]).await;
    parts.until_recorded(&names).await;
    parts.hold_exactly(&names).await;
    first_times_are_kept(&parts, &names, later).await;
    until("it says what became of them", async || {
        writer.metric("signups_total{outcome=\"repeated\"}").await == 40.0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_acknowledgement_is_lost_is_recorded_once() {
    let system = System::start().await;
    let System {
        gateway,
        writer,
        parts,
        ..
    } = &system;
    // From here on messages arrive, and no acknowledgement does.
    writer.ways.queue.set(Mode::LoseRequests);
    let names = names("p", 40);
    gateway.accept_all(&names).await;
    parts.until_recorded(&names).await;
    writer.ways.queue.set(Mode::Cut);
    writer.probe("readyz", 503, EVENTUALLY).await;
    writer.ways.queue.set(Mode::Pass);
    let last = gateway.flush(parts).await;
    parts.hold_exactly(&[names, last].concat()).await;
    assert!(writer.metric(REDELIVERED).await > 0.0, "nothing came again");
    writer.probe("readyz", 200, EVENTUALLY).await;
    // By now all is acknowledged.
    for shard in [0, 1] {
        assert_eq!(
            parts.queues.ready(&parts.queues.queue(shard)).await,
            Some(0)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_shard_is_dead_the_writer_keeps_its_place_and_then_catches_up_in_order() {
    a_shard_is_away_from_the_writer(Mode::Cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_shard_hangs_the_writer_keeps_its_place_and_then_catches_up_in_order() {
    a_shard_is_away_from_the_writer(Mode::Hang).await;
}

async fn a_shard_is_away_from_the_writer(fault: Mode) {
    let system = System::start().await;
    let System {
        gateway,
        writer,
        parts,
        ..
    } = &system;
    writer.ways.shards[0].set(fault);
    let names = names("p", 40);
    gateway.accept_all(&names).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    // The same participants again, later: what is recorded must be the first time.
    let later = OffsetDateTime::now_utc();
    gateway.accept_all(&names).await;
    until("the writer has work in hand", async || {
        writer.metric(&format!("{IN_HAND}{{shard=\"0\"}}")).await > 0.0
    })
    .await;
    assert!(parts.rows(0).await.is_empty(), "{fault:?}");
    writer.probe("livez", 200, EVENTUALLY).await;
    writer.ways.shards[0].set(Mode::Pass);
    let last = gateway.flush(parts).await;
    parts.hold_exactly(&[names.clone(), last].concat()).await;
    first_times_are_kept(parts, &names, later).await;
    // It tried again by itself: nothing was put back into the queue.
    assert_eq!(writer.metric(REDELIVERED).await, 0.0, "{fault:?}");
}

/// As a shard with a broken disk: no signup is to blame, so none is put aside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_shard_cannot_write_for_its_own_reasons_waits_until_it_can() {
    let system = System::start().await;
    let System {
        gateway,
        writer,
        parts,
        ..
    } = &system;
    let broken = "CREATE SEQUENCE attempts;
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM nextval('attempts');
            RAISE EXCEPTION 'could not write' USING ERRCODE = '58030';
        END $$;
        CREATE TRIGGER fail BEFORE INSERT ON signups EXECUTE FUNCTION fail()";
    parts.execute([broken; 2]).await;
    let names = names("p", 40);
    gateway.accept_all(&names).await;
    for shard in [0, 1] {
        let mut shard = parts.shard(shard).await;
        until("the writer tries again and again", async || {
            let attempts = sqlx::query_scalar("SELECT last_value FROM attempts");
            let attempts: i64 = attempts.fetch_one(&mut shard).await.unwrap();
            attempts >= 4
        })
        .await;
    }
    parts.execute(["DROP TRIGGER fail ON signups"; 2]).await;
    parts.until_recorded(&names).await;
    parts.hold_exactly(&names).await;
    assert_eq!(parts.queues.ready(&parts.queues.dead()).await, Some(0));
    assert_eq!(writer.metric(REDELIVERED).await, 0.0, "it lost its place");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_queue_a_writer_is_not_ready_and_heals() {
    let system = System::start().await;
    let System {
        gateway,
        writer,
        parts,
        ..
    } = &system;
    writer.ways.queue.set(Mode::Cut);
    writer.probe("readyz", 503, EVENTUALLY).await;
    writer.probe("livez", 200, EVENTUALLY).await;
    let names = names("p", 20);
    gateway.accept_all(&names).await;
    writer.ways.queue.set(Mode::Pass);
    parts.until_recorded(&names).await;
    writer.probe("readyz", 200, EVENTUALLY).await;
    parts.hold_exactly(&names).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_writer_waits_until_the_first_is_gone() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    let (first, second) = (parts.writer(&[]).await, parts.writer(&[]).await);
    let (before, after) = (names("before", 20), names("after", 20));
    gateway.accept_all(&before).await;
    parts.until_recorded(&before).await;
    let recorded = "signups_total{outcome=\"recorded\"}";
    assert_eq!(second.metric(recorded).await, 0.0, "both are consuming");
    first.worker.stop().await;
    gateway.accept_all(&after).await;
    parts.until_recorded(&after).await;
    until("it says so", async || second.metric(recorded).await == 20.0).await;
    parts.hold_exactly(&[before, after].concat()).await;
}

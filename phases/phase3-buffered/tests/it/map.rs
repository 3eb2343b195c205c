//! Who owns what is settled before anything is served: a program does not start on shards that do not
//! agree on it, and the list is whole however the map lies.

use crate::parts::Parts;
use crate::server::System;
use signup_conformance::cases::attendance_list;

/// What is done to the shards, and what a program then says.
const DISAGREEMENTS: [([&str; 2], &str); 6] = [
    (
        ["", "UPDATE shard_map SET version = 2"],
        "shard 1 has another map (version 2) than shard 0 (version 1)",
    ),
    (
        ["", "UPDATE shard_map SET owners[256] = 0"],
        "shard 1 has another map",
    ),
    (
        ["UPDATE shard_map SET owners[256] = 2"; 2],
        "the map of shard 0 (version 1) names more than the 2 shards of SHARD_URLS",
    ),
    (
        [
            "UPDATE shard_map SET shard = 1",
            "UPDATE shard_map SET shard = 0",
        ],
        "SHARD_URLS names shard 1 in place 0",
    ),
    (
        ["", "UPDATE shard_map SET shard = 0"],
        "SHARD_URLS names shard 0 in place 1",
    ),
    (
        ["", "UPDATE events SET salt = sha256('another')"],
        "shard 1 has another launch day",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_refuses_to_start_on_shards_that_disagree() {
    let parts = Parts::create().await;
    // Who starts first makes the map and the event.
    parts.writer(&[]).await.worker.stop().await;
    parts
        .execute(["CREATE TABLE map AS TABLE shard_map; CREATE TABLE event AS TABLE events"; 2])
        .await;
    for (statements, says) in DISAGREEMENTS {
        parts.execute(statements).await;
        let gateway = parts.gateway_refusal().await;
        assert!(gateway.contains(says), "{statements:?}: {gateway}");
        let writer = parts.writer_refusal().await;
        assert!(writer.contains(says), "{statements:?}: {writer}");
        parts
            .execute(
                ["UPDATE events SET salt = event.salt FROM event WHERE events.id = event.id;
                  DELETE FROM shard_map; INSERT INTO shard_map TABLE map"; 2],
            )
            .await;
    }
    // It was this, and nothing else.
    parts.gateway(&[]).await;
    parts.writer(&[]).await;
}

/// The list reads one stretch after the other, and the next from the other shard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_whole_and_in_order_when_its_stretches_alternate_between_shards() {
    let parts = Parts::with_map(7, |bucket| bucket / 8 % 2).await;
    let system = System::on(parts).await;
    let target = system.target();
    tokio::try_join!(
        attendance_list::pages_hold_every_signup_exactly_once(target),
        attendance_list::the_export_is_the_whole_list(target),
        attendance_list::signups_between_pages_lose_no_row(target),
    )
    .unwrap();
    for shard in [0, 1] {
        let rows = system.parts.rows(shard).await;
        assert!(rows.len() > 5, "shard {shard} has {} rows", rows.len());
    }
    system.parts.agree_with_themselves().await;
}

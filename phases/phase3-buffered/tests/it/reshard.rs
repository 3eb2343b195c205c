//! Adding shards: nothing is lost, nothing is doubled, and what was begun can be finished.

use crate::parts::{Parts, names};
use crate::server::System;
use clap::Parser;
use phase3_buffered::ReshardConfig;

/// The settings of `phase3-reshard` for all shards of these parts.
fn config(parts: &Parts) -> ReshardConfig {
    let urls: Vec<String> = parts.shards.iter().map(|shard| shard.url()).collect();
    let urls = format!("--shard-urls={}", urls.join(","));
    ReshardConfig::parse_from(["phase3-reshard".to_owned(), urls])
}

/// Parts with this many signups in two shards, and two more shards that are empty.
async fn grown(names: &[String]) -> Parts {
    let system = System::start().await;
    system.gateway.accept_all(names).await;
    system.parts.until_recorded(names).await;
    let mut parts = system.stop().await;
    parts.add_shards(2).await;
    parts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_two_shards_to_four_every_signup_is_where_the_new_map_says() {
    let everybody = names("early", 120);
    let parts = grown(&everybody).await;
    let moved = phase3_buffered::reshard(&config(&parts)).await.unwrap();
    parts.hold_exactly(&everybody).await;
    let mut shares = Vec::new();
    for shard in 0..4 {
        shares.push(parts.rows(shard).await.len() as u64);
    }
    assert_eq!(moved, shares[2] + shares[3], "{shares:?}");
    assert!(shares.iter().all(|share| *share > 10), "{shares:?}");

    // The services take it up from there: the same participants are the same signups.
    let system = System::on(parts).await;
    let late = names("late", 60);
    system.gateway.accept_all(&everybody).await;
    system.gateway.accept_all(&late).await;
    system.parts.until_recorded(&late).await;
    system.parts.hold_exactly(&[everybody, late].concat()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_off_half_way_no_service_starts_and_a_second_run_finishes() {
    let everybody = names("early", 80);
    let parts = grown(&everybody).await;
    phase3_buffered::reshard(&config(&parts)).await.unwrap();
    // As if it had ended after the new shards' maps and before those of the old ones, which still hold
    // what has been copied.
    let first: Vec<i16> = (0..256).map(|bucket| bucket / 128).collect();
    for (old, new) in [(0, 2), (1, 3)] {
        let copies: String =
            sqlx::query_scalar("SELECT coalesce(json_agg(signups), '[]')::text FROM signups")
                .fetch_one(&mut parts.shard(new).await)
                .await
                .unwrap();
        let mut old = parts.shard(old).await;
        sqlx::query(
            "INSERT INTO signups SELECT * FROM json_populate_recordset(NULL::signups, $1::json)",
        )
        .bind(copies)
        .execute(&mut old)
        .await
        .unwrap();
        sqlx::query("UPDATE shard_map SET version = 1, owners = $1")
            .bind(&first)
            .execute(&mut old)
            .await
            .unwrap();
    }
    let refusal = parts.writer_refusal().await;
    assert!(refusal.contains("has another map"), "{refusal}");
    phase3_buffered::reshard(&config(&parts)).await.unwrap();
    parts.hold_exactly(&everybody).await;
}

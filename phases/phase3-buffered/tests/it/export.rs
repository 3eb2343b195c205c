//! The organiser's export, read by somebody who stands still for a while: it is whole all the same, and
//! holds nothing that a signup needs.

use crate::parts::Parts;
use signup_testbed::{EVENTUALLY, Export, Mode};
use std::time::{Duration, Instant};

/// Longer than whatever waits for a database here.
const STILL: Duration = Duration::from_secs(8);

/// Rows of 400 bytes: twice what fits between a server and a reader who takes nothing.
const ROWS: usize = 20_000;

/// Those of each shard: a bucket is the first byte of an id.
const FILL: [&str; 2] = [
    "INSERT INTO signups (event_id, id, email, name, signed_up_at)
     SELECT '00000000-0000-7000-8000-000000000001',
            (substr('01234567', 1 + n % 8, 1) || substr(md5(n::text), 2))::uuid,
            'p' || n || '@example.org', repeat('n', 200), now()
     FROM generate_series(1, 10000) AS n",
    "INSERT INTO signups (event_id, id, email, name, signed_up_at)
     SELECT '00000000-0000-7000-8000-000000000001',
            (substr('89abcdef', 1 + n % 8, 1) || substr(md5(n::text), 2))::uuid,
            'q' || n || '@example.org', repeat('n', 200), now()
     FROM generate_series(1, 10000) AS n",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_whole_whose_reader_stands_still() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    parts.execute(FILL).await;
    let export = Export::begin(&gateway).await;
    let began = Instant::now();
    tokio::time::sleep(STILL).await;
    // Not by the clock of one look: a page may just be on its way to a buffer.
    for shard in parts.shards.iter() {
        let url = shard.url();
        while !signup_testbed::busy_sessions(&url, "phase3")
            .await
            .is_empty()
        {
            assert!(began.elapsed() < EVENTUALLY, "a connection is held");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    // The next page is asked for while the shards are away for a moment.
    gateway
        .ways
        .shards
        .iter()
        .for_each(|shard| shard.set(Mode::Cut));
    let rest = tokio::spawn(export.rest());
    tokio::time::sleep(Duration::from_secs(1)).await;
    gateway
        .ways
        .shards
        .iter()
        .for_each(|shard| shard.set(Mode::Pass));
    assert_eq!(rest.await.unwrap(), ROWS);
}

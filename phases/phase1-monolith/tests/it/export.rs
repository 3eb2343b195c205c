//! The organiser's export, read by somebody who stands still for a while: it is whole all the same, and
//! holds nothing that a signup needs.

use crate::server::Server;
use signup_testbed::{EVENTUALLY, Export, Mode};
use std::time::{Duration, Instant};

/// Longer than whatever waits for a database here.
const STILL: Duration = Duration::from_secs(8);

/// Rows of 400 bytes: twice what fits between a server and a reader who takes nothing.
const ROWS: usize = 20_000;

const FILL: &str = "
    INSERT INTO signups (event_id, id, email, name, signed_up_at)
    SELECT '00000000-0000-7000-8000-000000000001', gen_random_uuid(), 'p' || n || '@example.org',
           repeat('n', 200), now()
    FROM generate_series(1, 20000) AS n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_whole_whose_reader_stands_still() {
    let server = Server::start().await;
    server.database.execute(FILL).await;
    let export = Export::begin(&server).await;
    let began = Instant::now();
    tokio::time::sleep(STILL).await;
    // Not by the clock of one look: a page may just be on its way to a buffer.
    let url = server.database.url();
    while !signup_testbed::busy_sessions(&url, "phase1")
        .await
        .is_empty()
    {
        assert!(began.elapsed() < EVENTUALLY, "a connection is held");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.sign_up("ann").await.status, 201);
    // The next page is asked for while the database is away for a moment.
    server.proxy.set(Mode::Cut);
    let rest = tokio::spawn(export.rest());
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.proxy.set(Mode::Pass);
    // With who signed up meanwhile, or without.
    let rows = rest.await.unwrap();
    assert!((ROWS..=ROWS + 1).contains(&rows), "{rows}");
}

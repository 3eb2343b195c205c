//! An event that is too large to be counted in time: an old count is shown, the page has its form, and
//! nobody who signs up notices.

use crate::server::Server;
use signup_testbed::{ANSWERED, EVENTUALLY};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// 60 more signups, and a table that takes 50 ms a row to read: counting them takes 3 s, a receipt hardly
/// any.
const SLOW: &str = "
    INSERT INTO signups (event_id, id, email, name, signed_up_at)
    SELECT '00000000-0000-7000-8000-000000000001', gen_random_uuid(), 'p' || n, 'p' || n, now()
    FROM generate_series(1, 60) AS n;
    CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql VOLATILE COST 1000000 AS $$
    BEGIN
        PERFORM pg_sleep(0.05);
        RETURN true;
    END $$;
    ALTER TABLE signups RENAME TO signed_up;
    CREATE VIEW signups AS SELECT * FROM signed_up WHERE slow()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_count_is_shown_until_a_new_one_is_there() {
    let server = Server::start().await;
    let ann = server.sign_up("ann").await;
    let began = Instant::now();
    // The replica may be behind for a moment.
    while server.event().await.body["signups"] != 1 {
        assert!(began.elapsed() < EVENTUALLY, "never counted");
        sleep(Duration::from_millis(50)).await;
    }
    server.database.execute(SLOW).await;
    let began = Instant::now();
    let mut old = 0;
    for number in 0.. {
        let event = server.event().await;
        assert_eq!(event.status, 200, "{event:?}");
        assert!(event.took < ANSWERED, "{event:?}");
        if event.body["signups"] != 1 {
            break;
        }
        old += 1;
        assert!(began.elapsed() < EVENTUALLY, "never counted: {event:?}");
        // Meanwhile the others are served. Few of them: each makes the count 50 ms longer, and where this
        // went round often it was never done.
        if number < 10 {
            let signup = server.sign_up(&format!("during-{number}")).await;
            assert_eq!(signup.status, 201, "{signup:?}");
        }
        let receipt = server.receipt(ann.receipt()).await;
        assert_eq!(receipt.status, 200, "{receipt:?}");
        assert!(receipt.took < ANSWERED, "{receipt:?}");
    }
    assert!(old > 0, "it was counted in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_whose_count_is_not_known_yet_has_its_form() {
    let server = Server::start().await;
    server.database.execute(SLOW).await;
    let event = server.event().await;
    assert_eq!((event.status, &event.retry_after[..]), (503, "1"));
    let (status, page) = server.page().await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("<form id=\"signup\""), "{page}");
    assert!(page.contains("id=\"counted\" hidden"), "{page}");
    // It was counted on, though nobody waited.
    let began = Instant::now();
    while server.event().await.status != 200 {
        assert!(began.elapsed() < EVENTUALLY, "never counted");
    }
    let (status, page) = server.page().await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("<strong id=\"count\">60<"), "{page}");
}

/// The receipts' replica is not left alone for a count that failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_is_late_costs_no_receipt_its_replica() {
    let server = Server::start_with(&["--cache", "off"]).await;
    let ann = server.sign_up("ann").await;
    server.database.execute(SLOW).await;
    server.wait_for_replica(ann.receipt()).await;
    let mut on_replica = 0;
    for _ in 0..5 {
        let event = server.event().await;
        // Without a cache there is no last count.
        assert_eq!((event.status, &event.retry_after[..]), (503, "1"));
        let receipt = server.receipt(ann.receipt()).await;
        assert_eq!(receipt.status, 200, "{receipt:?}");
        on_replica += usize::from(receipt.served_by == "replica");
    }
    // More than one, so that this busy machine may stand still for a moment.
    assert!(on_replica > 0, "the replica was left alone");
}

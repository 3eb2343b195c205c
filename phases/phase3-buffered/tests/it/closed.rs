//! What a repeat is told after its event has closed: only the shard that owns the signup knows.

use crate::parts::{Parts, until};
use signup_testbed::{ANSWERED, Mode};

/// From now on the event is closed to whoever has not read it yet.
const CLOSED: &str = "UPDATE events SET closes_at = now() - interval '1 hour'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_end_a_repeat_gets_its_receipt_once_it_is_recorded() {
    let parts = Parts::create().await;
    let open = parts.gateway(&[]).await;
    let ann = open.sign_up("ann").await;
    assert_eq!(ann.status, 202);
    parts.execute([CLOSED; 2]).await;
    let closed = parts.gateway(&[]).await;
    // It waits in the queue: nobody but its receipt tells it from none.
    let early = closed.sign_up("ann").await;
    assert_eq!(
        (early.status, &early.body["code"]),
        (409, &"event_closed".into())
    );
    let receipt = closed.receipt(ann.receipt()).await;
    assert_eq!(receipt.body["status"], "accepted");
    let _writer = parts.writer(&[]).await;
    until("the repeat is told", async || {
        closed.sign_up("ann").await.status == 200
    })
    .await;
    let again = closed.sign_up("ann").await;
    assert_eq!(
        (again.receipt(), &again.body["status"]),
        (ann.receipt(), &"recorded".into())
    );
    assert_eq!(again.body["signed_up_at"], ann.body["signed_up_at"]);
    assert_eq!(closed.sign_up("bob").await.status, 409);
    parts.hold_exactly(&["ann"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_end_nothing_is_said_for_a_shard_that_does_not_answer() {
    let parts = Parts::create().await;
    parts.gateway(&[]).await.service.stop.cancel();
    parts.execute([CLOSED; 2]).await;
    let gateway = parts.gateway(&[]).await;
    assert_eq!(gateway.sign_up("ann").await.status, 409);
    for fault in [Mode::Cut, Mode::Hang] {
        gateway
            .ways
            .shards
            .iter()
            .for_each(|shard| shard.set(fault));
        let unknown = gateway.sign_up("ann").await;
        assert_eq!((unknown.status, &unknown.retry_after[..]), (503, "1"));
        assert!(unknown.took < ANSWERED, "{unknown:?}");
    }
    gateway
        .ways
        .shards
        .iter()
        .for_each(|shard| shard.set(Mode::Pass));
    until("it is told", async || {
        gateway.sign_up("ann").await.status == 409
    })
    .await;
}

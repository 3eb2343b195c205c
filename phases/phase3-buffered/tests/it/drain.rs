//! Both programs finish what they have begun when they are asked to stop.

use crate::parts::{Parts, names, until};
use signup_testbed::Mode;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_gateway_answers_what_it_has_begun() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    assert_eq!(gateway.sign_up("before").await.status, 202);
    gateway
        .ways
        .queue
        .set(Mode::Delay(Duration::from_millis(150)));
    let names = names("p", 16);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        gateway.stop.cancel();
    };
    let (answers, ()) = tokio::join!(gateway.sign_up_all(&names), stop);
    let failed = answers.iter().find(|answer| answer.status != 202);
    assert!(failed.is_none(), "{failed:?}");
    gateway.service.stopped().await;
    let _writer = parts.writer(&[]).await;
    let all = [names, vec!["before".into()]].concat();
    parts.until_recorded(&all).await;
    parts.hold_exactly(&all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_writer_finishes_what_it_has_begun() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    let writer = parts.writer(&[]).await;
    for shard in &writer.ways.shards {
        shard.set(Mode::Delay(Duration::from_millis(200)));
    }
    assert_eq!(gateway.sign_up("ann").await.status, 202);
    until("the writer has it in hand", async || {
        writer.metric("writer_signups_in_hand").await > 0.0
    })
    .await;
    writer.worker.stop().await;
    parts.hold_exactly(&["ann"]).await;
    // Acknowledged too: nothing is left for the next writer.
    for shard in [0, 1] {
        assert_eq!(
            parts.queues.ready(&parts.queues.queue(shard)).await,
            Some(0)
        );
    }
}

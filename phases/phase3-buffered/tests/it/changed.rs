//! What phase 3 does when its shards are changed under it: a column gets another type, or a shard is
//! demoted. Signups go on where there is a queue; it loses nothing, and needs no restart.

use crate::parts::{Parts, names, until};
use crate::server::{Gateway, System};
use futures::future::join_all;
use signup_testbed::{ANSWERED, Answered, EVENTUALLY};
use std::time::Instant;

/// Signs all of them up, until it is known of each what became of it.
async fn outcomes(gateway: &Gateway, names: &[String]) -> Vec<Answered> {
    let outcome = async |name: &String| {
        let began = Instant::now();
        loop {
            let answer = gateway.sign_up(name).await;
            assert!(answer.took < ANSWERED, "{answer:?}");
            // A session that was ended under it: not known.
            if answer.status != 504 {
                return answer;
            }
            assert!(began.elapsed() < EVENTUALLY, "{answer:?}");
        }
    };
    join_all(names.iter().map(outcome)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_that_gets_another_type_fails_no_request() {
    let system = System::start().await;
    let System { gateway, parts, .. } = &system;
    let before = names("before", 16);
    let signups = gateway.sign_up_all(&before).await;
    parts.until_recorded(&before).await;
    // As often as every session prepares its statements.
    let read = async || {
        let receipts = signups.iter().cycle().take(48);
        let receipts = receipts.map(|signup| gateway.receipt(signup.receipt()));
        let (receipts, list) = tokio::join!(join_all(receipts), gateway.list());
        let receipts = receipts.into_iter();
        let recorded = receipts.inspect(|receipt| assert_eq!(receipt.body["status"], "recorded"));
        recorded
            .chain([list, gateway.event().await])
            .collect::<Vec<_>>()
    };
    assert!(read().await.iter().all(|answer| answer.status == 200));
    let changed = "ALTER TABLE signups ALTER COLUMN name TYPE varchar(400);
         ALTER TABLE signups ALTER COLUMN email TYPE varchar(400)";
    parts.execute([changed; 2]).await;
    for answer in read().await {
        // 503 is for a machine too busy to answer in time.
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
    }
    let after = names("after", 16);
    gateway.accept_all(&after).await;
    let all = [before, after].concat();
    parts.until_recorded(&all).await;
    parts.hold_exactly(&all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_demoted_shard_does_not_take_waits_in_the_queue() {
    let system = System::start().await;
    let System { gateway, parts, .. } = &system;
    let (before, during) = (names("before", 16), names("during", 40));
    gateway.accept_all(&before).await;
    parts.until_recorded(&before).await;
    let there_before = parts.rows(0).await;
    parts.shards[0].demote().await;
    gateway.accept_all(&during).await;
    until("the other shard records its own", async || {
        let recorded = parts.rows(1).await;
        recorded.iter().any(|(name, _)| during.contains(name))
    })
    .await;
    gateway.probe("readyz", 200, EVENTUALLY).await;
    assert_eq!(parts.rows(0).await, there_before);
    parts.shards[0].promote().await;
    let all = [before, during].concat();
    parts.until_recorded(&all).await;
    parts.hold_exactly(&all).await;
    // No signup was to blame.
    assert_eq!(parts.queues.ready(&parts.queues.dead()).await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_queue_a_demoted_shard_is_refused_without_effect_and_healed_at_once() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&["--queue=off"]).await;
    let names = names("p", 40);
    parts.shards[0].demote().await;
    let answers = outcomes(&gateway, &names).await;
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 503)
        .collect();
    assert!(
        refused.iter().all(|answer| answer.retry_after == "1"),
        "{refused:?}"
    );
    // Those of the other shard.
    let recorded = parts.rows(1).await.len();
    assert_eq!((refused.len(), recorded > 0), (40 - recorded, true));
    assert!(parts.rows(0).await.is_empty(), "what was refused is there");
    gateway.probe("readyz", 200, EVENTUALLY).await;
    parts.shards[1].demote().await;
    gateway.probe("readyz", 503, EVENTUALLY).await;
    join_all(parts.shards.iter().map(|shard| shard.promote())).await;
    gateway.probe("readyz", 200, EVENTUALLY).await;
    until("all are recorded", async || {
        let answers = outcomes(&gateway, &names).await;
        answers.iter().all(|answer| answer.status < 300)
    })
    .await;
    parts.hold_exactly(&names).await;
}

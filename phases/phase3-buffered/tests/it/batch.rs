//! Messages of many signups: what arrives together travels together, each participant is one row, and
//! without a queue the same batches go straight into the shards.

use crate::parts::{Parts, names};
use crate::server::Gateway;
use futures::future::join_all;
use signup_testbed::{Answered, Mode};
use std::collections::HashSet;
use std::time::Duration;

/// A gateway without a queue.
const OFF: [&str; 1] = ["--queue=off"];

/// Signs all of them up at once, each until it is not refused.
async fn all_admitted(gateway: &Gateway, names: &[String]) -> Vec<Answered> {
    let answers = names.iter();
    join_all(answers.map(|name| gateway.sign_up_until_admitted(name))).await
}

fn receipts(answers: &[Answered]) -> HashSet<&str> {
    answers.iter().map(Answered::receipt).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrives_together_is_one_message() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    // Slow, so that they have to wait for each other's confirms.
    let slow = Mode::Delay(Duration::from_millis(50));
    gateway.ways.queue.set(slow);
    let names = names("p", 200);
    gateway.accept_all(&names).await;
    let signups = gateway.metric("queue_message_signups_sum").await;
    let messages = gateway.metric("queue_message_signups_count").await;
    assert!(signups >= 200.0, "{signups}");
    assert!(
        messages < 100.0,
        "{messages} messages for {signups} signups"
    );
    let mut waiting = 0;
    for shard in [0, 1] {
        let ready = parts.queues.ready(&parts.queues.queue(shard)).await;
        waiting += ready.unwrap();
    }
    assert_eq!(f64::from(waiting), messages);
    let _writer = parts.writer(&[]).await;
    parts.until_recorded(&names).await;
    parts.hold_exactly(&names).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_participant_many_times_over_two_gateways_is_one_row_and_one_receipt() {
    let parts = Parts::create().await;
    let (one, other) = tokio::join!(parts.gateway(&[]), parts.gateway(&[]));
    let ann = vec!["ann".to_owned(); 50];
    let (mut answers, others) = tokio::join!(one.sign_up_all(&ann), other.sign_up_all(&ann));
    answers.extend(others);
    assert!(
        answers.iter().all(|answer| answer.status == 202),
        "{answers:?}"
    );
    assert_eq!(receipts(&answers).len(), 1);
    let _writer = parts.writer(&[]).await;
    let mut kept = one.flush(&parts).await;
    kept.push("ann".into());
    parts.hold_exactly(&kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_queue_a_signup_is_recorded_at_once_and_a_repeat_gets_its_first_time() {
    let parts = Parts::without_queues().await;
    let gateway = parts.gateway(&OFF).await;
    let first = gateway.sign_up("ann").await;
    assert_eq!(
        (first.status, &first.body["status"]),
        (201, &"recorded".into())
    );
    tokio::time::sleep(Duration::from_millis(20)).await;
    let again = gateway.sign_up("ann").await;
    assert_eq!(again.status, 200);
    assert_eq!(again.body, first.body);
    let receipt = gateway.receipt(first.receipt()).await;
    assert_eq!(receipt.body["status"], "recorded");
    // Slow, so that they form batches.
    for shard in &gateway.ways.shards {
        shard.set(Mode::Delay(Duration::from_millis(20)));
    }
    let answers = gateway.sign_up_all(&vec!["bob".into(); 50]).await;
    let new = answers.iter().filter(|answer| answer.status == 201).count();
    let known = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((new, known), (1, 49), "{answers:?}");
    assert_eq!(receipts(&answers).len(), 1);
    let times: HashSet<String> = answers
        .iter()
        .map(|answer| answer.body["signed_up_at"].to_string())
        .collect();
    assert_eq!(times.len(), 1, "{times:?}");
    parts.hold_exactly(&["ann", "bob"]).await;
    assert_eq!(parts.queues.ready(&parts.queues.queue(0)).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_queue_a_bad_row_fails_alone() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&OFF).await;
    parts
        .execute(["ALTER TABLE signups ADD CHECK (name NOT LIKE 'bad%')"; 2])
        .await;
    let mut names = names("good", 64);
    let good = names.clone();
    names.insert(17, "bad-1".into());
    names.insert(40, "bad-2".into());
    // Slow, so that they form batches.
    for shard in &gateway.ways.shards {
        shard.set(Mode::Delay(Duration::from_millis(20)));
    }
    let answers = all_admitted(&gateway, &names).await;
    for (name, answer) in names.iter().zip(&answers) {
        let expected = if good.contains(name) { 201 } else { 500 };
        assert_eq!(answer.status, expected, "{name}: {answer:?}");
    }
    // Some statements were written again in halves; without that, this shows nothing.
    let batches = gateway.metric("queue_message_signups_count").await;
    assert!(batches < 40.0, "{batches} batches for 66 signups");
    parts.hold_exactly(&good).await;
}

/// An operator's hand can write what no writer would: here a time that no date has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_queue_an_unreadable_row_fails_alone() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&OFF).await;
    assert_eq!(gateway.sign_up("ann").await.status, 201);
    parts
        .execute(["UPDATE signups SET signed_up_at = 'infinity'"; 2])
        .await;
    // Slow, so that they form batches.
    for shard in &gateway.ways.shards {
        shard.set(Mode::Delay(Duration::from_millis(20)));
    }
    let mut participants = names("other", 40);
    participants.insert(20, "ann".into());
    let answers = all_admitted(&gateway, &participants).await;
    for (participant, answer) in participants.iter().zip(&answers) {
        let expected = if participant == "ann" { 500 } else { 201 };
        assert_eq!(answer.status, expected, "{participant}: {answer:?}");
    }
    let after = gateway.sign_up_until_admitted("after").await;
    assert_eq!(after.status, 201, "{after:?}");
}

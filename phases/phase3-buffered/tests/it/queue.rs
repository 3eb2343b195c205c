//! What a gateway does when its queue fails: never says 202 for what may be lost, never 503 for what
//! may be kept, and heals without a restart.

use crate::parts::{Parts, names};
use crate::server::{Gateway, System};
use futures::future::join_all;
use signup_testbed::{ANSWERED, Answered, EVENTUALLY, Mode};
use std::time::Duration;

/// The names that were answered so.
fn answered(names: &[String], answers: &[Answered], status: u16) -> Vec<String> {
    names
        .iter()
        .zip(answers)
        .filter(|(_, answer)| answer.status == status)
        .map(|(name, _)| name.clone())
        .collect()
}

/// Signs `names` up, one each 20 ms, whatever becomes of those before.
async fn sign_up_steadily(gateway: &Gateway, names: &[String]) -> Vec<Answered> {
    let every = Duration::from_millis(20);
    let attempts = (0u32..).zip(names).map(async |(number, name)| {
        tokio::time::sleep(every * number).await;
        gateway.sign_up(name).await
    });
    join_all(attempts).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_queue_signups_are_refused_and_reads_go_on() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    let before = gateway.sign_up("before").await;
    assert_eq!(before.status, 202);
    gateway.ways.queue.set(Mode::Cut);
    let tried = names("during", 10);
    let mut answers = Vec::new();
    for name in &tried {
        let answer = gateway.sign_up(name).await;
        assert!(answer.took < ANSWERED, "{answer:?}");
        assert_eq!(
            answer.status == 503,
            answer.retry_after == "1",
            "{answer:?}"
        );
        answers.push(answer);
        let receipt = gateway.receipt(before.receipt()).await;
        assert_eq!(
            (receipt.status, &receipt.body["status"]),
            (200, &"accepted".into())
        );
        let event = gateway.event().await;
        assert_eq!((event.status, &event.body["signups"]), (200, &0.into()));
    }
    let (refused, unknown) = (
        answered(&tried, &answers, 503),
        answered(&tried, &answers, 504),
    );
    // The first may have been on its way when the connection broke.
    assert!(refused.len() >= 9, "{answers:?}");
    assert_eq!(refused.len() + unknown.len(), 10, "{answers:?}");
    gateway.ways.queue.set(Mode::Pass);
    gateway.heals().await;
    let _writer = parts.writer(&[]).await;
    let mut kept = gateway.flush(&parts).await;
    kept.extend(["before".into(), "after-the-fault".into()]);
    // Nobody knows of this one; of the refused there must be none.
    let recorded = parts.recorded().await.into_iter();
    kept.extend(recorded.filter(|name| unknown.contains(name)));
    parts.hold_exactly(&kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_queue_leaves_open_what_was_sent_and_nothing_else() {
    no_confirm_comes(Mode::Hang).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_confirms_leave_open_what_was_sent_and_nothing_else() {
    no_confirm_comes(Mode::LoseAnswers).await;
}

async fn no_confirm_comes(fault: Mode) {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    assert_eq!(gateway.sign_up("before").await.status, 202);
    gateway.ways.queue.set(fault);
    let during = names("during", 60);
    let answers = sign_up_steadily(&gateway, &during).await;
    for answer in &answers {
        assert!(matches!(answer.status, 503 | 504), "{fault:?}: {answer:?}");
        assert!(answer.took < ANSWERED, "{fault:?}: {answer:?}");
    }
    // A message on each of four lanes to each of two shards, and the one before: no more is sent.
    let unknown = answered(&during, &answers, 504);
    assert!(unknown.len() >= 8, "{fault:?}: {unknown:?}");
    for answer in sign_up_steadily(&gateway, &names("behind", 10)).await {
        assert_eq!(answer.status, 503, "{fault:?}: {answer:?}");
    }
    assert_eq!(gateway.metric("queue_message_signups_count").await, 9.0);
    gateway.ways.queue.set(Mode::Pass);
    gateway.heals().await;
    let _writer = parts.writer(&[]).await;
    let mut kept = gateway.flush(&parts).await;
    kept.extend(["before".into(), "after-the-fault".into()]);
    if fault == Mode::LoseAnswers {
        kept.extend(unknown.clone());
    }
    parts.hold_exactly(&kept).await;
    // Whose outcome was not known repeats, and has one signup.
    gateway.accept_all(&unknown).await;
    parts.until_recorded(&unknown).await;
    kept.extend(unknown);
    kept.sort();
    kept.dedup();
    parts.hold_exactly(&kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_queue_is_refused_and_declared_again() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    for shard in [0, 1] {
        parts.queues.delete(&parts.queues.queue(shard)).await;
    }
    let first = gateway.sign_up("first").await;
    assert_eq!(first.status, 503, "{first:?}");
    assert!(first.took < ANSWERED, "{first:?}");
    // A gateway may declare none; the writer does.
    let _writer = parts.writer(&[]).await;
    gateway.heals().await;
    let mut kept = gateway.flush(&parts).await;
    kept.push("after-the-fault".into());
    parts.hold_exactly(&kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_deleted_under_a_writer_loses_nothing_that_is_accepted_after_it() {
    let system = System::start().await;
    let System {
        gateway,
        writer,
        parts,
        ..
    } = &system;
    for shard in [0, 1] {
        parts.queues.delete(&parts.queues.queue(shard)).await;
    }
    // Both notice; the writer declares it again.
    let names = names("p", 40);
    let answers = sign_up_steadily(gateway, &names).await;
    for answer in &answers {
        assert!(matches!(answer.status, 202 | 503), "{answer:?}");
    }
    gateway.heals().await;
    let mut kept = gateway.flush(parts).await;
    kept.extend(answered(&names, &answers, 202));
    kept.push("after-the-fault".into());
    parts.hold_exactly(&kept).await;
    writer.probe("readyz", 200, EVENTUALLY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_and_what_it_accepted_is_recorded() {
    let small = ["--queue-max-messages=3"];
    let parts = Parts::without_queues().await;
    parts.declare(&small).await;
    let gateway = parts.gateway(&[]).await;
    let (mut tried, mut answers) = (Vec::new(), Vec::new());
    let mut full = 0;
    // Until each queue has been found full more than once.
    while full < 4 {
        let name = format!("p-{:03}", tried.len());
        let answer = gateway.sign_up(&name).await;
        assert!(matches!(answer.status, 202 | 503 | 504), "{answer:?}");
        assert!(answer.took < ANSWERED, "{answer:?}");
        full += usize::from(answer.status == 504);
        assert_eq!(
            answer.status == 503,
            answer.retry_after == "1",
            "{answer:?}"
        );
        tried.push(name);
        answers.push(answer);
        assert!(tried.len() < 1_000, "it is never full");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (accepted, refused) = (
        answered(&tried, &answers, 202),
        answered(&tried, &answers, 503),
    );
    assert!(accepted.len() >= 6, "{accepted:?}");
    assert!(!refused.is_empty(), "it asked each time");
    let _writer = parts.writer(&small).await;
    parts.until_recorded(&accepted).await;
    gateway.heals().await;
    let recorded = parts.recorded().await;
    let wrong: Vec<_> = recorded
        .iter()
        .filter(|name| refused.contains(name))
        .collect();
    assert!(wrong.is_empty(), "refused, and recorded: {wrong:?}");
    parts.agree_with_themselves().await;
}

//! What phase 3 does while a shard is away: goes on accepting, says what it knows, and records it all
//! when the shard is back.

use crate::parts::{Parts, names, until};
use crate::server::System;
use futures::future::join_all;
use signup_testbed::{ANSWERED, Answered, Mode};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A count is shown for so long, with some room.
const STALE: Duration = Duration::from_millis(600);

fn as_of(event: &Answered) -> OffsetDateTime {
    let text = event.body["as_of"].as_str().unwrap();
    OffsetDateTime::parse(text, &Rfc3339).unwrap()
}

/// How often a connection was asked for.
const ACQUIRED: &str = "database_pool_acquire_seconds_count";

/// Fails unless the receipts of all that are not recorded say `accepted`, and of the others `recorded`.
async fn receipts_say_what_is_so(system: &System, answers: &[(String, Answered)]) {
    let receipts = answers.iter().map(async |(name, answer)| {
        let receipt = system.gateway.receipt(answer.receipt()).await;
        (name, receipt)
    });
    let receipts = join_all(receipts).await;
    // After: what was recorded meanwhile may have been `accepted` before.
    let recorded = system.parts.recorded().await;
    for (name, receipt) in receipts {
        assert_eq!(receipt.status, 200, "{receipt:?}");
        assert!(receipt.took < ANSWERED, "{receipt:?}");
        if !recorded.contains(name) {
            assert_eq!(receipt.body["status"], "accepted", "{receipt:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signups_are_accepted_while_a_shard_is_dead_and_recorded_when_it_is_back() {
    a_shard_is_away_for_a_while(Mode::Cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signups_are_accepted_while_a_shard_hangs_and_recorded_when_it_goes_on() {
    a_shard_is_away_for_a_while(Mode::Hang).await;
}

async fn a_shard_is_away_for_a_while(fault: Mode) {
    let system = System::start().await;
    let (before, during) = (names("before", 16), names("during", 40));
    system.gateway.accept_all(&before).await;
    system.parts.until_recorded(&before).await;
    let there_before = system.parts.rows(0).await;
    system.set_shard(0, fault);
    let answers = system.gateway.sign_up_all(&during).await;
    for answer in &answers {
        assert_eq!(answer.status, 202, "{fault:?}: {answer:?}");
        assert!(answer.took < ANSWERED, "{fault:?}: {answer:?}");
    }
    let answers: Vec<_> = during.iter().cloned().zip(answers).collect();
    // The other shard's are recorded, these are not.
    until("the other shard records its own", async || {
        let recorded = system.parts.rows(1).await;
        recorded.iter().any(|(name, _)| during.contains(name))
    })
    .await;
    receipts_say_what_is_so(&system, &answers).await;
    assert_eq!(system.parts.rows(0).await, there_before, "{fault:?}");
    system.set_shard(0, Mode::Pass);
    let all = [before, during].concat();
    system.parts.until_recorded(&all).await;
    system.parts.hold_exactly(&all).await;
    until("all receipts say `recorded`", async || {
        let checked = answers
            .iter()
            .map(|(_, answer)| system.gateway.receipt(answer.receipt()));
        let checked = join_all(checked).await;
        checked
            .iter()
            .all(|receipt| receipt.body["status"] == "recorded")
    })
    .await;
    until("the count is right", async || {
        system.gateway.event().await.body["signups"] == all.len()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_shard_is_away_the_count_is_the_last_known_and_says_how_old_it_is() {
    let system = System::start().await;
    let before = names("before", 16);
    system.gateway.accept_all(&before).await;
    system.parts.until_recorded(&before).await;
    tokio::time::sleep(STALE).await;
    let asked = OffsetDateTime::now_utc();
    let known = system.gateway.event().await;
    assert_eq!(known.body["signups"], before.len());
    assert!(as_of(&known) >= asked, "{known:?} at {asked}");
    for fault in [Mode::Cut, Mode::Hang] {
        system.set_shard(1, fault);
        // Those of the shard that is there are recorded, but a part is not a count.
        system.gateway.accept_all(&names("during", 16)).await;
        tokio::time::sleep(STALE).await;
        let shown = system.gateway.event().await;
        assert_eq!(shown.status, 200, "{fault:?}");
        assert!(shown.took < ANSWERED, "{shown:?}");
        assert_eq!(shown.body, known.body, "{fault:?}");
        assert_eq!((&shown.served_by[..], &shown.cache[..]), ("cache", "HIT"));
        assert!(
            system
                .gateway
                .metric("fallbacks_total{from=\"shard\"}")
                .await
                > 0.0
        );
    }
    system.set_shard(1, Mode::Pass);
    let back = OffsetDateTime::now_utc();
    until("the count moves on", async || {
        let event = system.gateway.event().await;
        event.body["signups"] == 32 && as_of(&event) > back
    })
    .await;
    system.parts.agree_with_themselves().await;
}

/// Who has never counted cannot say what is known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_was_never_known_is_not_made_up() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    gateway.ways.shards[0].set(Mode::Cut);
    let event = gateway.event().await;
    assert_eq!(event.status, 503, "{event:?}");
    assert_eq!(event.retry_after, "1");
    // The event itself is known, from the other shard.
    assert_eq!(gateway.sign_up("ann").await.status, 202);
    gateway.ways.shards[0].set(Mode::Pass);
    until("the count is there", async || {
        gateway.event().await.status == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_says_which_part_served_it() {
    let system = System::start().await;
    let ann = system.gateway.sign_up("ann").await;
    let accepted = system.gateway.receipt(ann.receipt()).await;
    assert_eq!(
        (&accepted.served_by[..], &accepted.cache[..]),
        ("shard", "BYPASS")
    );
    system.parts.until_recorded(&["ann"]).await;
    let recorded = system.gateway.receipt(ann.receipt()).await;
    assert_eq!(recorded.body["status"], "recorded");
    assert_eq!(
        (&recorded.served_by[..], &recorded.cache[..]),
        ("shard", "BYPASS")
    );
    let counted = system.gateway.event().await;
    assert_eq!(
        (&counted.served_by[..], &counted.cache[..]),
        ("shard", "MISS")
    );
    // Many at once, so that at least one comes before it is too old, however slow the machine is.
    let shown = join_all((0..20).map(|_| system.gateway.event())).await;
    let hits: Vec<_> = shown.iter().filter(|event| event.cache == "HIT").collect();
    assert!(!hits.is_empty(), "{shown:?}");
    assert!(
        hits.iter().all(|event| event.served_by == "cache"),
        "{hits:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_events_have_one_connection_among_them() {
    let system = System::start().await;
    let before = system.gateway.metric(ACQUIRED).await;
    // Each statement takes as long as one may: those who ask meanwhile share the next.
    for shard in 0..2 {
        system.set_shard(shard, Mode::Hang);
    }
    for answer in system.gateway.unknown_events(60).await {
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    let acquired = system.gateway.metric(ACQUIRED).await - before;
    assert!(acquired < 20.0, "{acquired} connections for 60 requests");
    for shard in 0..2 {
        system.set_shard(shard, Mode::Pass);
    }
    until("a shard answers", async || {
        system.gateway.unknown_events(1).await[0].status == 404
    })
    .await;
}

//! Starting while a part is away: probes answer from the first moment, the stop is obeyed at any moment, and
//! what needs no more than what is there works.

use crate::parts::{Parts, names, until};
use crate::server::{Gateway, Ways};
use serde_json::json;
use signup_testbed::{ANSWERED, EVENTUALLY, Mode, ORGANISER_TOKEN};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Parts that a gateway and a writer have used before.
async fn used() -> Parts {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    gateway.stop.cancel();
    ends(gateway).await.unwrap();
    parts
}

/// Ways to these parts, with some shards away.
async fn without(parts: &Parts, shards: &[usize], fault: Mode) -> Ways {
    let ways = Ways::to(parts).await;
    for shard in shards {
        ways.shards[*shard].set(fault);
    }
    ways
}

async fn ends(gateway: Gateway) -> anyhow::Result<()> {
    let ended = tokio::time::timeout(EVENTUALLY, gateway.service.serving).await;
    ended.unwrap().unwrap()
}

/// The status of an organiser's request.
async fn organiser(request: reqwest::RequestBuilder) -> u16 {
    let answer = request.bearer_auth(ORGANISER_TOKEN).send().await.unwrap();
    answer.status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_started_while_a_shard_is_dead_accepts_and_what_needs_the_shard_is_503() {
    started_without_a_shard(Mode::Cut, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_started_while_a_shard_hangs_accepts_and_what_needs_the_shard_is_503() {
    started_without_a_shard(Mode::Hang, 1).await;
}

async fn started_without_a_shard(fault: Mode, away: usize) {
    let parts = used().await;
    let ways = without(&parts, &[away], fault).await;
    let mut gateway = parts.starting_gateway(ways, &[]).await;
    gateway.probe("livez", 200, EVENTUALLY).await;
    gateway.service.ready().await;
    // Of both shards.
    let everybody = names("p", 40);
    let answers = gateway.sign_up_all(&everybody).await;
    for answer in &answers {
        assert_eq!(answer.status, 202, "{fault:?}: {answer:?}");
        let receipt = gateway.receipt(answer.receipt()).await;
        assert_eq!(receipt.body["status"], "accepted", "{receipt:?}");
    }
    let count = gateway.event().await;
    assert_eq!(
        (count.status, &count.retry_after[..]),
        (503, "1"),
        "{count:?}"
    );
    let client = reqwest::Client::new();
    let list = format!(
        "{}/v1/events/00000000-0000-7000-8000-000000000001/signups",
        gateway.url
    );
    assert_eq!(organiser(client.get(list)).await, 503);
    let create = client.post(format!("{}/v1/events", gateway.url));
    let create = || create.try_clone().unwrap().json(&json!({"name": "Later"}));
    assert_eq!(organiser(create()).await, 503);
    let there = parts.shard(1 - away).await;
    assert_eq!(events(there).await, 1, "a refused event was stored");

    gateway.ways.shards[away].set(Mode::Pass);
    until("the shard is used", async || {
        gateway.event().await.status == 200
    })
    .await;
    assert_eq!(organiser(create()).await, 201);
    let _writer = parts.writer(&[]).await;
    parts.until_recorded(&everybody).await;
    parts.hold_exactly(&everybody).await;
}

async fn events(mut shard: sqlx::PgConnection) -> i64 {
    let events = sqlx::query_scalar("SELECT count(*) FROM events");
    events.fetch_one(&mut shard).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_without_any_shard_or_queue_answers_refuses_and_obeys_its_stop() {
    let parts = used().await;
    for (fault, with_queue) in [(Mode::Cut, true), (Mode::Hang, true), (Mode::Hang, false)] {
        let away: &[usize] = if with_queue { &[0, 1] } else { &[] };
        let ways = without(&parts, away, fault).await;
        if !with_queue {
            ways.queue.set(fault);
        }
        let gateway = parts.starting_gateway(ways, &[]).await;
        gateway.probe("livez", 200, EVENTUALLY).await;
        gateway.probe("startupz", 503, EVENTUALLY).await;
        gateway.probe("readyz", 503, EVENTUALLY).await;
        let refused = gateway.sign_up("ann").await;
        assert_eq!(
            (refused.status, &refused.retry_after[..]),
            (503, "1"),
            "{refused:?}"
        );
        assert!(refused.took < ANSWERED, "{refused:?}");
        gateway.stop.cancel();
        ends(gateway).await.unwrap();
    }
    for shard in [0, 1] {
        let queue = parts.queues.queue(shard);
        assert_eq!(parts.queues.ready(&queue).await, Some(0), "it was queued");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_found_nothing_starts_when_its_parts_come() {
    let parts = Parts::without_queues().await;
    let ways = without(&parts, &[0, 1], Mode::Hang).await;
    ways.queue.set(Mode::Hang);
    let mut gateway = parts.starting_gateway(ways, &[]).await;
    gateway.probe("startupz", 503, EVENTUALLY).await;
    // The last first: an empty shard gets launch day from the first one, and waits for it.
    let Ways { queue, shards } = &gateway.ways;
    for way in shards.iter().rev().chain([queue]) {
        way.set(Mode::Pass);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Who declares the queues comes last of all.
    gateway.probe("startupz", 503, EVENTUALLY).await;
    let _writer = parts.writer(&[]).await;
    gateway.service.ready().await;
    let last = gateway.flush(&parts).await;
    parts.hold_exactly(&last).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_started_while_a_shard_is_away_works_for_the_other() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    let everybody = names("p", 40);
    gateway.accept_all(&everybody).await;
    let ways = without(&parts, &[0], Mode::Hang).await;
    let writer = parts.starting_writer(ways, &[]).await;
    writer.probe("livez", 200, EVENTUALLY).await;
    until("the other shard's are recorded", async || {
        let waiting = parts.queues.ready(&parts.queues.queue(1)).await;
        waiting == Some(0) && !parts.rows(1).await.is_empty()
    })
    .await;
    writer.probe("startupz", 200, EVENTUALLY).await;
    writer.probe("readyz", 503, EVENTUALLY).await;
    assert!(parts.rows(0).await.is_empty());
    writer.ways.shards[0].set(Mode::Pass);
    parts.until_recorded(&everybody).await;
    writer.probe("readyz", 200, EVENTUALLY).await;
    parts.hold_exactly(&everybody).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_obeys_its_stop_whatever_is_away() {
    let parts = used().await;
    for (fault, away, queue) in [
        (Mode::Hang, &[0, 1][..], Mode::Pass),
        (Mode::Cut, &[1][..], Mode::Pass),
        (Mode::Pass, &[][..], Mode::Hang),
    ] {
        let ways = without(&parts, away, fault).await;
        ways.queue.set(queue);
        let writer = parts.starting_writer(ways, &[]).await;
        writer.probe("livez", 200, EVENTUALLY).await;
        writer.probe("readyz", 503, EVENTUALLY).await;
        writer.worker.stop().await;
    }
}

/// Whoever started without it could not compare.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_that_comes_back_with_another_map_ends_a_program_that_started_without_it() {
    let parts = used().await;
    parts
        .execute(["", "UPDATE shard_map SET version = 2"])
        .await;
    let ways = without(&parts, &[1], Mode::Cut).await;
    let mut gateway = parts.starting_gateway(ways, &[]).await;
    gateway.service.ready().await;
    let ways = without(&parts, &[1], Mode::Cut).await;
    let mut writer = parts.starting_writer(ways, &[]).await;
    writer.probe("startupz", 200, EVENTUALLY).await;
    gateway.ways.shards[1].set(Mode::Pass);
    writer.ways.shards[1].set(Mode::Pass);
    let says = "shard 1 has another map (version 2) than shard 0 (version 1)";
    let error = ends(gateway).await.unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
    let error = writer.failure().await;
    assert!(error.contains(says), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_programs_obey_sigterm_while_nothing_answers() {
    let parts = Parts::create().await;
    let ways = without(&parts, &[0, 1], Mode::Hang).await;
    ways.queue.set(Mode::Hang);
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&key, "key").unwrap();
    let secrets = ["receipt-key-file", "organiser-token-file"];
    let secrets = secrets.map(|name| format!("--{name}={}", key.path().display()));
    let public = ["--listen=127.0.0.1:0".to_owned()];
    for (binary, user, own) in [
        (
            env!("CARGO_BIN_EXE_phase3-gateway"),
            "gateway",
            [&secrets[..], &public].concat(),
        ),
        (env!("CARGO_BIN_EXE_phase3-writer"), "writer", Vec::new()),
    ] {
        let mut program = Command::new(binary)
            .args(ways.settings(&parts, user))
            .args(own)
            .arg("--operations-listen=127.0.0.1:0")
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let ended = tokio::task::spawn_blocking(move || {
            // It is in the middle of its start.
            let mut log = BufReader::new(program.stdout.take().unwrap()).lines();
            let waits = log.any(|line| line.unwrap().contains("waiting for a shard"));
            assert!(waits, "it does not wait");
            let pid = program.id().to_string();
            let told = Command::new("kill").args(["-TERM", &pid]).status();
            assert!(told.unwrap().success());
            program.wait().unwrap()
        });
        let ended = tokio::time::timeout(EVENTUALLY, ended).await;
        let status = ended.expect("it ends").unwrap();
        assert!(status.success(), "{binary}: {status}");
    }
}

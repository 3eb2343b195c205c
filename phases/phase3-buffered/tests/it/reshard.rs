//! Adding shards while signups arrive: nothing is lost, nothing is doubled, and what was begun can be
//! finished.

use crate::kills::load;
use crate::parts::{Parts, names, until};
use crate::server::System;
use clap::Parser;
use futures::FutureExt;
use phase3_buffered::ReshardConfig;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Everything at which a run can be broken off with something to show for it, in its order, where, and
/// what breaks it off there.
const BREAKS: [(&str, usize, &str); 8] = [
    ("the copy to the first new shard", 2, COPY),
    ("the copy to the last", 3, COPY),
    ("the switch of the last new shard", 3, SWITCH),
    ("the switch of the first", 2, SWITCH),
    ("what is removed from the last old shard", 1, REMOVAL),
    ("its switch", 1, SWITCH),
    ("what is removed from the first", 0, REMOVAL),
    ("its switch, the last of all", 0, SWITCH),
];

const COPY: &str =
    "CREATE TRIGGER broken BEFORE INSERT ON signups FOR EACH ROW EXECUTE FUNCTION fail()";
/// At the commit.
const SWITCH: &str = "CREATE CONSTRAINT TRIGGER broken AFTER INSERT OR UPDATE ON shard_map
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()";
const REMOVAL: &str =
    "CREATE TRIGGER broken BEFORE DELETE ON signups FOR EACH ROW EXECUTE FUNCTION fail()";

const FAIL: &str = "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'broken off'; END $$;";

/// Waits at the commit for whoever holds the lock 7.
const WAIT: &str = "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM set_config('lock_timeout', '0', true);
        PERFORM pg_advisory_xact_lock(7);
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER wait AFTER INSERT OR UPDATE ON shard_map
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()";

/// The settings of `phase3-reshard` for all shards of these parts.
fn config(parts: &Parts) -> ReshardConfig {
    let urls: Vec<String> = parts.shards.iter().map(|shard| shard.url()).collect();
    let urls = format!("--shard-urls={}", urls.join(","));
    ReshardConfig::parse_from(["phase3-reshard".to_owned(), urls])
}

async fn reshard(parts: &Parts) -> anyhow::Result<u64> {
    phase3_buffered::reshard(&config(parts)).await
}

/// Parts with this many signups in two shards, and two more shards that are empty.
async fn grown(names: &[String]) -> Parts {
    let system = System::start().await;
    system.gateway.accept_all(names).await;
    system.parts.until_recorded(names).await;
    let mut parts = system.stop().await;
    parts.add_shards(2).await;
    parts
}

/// Runs it until it is broken off there.
async fn break_off(parts: &Parts, (place, shard, trigger): (&str, usize, &'static str)) {
    let mut shard = parts.shard(shard).await;
    for statement in [FAIL, trigger] {
        sqlx::raw_sql(statement).execute(&mut shard).await.unwrap();
    }
    let run = reshard(parts).await;
    let error = run.map_or_else(
        |error| format!("{error:#}"),
        |_| "it ran through".to_owned(),
    );
    assert!(error.contains("broken off"), "{place}: {error}");
    let table = if trigger == SWITCH {
        "shard_map"
    } else {
        "signups"
    };
    let mended = sqlx::AssertSqlSafe(format!("DROP TRIGGER broken ON {table}"));
    sqlx::raw_sql(mended).execute(&mut shard).await.unwrap();
}

/// A run that has copied everything and waits before its first commit, until the connection is closed.
async fn waiting(parts: &Parts) -> (JoinHandle<anyhow::Result<u64>>, PgConnection) {
    let mut shard = parts.shard(3).await;
    for statement in ["SELECT pg_advisory_lock(7)", WAIT] {
        sqlx::raw_sql(statement).execute(&mut shard).await.unwrap();
    }
    let config = config(parts);
    let run = tokio::spawn(async move { phase3_buffered::reshard(&config).await });
    until("everything is copied", async || {
        lock_waits(&mut shard, "phase3-reshard").await
    })
    .await;
    (run, shard)
}

/// Whether a program waits for a lock of this shard.
async fn lock_waits(shard: &mut PgConnection, program: &str) -> bool {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                        AND application_name = $1 AND wait_event_type = 'Lock')",
    )
    .bind(program)
    .fetch_one(shard)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_two_shards_to_four_every_signup_is_where_the_new_map_says() {
    let everybody = names("early", 120);
    let parts = grown(&everybody).await;
    let moved = reshard(&parts).await.unwrap();
    parts.hold_exactly(&everybody).await;
    let mut shares = Vec::new();
    for shard in 0..4 {
        shares.push(parts.rows(shard).await.len() as u64);
    }
    assert_eq!(moved, shares[2] + shares[3], "{shares:?}");
    assert!(shares.iter().all(|share| *share > 10), "{shares:?}");
    assert_eq!(reshard(&parts).await.unwrap(), 0, "it was done");

    // The services take it up from there: the same participants are the same signups.
    let system = System::on(parts).await;
    let late = names("late", 60);
    system.gateway.accept_all(&everybody).await;
    system.gateway.accept_all(&late).await;
    system.parts.until_recorded(&late).await;
    system.parts.hold_exactly(&[everybody, late].concat()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_and_broken_off_at_each_of_its_steps_it_loses_nothing_and_is_finished() {
    let early = names("early", 120);
    let system = System::on(grown(&early).await).await;
    let System { gateway, parts, .. } = &system;
    let enough = CancellationToken::new();
    let steps = async {
        for step in BREAKS {
            break_off(parts, step).await;
            let recorded: BTreeSet<String> = parts.recorded().await.into_iter().collect();
            let lost: Vec<_> = early
                .iter()
                .filter(|name| !recorded.contains(*name))
                .collect();
            assert!(lost.is_empty(), "{}: {lost:?}", step.0);
        }
        reshard(parts).await.unwrap();
        enough.cancel();
    };
    let (accepted, ()) = tokio::join!(load(gateway, &enough), steps);
    let last = gateway.flush(parts).await;
    let all = [early, accepted, last].concat();
    parts.hold_exactly(&all).await;
    assert_eq!(parts.queues.ready(&parts.queues.dead()).await, Some(0));
    until("the gateway counts by the new map", async || {
        gateway.event().await.body["signups"] == all.len()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_off_between_two_shards_no_service_starts_until_it_is_finished() {
    let everybody = names("early", 80);
    let parts = grown(&everybody).await;
    break_off(&parts, BREAKS[5]).await;
    let refusal = parts.writer_refusal().await;
    assert!(refusal.contains("has another map"), "{refusal}");
    let refusal = parts.gateway_refusal().await;
    assert!(refusal.contains("has another map"), "{refusal}");
    reshard(&parts).await.unwrap();
    parts.hold_exactly(&everybody).await;
    System::on(parts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrives_after_the_copy_waits_for_the_new_map_and_a_second_run_says_who_is_at_it() {
    let early = names("early", 60);
    let system = System::on(grown(&early).await).await;
    let System { gateway, parts, .. } = &system;
    let (run, holder) = waiting(parts).await;
    let late = names("late", 60);
    gateway.accept_all(&late).await;
    for number in [0, 1] {
        let mut shard = parts.shard(number).await;
        until("the writer waits", async || {
            lock_waits(&mut shard, "phase3").await
        })
        .await;
    }
    let second = reshard(parts).await.unwrap_err().to_string();
    let says = "shard 0 is locked by phase3-reshard on ";
    assert!(second.starts_with(says), "{second}");
    // Nothing of it is to be seen yet.
    parts.hold_exactly(&early).await;
    drop(holder);
    run.await.unwrap().unwrap();
    parts.until_recorded(&late).await;
    parts.hold_exactly(&[early, late].concat()).await;
    assert_eq!(parts.queues.ready(&parts.queues.dead()).await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_session_loses_the_lock_and_what_was_done_under_it() {
    let early = names("early", 60);
    let system = System::on(grown(&early).await).await;
    let System { gateway, parts, .. } = &system;
    let (run, holder) = waiting(parts).await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE application_name = 'phase3-reshard' AND datname = current_database()";
    parts.execute([end; 2]).await;
    let late = names("late", 60);
    gateway.accept_all(&late).await;
    parts.until_recorded(&late).await;
    parts
        .hold_exactly(&[early.clone(), late.clone()].concat())
        .await;
    drop(holder);
    // Its new shards may be committed, the old ones cannot.
    run.await.unwrap().unwrap_err();
    reshard(parts).await.unwrap();
    parts.hold_exactly(&[early, late].concat()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_queue_signups_are_refused_meanwhile_and_go_on_by_the_new_map() {
    let early = names("early", 60);
    let parts = grown(&early).await;
    let gateway = parts.gateway(&["--queue=off"]).await;
    let (run, holder) = waiting(&parts).await;
    let late = names("late", 60);
    for answer in gateway.sign_up_all(&late).await {
        assert!([503, 504].contains(&answer.status), "{answer:?}");
    }
    drop(holder);
    run.await.unwrap().unwrap();
    for name in &late {
        let answer = gateway.service.sign_up_until_admitted(name).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    parts.hold_exactly(&[early, late].concat()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_not_given_the_new_shards_ends_and_says_so() {
    let early = names("early", 60);
    let mut system = System::start().await;
    system.gateway.accept_all(&early).await;
    system.parts.until_recorded(&early).await;
    system.parts.add_shards(2).await;
    reshard(&system.parts).await.unwrap();
    let says = "the map has changed: version 2 names 4 shards, SHARD_URLS 2";
    let late = names("late", 16);
    system.gateway.accept_all(&late).await;
    let error = system.writer.failure().await;
    assert_eq!(error, says);
    let System { gateway, parts, .. } = system;
    until("the gateway ends", async || {
        // Its end may cut the answer off.
        let _ = AssertUnwindSafe(gateway.event()).catch_unwind().await;
        gateway.service.serving.is_finished()
    })
    .await;
    let error = gateway.service.serving.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), says);
    // What it had accepted is not lost.
    let system = System::on(parts).await;
    system.parts.until_recorded(&late).await;
    system.parts.hold_exactly(&[early, late].concat()).await;
}

//! What phase 2 does when its cache fails, forgets or lies: the same answers, a little later.

use crate::server::{Server, alone};
use futures::future::join_all;
use signup_testbed::{EVENTUALLY, Mode, TestDatabase};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

async fn redis() -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(signup_testbed::redis_operator_url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// All entries of Redis.
async fn entries(redis: &mut redis::aio::MultiplexedConnection) -> HashMap<Vec<u8>, Vec<u8>> {
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS")
        .arg("*")
        .query_async(redis)
        .await
        .unwrap();
    let mut entries = HashMap::new();
    for key in keys {
        let value: Option<Vec<u8>> = redis::cmd("GET")
            .arg(&key)
            .query_async(redis)
            .await
            .unwrap();
        entries.extend(value.map(|value| (key, value)));
    }
    entries
}

/// The entries, once there are so many: Redis gets them after the answers have left.
async fn entries_once(
    redis: &mut redis::aio::MultiplexedConnection,
    many: usize,
) -> HashMap<Vec<u8>, Vec<u8>> {
    let began = Instant::now();
    loop {
        let entries = entries(redis).await;
        if entries.len() >= many {
            return entries;
        }
        assert!(
            began.elapsed() < EVENTUALLY,
            "{} of {many} entries",
            entries.len()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How often Redis answered this server, with an entry or without.
async fn redis_answers(server: &Server) -> f64 {
    let mut answers = 0.0;
    for outcome in ["hit", "miss"] {
        let series = format!("cache_requests_total{{level=\"redis\",outcome=\"{outcome}\"}}");
        answers += server.metric(&series).await;
    }
    answers
}

/// An empty Redis.
async fn emptied_redis() -> redis::aio::MultiplexedConnection {
    let mut redis = redis().await;
    redis::cmd("FLUSHALL").exec_async(&mut redis).await.unwrap();
    redis
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_one_server_read_is_found_in_redis_by_another() {
    let _alone = alone().await;
    let mut redis = emptied_redis().await;
    let database = Arc::new(TestDatabase::create().await);
    let (one, reader, other) = (
        Server::on(database.clone(), &[]).await,
        Server::on(database.clone(), &[]).await,
        Server::on(database, &[]).await,
    );
    let ann = one.sign_up("ann").await;
    let here = one.receipt(ann.receipt()).await;
    assert_eq!((&here.served_by[..], &here.cache[..]), ("cache", "HIT"));
    assert_eq!(reader.receipt(ann.receipt()).await.cache, "MISS");
    entries_once(&mut redis, 1).await;
    other.event().await;
    let there = other.receipt(ann.receipt()).await;
    assert_eq!((&there.served_by[..], &there.cache[..]), ("cache", "HIT"));
    assert_eq!(here.body, there.body);
    assert_eq!(there.body["name"], "ann");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_every_answer_is_the_same() {
    let _alone = alone().await;
    for fault in [Mode::Cut, Mode::Hang] {
        let database = Arc::new(TestDatabase::create().await);
        let elsewhere = Server::on(database.clone(), &[]).await;
        let server = Server::on(database, &[]).await;
        let there = elsewhere.sign_up("there").await;
        server.redis.set(fault);
        let ann = server.sign_up("ann").await;
        assert_eq!(ann.status, 201);
        let here = server.receipt(ann.receipt()).await;
        assert_eq!((here.status, &here.served_by[..]), (200, "cache"));
        // Not in the first level, so Redis is asked: a receipt of elsewhere, and the count once it is
        // too old.
        let receipt = server.receipt(there.receipt()).await;
        assert_eq!((receipt.status, &receipt.cache[..]), (200, "MISS"));
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let first = server.event().await;
        assert_eq!(first.status, 200);
        assert_eq!(first.body["signups"], 2);
        assert!(server.metric("fallbacks_total{from=\"redis\"}").await > 0.0);
        assert!(
            server
                .metric("cache_requests_total{level=\"redis\",outcome=\"error\"}")
                .await
                > 0.0
        );
        server.redis.set(Mode::Pass);
        let asked = redis_answers(&server).await;
        let began = Instant::now();
        while redis_answers(&server).await <= asked + 2.0 {
            assert!(began.elapsed() < EVENTUALLY, "Redis is back, but not used");
            assert_eq!(server.event().await.status, 200);
            // Until the count is too old once more.
            tokio::time::sleep(Duration::from_millis(1_100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_redis_changes_no_answer() {
    let _alone = alone().await;
    let database = Arc::new(TestDatabase::create().await);
    let (one, reader, other) = (
        Server::on(database.clone(), &[]).await,
        Server::on(database.clone(), &[]).await,
        Server::on(database, &[]).await,
    );
    let mut redis = emptied_redis().await;
    let ann = one.sign_up("ann").await;
    assert_eq!(reader.receipt(ann.receipt()).await.status, 200);
    entries_once(&mut redis, 1).await;
    redis::cmd("FLUSHALL").exec_async(&mut redis).await.unwrap();
    let there = other.receipt(ann.receipt()).await;
    assert_eq!((there.status, &there.cache[..]), (200, "MISS"));
    assert_eq!(there.body["name"], "ann");
    assert_eq!(other.event().await.body["signups"], 1);
}

/// A poisoned cache: every entry is replaced by another one's, by noise, or by nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lying_redis_changes_no_answer() {
    let _alone = alone().await;
    let database = Arc::new(TestDatabase::create().await);
    let (one, reader, other) = (
        Server::on(database.clone(), &[]).await,
        Server::on(database.clone(), &[]).await,
        Server::on(database, &[]).await,
    );
    let mut redis = emptied_redis().await;
    let names = ["ann", "bob", "cid", "dora", "eve", "finn"];
    let answers = join_all(names.map(|name| one.sign_up(name))).await;
    join_all(
        answers
            .iter()
            .map(|answer| reader.receipt(answer.receipt())),
    )
    .await;
    one.event().await;
    // The receipts, and the count.
    let entries = entries_once(&mut redis, names.len() + 1).await;
    let (keys, values): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
    for (number, key) in keys.iter().enumerate() {
        let lie = match number % 3 {
            0 => values[(number + 1) % values.len()].clone(),
            1 => vec![b'x'; 40],
            _ => Vec::new(),
        };
        let set = redis::cmd("SET")
            .arg(key)
            .arg(lie)
            .arg("KEEPTTL")
            .to_owned();
        set.exec_async(&mut redis).await.unwrap();
    }
    for (name, answer) in names.iter().zip(&answers) {
        let receipt = other.receipt(answer.receipt()).await;
        assert_eq!(
            (receipt.status, &receipt.body["name"]),
            (200, &(*name).into())
        );
        assert_eq!(receipt.cache, "MISS", "a lie was believed: {receipt:?}");
    }
    // Who had signed up is not the cache's to say.
    for (name, answer) in names.iter().zip(&answers) {
        let again = other.sign_up(name).await;
        assert_eq!((again.status, again.receipt()), (200, answer.receipt()));
        assert_eq!(other.sign_up(&format!("new-{name}")).await.status, 201);
    }
    let errors = other
        .metric("cache_requests_total{level=\"redis\",outcome=\"error\"}")
        .await;
    // The two that were emptied are misses.
    assert!(errors >= 4.0, "{errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_ask_for_the_count_at_once_ask_a_database_once() {
    let server = Server::start().await;
    assert_eq!(server.sign_up("ann").await.status, 201);
    let asked = server.metric("cache_requests_total{level=\"redis\"}").await;
    let began = Instant::now();
    let answers = join_all((0..100).map(|_| server.event())).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.body["signups"]), (200, &1.into()));
    }
    let asked = server.metric("cache_requests_total{level=\"redis\"}").await - asked;
    // One at first, and one more whenever the count got old meanwhile, on a slow machine.
    let allowed = 2.0 + began.elapsed().as_secs_f64();
    assert!(asked <= allowed, "Redis was asked {asked} times");
    let hits = answers
        .iter()
        .filter(|answer| answer.cache == "HIT")
        .count();
    assert!(hits as f64 >= 100.0 - allowed, "{hits}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_cache_every_read_says_so() {
    let server = Server::start_with(&["--cache", "off"]).await;
    let ann = server.sign_up("ann").await;
    assert_eq!(server.receipt(ann.receipt()).await.cache, "BYPASS");
    assert_eq!(server.event().await.cache, "BYPASS");
    assert_eq!(server.metric("cache_requests_total").await, 0.0);
}

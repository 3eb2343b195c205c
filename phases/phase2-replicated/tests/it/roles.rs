//! What a server may do in its databases and in Redis: what it needs, and nothing else.

use crate::server::{Server, alone};
use signup_testbed::{TestDatabase, TestRoles};
use std::sync::Arc;

/// What who serves never does, and must not be able to.
const FORBIDDEN: [&str; 18] = [
    "DELETE FROM signups",
    "UPDATE signups SET name = 'Mallory'",
    "TRUNCATE signups",
    "DROP TABLE signups",
    "ALTER TABLE signups ADD COLUMN note text",
    "UPDATE events SET salt = sha256('known')",
    "DELETE FROM events",
    "INSERT INTO _sqlx_migrations SELECT * FROM _sqlx_migrations",
    "CREATE TABLE mine ()",
    "CREATE TEMPORARY TABLE mine ()",
    "CREATE ROLE mallory SUPERUSER",
    "SET ROLE signup_owner",
    "ALTER SYSTEM SET fsync = off",
    "COPY signups TO PROGRAM 'cat'",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_read_file('/etc/passwd')",
    "CREATE DATABASE mine",
    "SELECT pg_switch_wal()",
];

/// SQLSTATE: insufficient privilege.
const DENIED: &str = "42501";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_serves_can_do_nothing_but_serve() {
    let _alone = alone().await;
    let mut database = TestDatabase::create().await;
    let roles = TestRoles::create(&mut database).await;
    let [user, file] = roles.settings();
    let settings = [&user[..], &file, "--cache=off"];
    let server = Server::on(Arc::new(database), &settings).await;
    let ann = server.sign_up("ann").await;
    assert_eq!(ann.status, 201, "{ann:?}");
    assert_eq!(server.sign_up("ann").await.status, 200);
    // It knows how fresh its replica is, and so believes it.
    server.wait_for_replica(ann.receipt()).await;
    for statement in FORBIDDEN {
        let refusal = roles.refusal(statement).await;
        assert_eq!(refusal.as_deref(), Some(DENIED), "{statement}");
    }
    assert_eq!(server.event().await.body["signups"], 1);
}

/// The same of Redis, where a server reads and writes entries of the cache.
const FORBIDDEN_IN_REDIS: [&str; 20] = [
    "FLUSHALL",
    "FLUSHDB",
    "GETRANGE another 0 10",
    "PSETEX another 1000 mine",
    "SET cache:kept mine",
    "GET cache:kept",
    "DEL cache:kept",
    "KEYS *",
    "SCAN 0",
    "EVAL return 0",
    "CONFIG GET *",
    "CONFIG SET maxmemory 1",
    "ACL LIST",
    "ACL SETUSER default +@all",
    "SAVE",
    "SHUTDOWN NOSAVE",
    "REPLICAOF 127.0.0.1 6379",
    "CLIENT KILL TYPE normal",
    "MONITOR",
    "PUBLISH channel mine",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_redis_a_server_can_do_nothing_but_read_and_write_entries() {
    let url = format!("redis://{}", signup_testbed::redis_address());
    let client = redis::Client::open(url).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let mut ask = async |command: &str| {
        let mut words = command.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        command.arg(words.collect::<Vec<_>>());
        command.exec_async(&mut redis).await
    };
    ask("PSETEX cache:kept 60000 entry").await.unwrap();
    for command in FORBIDDEN_IN_REDIS {
        let refusal = ask(command).await.unwrap_err();
        assert_eq!(refusal.code(), Some("NOPERM"), "{command}: {refusal}");
    }
    ask("GETRANGE cache:kept 0 10").await.unwrap();
    // Nobody becomes the operator without a password.
    let refusal = ask("AUTH operator guessed").await.unwrap_err();
    assert_eq!(refusal.code(), Some("WRONGPASS"), "{refusal}");
}

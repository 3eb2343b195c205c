//! What gateways and the writer may do in the shards: what they need, and nothing else.

use crate::parts::{Parts, names};

/// What who serves never does, and must not be able to.
const FORBIDDEN: [&str; 21] = [
    "DELETE FROM signups",
    "UPDATE signups SET name = 'Mallory'",
    "TRUNCATE signups",
    "DROP TABLE signups",
    "ALTER TABLE signups ADD COLUMN note text",
    "UPDATE events SET salt = sha256('known')",
    "DELETE FROM events",
    "UPDATE shard_map SET version = 2",
    "DELETE FROM event_counts",
    "BEGIN; LOCK TABLE shard_map IN EXCLUSIVE MODE",
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
    let (parts, roles) = Parts::with_roles().await;
    let [user, file] = roles[0].settings();
    let settings = [&user[..], &file];
    let (gateway, writer) = tokio::join!(parts.gateway(&settings), parts.writer(&settings));
    let everybody = names("p", 20);
    gateway.accept_all(&everybody).await;
    parts.until_recorded(&everybody).await;
    for statement in FORBIDDEN {
        let refusal = roles[0].refusal(statement).await;
        assert_eq!(refusal.as_deref(), Some(DENIED), "{statement}");
    }
    parts.hold_exactly(&everybody).await;
    // Without the queue the gateway writes.
    writer.worker.stop().await;
    let direct = parts.gateway(&[&user[..], &file, "--queue=off"]).await;
    assert_eq!(direct.sign_up("direct").await.status, 201);
}

//! What a server may do in its database: what it needs, and nothing else.

use crate::server::Server;
use signup_testbed::{TestDatabase, TestRoles};

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
    let mut database = TestDatabase::create().await;
    let roles = TestRoles::create(&mut database).await;
    let server = Server::on(database, &roles.settings()).await;
    let ann = server.sign_up("ann").await;
    assert_eq!(ann.status, 201, "{ann:?}");
    assert_eq!(server.sign_up("ann").await.status, 200);
    assert_eq!(server.receipt(ann.receipt()).await.status, 200);
    assert_eq!(server.event().await.body["signups"], 1);
    for statement in FORBIDDEN {
        let refusal = roles.refusal(statement).await;
        assert_eq!(refusal.as_deref(), Some(DENIED), "{statement}");
    }
    assert_eq!(server.event().await.body["signups"], 1);
}

//! A server ends when a task of it has stopped, so that the restart policy starts another one.
//!
//! No row and no fault stops a task. What does here is a column that an operator has given another type,
//! and a name another meaning: the statement still runs, and what it returns cannot be read.

use crate::server::{Server, on_replica};
use signup_testbed::{EVENTUALLY, Mode};
use sqlx::{Connection, PgConnection};
use std::time::Instant;

const UNREADABLE: &str = "ALTER TABLE signups ALTER COLUMN id TYPE text";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_ends_when_its_batch_task_has_stopped() {
    let server = Server::start().await;
    let mut connection = PgConnection::connect(&server.database.url()).await.unwrap();
    sqlx::query(UNREADABLE)
        .execute(&mut connection)
        .await
        .unwrap();
    assert_eq!(server.sign_up("ann").await.status, 504);
    let ended = tokio::time::timeout(EVENTUALLY, server.service.serving).await;
    let error = ended.expect("it ends").unwrap().unwrap_err().to_string();
    assert!(error.contains("has stopped"), "{error}");
}

/// An answer of the replica's that cannot be read: PostgreSQL's own names mean something else there.
const SHADOWED: &str = "
    CREATE FUNCTION public.pg_last_xact_replay_timestamp() RETURNS text LANGUAGE sql RETURN 'today';
    CREATE VIEW public.pg_stat_wal_receiver AS
        SELECT 'today' AS last_msg_send_time, pg_last_wal_replay_lsn() AS latest_end_lsn;
    DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database());
    END $$";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_ends_when_the_task_that_watches_its_replica_has_stopped() {
    let server = Server::start().await;
    let mut connection = PgConnection::connect(&server.database.url()).await.unwrap();
    sqlx::raw_sql(SHADOWED)
        .execute(&mut connection)
        .await
        .unwrap();
    let began = Instant::now();
    loop {
        let mut replica = on_replica(&server.database).await;
        let path: String = sqlx::query_scalar("SHOW search_path")
            .fetch_one(&mut replica)
            .await
            .unwrap();
        if path == "public, pg_catalog" {
            break;
        }
        assert!(began.elapsed() < EVENTUALLY, "the replica does not follow");
    }
    // Its sessions are as they began; new ones are not.
    server.replica.set(Mode::Cut);
    let url = signup_testbed::replica_address().parse().unwrap();
    let url = server.database.url_through(url);
    while !signup_testbed::sessions(&url, "phase2").await.is_empty() {
        assert!(
            began.elapsed() < EVENTUALLY,
            "the replica keeps its sessions"
        );
    }
    server.replica.set(Mode::Pass);
    let ended = tokio::time::timeout(EVENTUALLY, server.service.serving).await;
    let error = ended.expect("it ends").unwrap().unwrap_err().to_string();
    assert!(error.contains("watches the replica has stopped"), "{error}");
}

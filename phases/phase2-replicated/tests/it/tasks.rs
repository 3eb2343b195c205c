//! A server ends when a task of it has stopped, so that the restart policy starts another one.
//!
//! No row and no fault stops the task. What does here is a column that an operator has given another
//! type: the statement still runs, and what it returns cannot be read.

use crate::server::Server;
use sqlx::{Connection, PgConnection};
use std::time::Duration;

/// Far longer than it takes to end.
const ENDED: Duration = Duration::from_secs(20);

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
    let ended = tokio::time::timeout(ENDED, server.service.serving).await;
    let error = ended.expect("it ends").unwrap().unwrap_err().to_string();
    assert!(error.contains("has stopped"), "{error}");
}

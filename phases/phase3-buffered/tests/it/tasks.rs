//! A program ends when a task of it has stopped, so that the restart policy starts another one.
//!
//! No row and no fault stops a task. What does here is a column that an operator has given another
//! type: the statement still runs, and what it returns cannot be read.

use crate::parts::Parts;
use signup_testbed::EVENTUALLY;

const UNREADABLE: [&str; 2] = ["ALTER TABLE signups ALTER COLUMN id TYPE text"; 2];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_ends_when_its_batch_task_has_stopped() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&["--queue=off"]).await;
    parts.execute(UNREADABLE).await;
    assert_eq!(gateway.sign_up("ann").await.status, 504);
    let ended = tokio::time::timeout(EVENTUALLY, gateway.service.serving).await;
    let error = ended.expect("it ends").unwrap().unwrap_err().to_string();
    assert!(error.contains("has stopped"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_ends_when_the_task_of_a_shard_has_stopped_and_the_next_loses_nothing() {
    let parts = Parts::create().await;
    let gateway = parts.gateway(&[]).await;
    let mut writer = parts.writer(&[]).await;
    parts.execute(UNREADABLE).await;
    assert_eq!(gateway.sign_up("ann").await.status, 202);
    let error = writer.failure().await;
    assert!(error.contains("the task of a shard has stopped"), "{error}");
    parts
        .execute(["ALTER TABLE signups ALTER COLUMN id TYPE uuid USING id::uuid"; 2])
        .await;
    let _next = parts.writer(&[]).await;
    parts.until_recorded(&["ann"]).await;
    parts.hold_exactly(&["ann"]).await;
}

//! Group commit: what arrives together is written together, and each signup is told its own fate.

use crate::server::Server;
use futures::future::join_all;
use signup_testbed::Mode;
use sqlx::{Connection, PgConnection};
use std::collections::HashSet;
use std::time::Duration;

async fn rows(server: &Server) -> Vec<String> {
    let mut connection = PgConnection::connect(&server.database.url()).await.unwrap();
    let names = sqlx::query_scalar("SELECT name FROM signups ORDER BY name");
    names.fetch_all(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrives_together_is_written_together() {
    let server = Server::start().await;
    server.primary.set(Mode::Delay(Duration::from_millis(20)));
    let names: Vec<String> = (0..200).map(|number| format!("p{number}")).collect();
    let answers = join_all(names.iter().map(|name| server.sign_up(name))).await;
    let failed = answers.iter().find(|answer| answer.status != 201);
    assert!(failed.is_none(), "{failed:?}");
    assert_eq!(rows(&server).await.len(), 200);
    assert_eq!(server.metric("batch_rows_sum").await, 200.0);
    let statements = server.metric("batch_rows_count").await;
    assert!(
        statements < 100.0,
        "{statements} statements for 200 signups"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_participant_many_times_in_one_batch_is_one_row_and_one_receipt() {
    let server = Server::start().await;
    // Its statement is prepared, and the next one is slow: the others wait for it, in one batch.
    assert_eq!(server.sign_up("before").await.status, 201);
    server.primary.set(Mode::Delay(Duration::from_millis(60)));
    let fifty = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        join_all((0..50).map(|_| server.sign_up("ann"))).await
    };
    let (first, answers) = tokio::join!(server.sign_up("first"), fifty);
    assert_eq!(first.status, 201);
    let rows_sent = server.metric("batch_rows_sum").await;
    assert_eq!(rows_sent, 3.0, "not one row for the fifty");
    let receipts: HashSet<&str> = answers.iter().map(|answer| answer.receipt()).collect();
    assert_eq!(receipts.len(), 1);
    let times: HashSet<String> = answers
        .iter()
        .map(|answer| answer.body["signed_up_at"].to_string())
        .collect();
    assert_eq!(times.len(), 1);
    let new = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(
        (new, rows(&server).await),
        (1, vec!["ann".into(), "before".into(), "first".into()])
    );
}

/// An operator's hand can write what no server would: here a time that no date has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_row_stops_no_other_signup() {
    let server = Server::start().await;
    assert_eq!(server.sign_up("ann").await.status, 201);
    let mut connection = PgConnection::connect(&server.database.url()).await.unwrap();
    sqlx::query("UPDATE signups SET signed_up_at = 'infinity'")
        .execute(&mut connection)
        .await
        .unwrap();
    assert_eq!(server.sign_up("ann").await.status, 500);
    assert_eq!(server.sign_up("bob").await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_row_fails_alone() {
    let server = Server::start().await;
    let mut connection = PgConnection::connect(&server.database.url()).await.unwrap();
    sqlx::query("ALTER TABLE signups ADD CHECK (name <> 'bad')")
        .execute(&mut connection)
        .await
        .unwrap();
    // Few, so that all halves can be sent within the time a batch has, also on a busy machine; who is
    // refused all the same asks again.
    let names: Vec<String> = (0..16)
        .map(|number| {
            if number == 7 {
                "bad".into()
            } else {
                format!("good{number}")
            }
        })
        .collect();
    // Slow, so that they form batches.
    server.primary.set(Mode::Delay(Duration::from_millis(2)));
    let answers = names.iter().map(|name| server.sign_up_until_admitted(name));
    let answers = join_all(answers).await;
    for (name, answer) in names.iter().zip(&answers) {
        let expected = if name == "bad" { 500 } else { 201 };
        assert_eq!(answer.status, expected, "{name}: {answer:?}");
    }
    let kept = rows(&server).await;
    assert_eq!(kept.len(), 15);
    assert!(!kept.contains(&"bad".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_that_write_the_same_participants_at_once_agree() {
    let _alone = crate::server::alone().await;
    let database = std::sync::Arc::new(signup_testbed::TestDatabase::create().await);
    let first = Server::on(database.clone(), &[]).await;
    let second = Server::on(database, &[]).await;
    let names: Vec<String> = (0..100).map(|number| format!("p{number}")).collect();
    let (one, other) = tokio::join!(
        join_all(names.iter().map(|name| first.sign_up(name))),
        join_all(names.iter().rev().map(|name| second.sign_up(name))),
    );
    for (one, other) in one.iter().zip(other.iter().rev()) {
        assert_eq!(one.receipt(), other.receipt());
        assert_eq!(one.body["signed_up_at"], other.body["signed_up_at"]);
        assert_eq!(one.status + other.status, 401, "{one:?} {other:?}");
    }
    assert_eq!(rows(&first).await.len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_batches_every_signup_is_a_statement() {
    let server = Server::start_with(&["--batch", "off"]).await;
    let names: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
    let answers = join_all(names.iter().map(|name| server.sign_up(name))).await;
    let failed = answers.iter().find(|answer| answer.status != 201);
    assert!(failed.is_none(), "{failed:?}");
    assert_eq!(server.metric("batch_rows_count").await, 40.0);
    assert_eq!(rows(&server).await.len(), 40);
}

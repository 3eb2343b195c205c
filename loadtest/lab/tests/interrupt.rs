//! Ctrl-C while goose runs: the load stops, the process lives on, and goose's handler, which would
//! end the process the second time, is not the one that is called. A file of its own, because the
//! handler is the process's.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking"
)]

use lab::load::{self, Plan, Progress};
use lab_truth::plan::{Participants, Schedule};
use lab_truth::spec::GreedyClients;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

fn press_ctrl_c() {
    let process = std::process::id().to_string();
    let kill = Command::new("kill").args(["-INT", &process]).status();
    assert!(kill.unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_stops_the_load_and_not_the_process() {
    let stop = CancellationToken::new();
    load::stop_on_interrupt(vec![stop.clone()]).unwrap();
    // Tokio's own handler may be added after it, and both are called.
    let tokio_saw_it = tokio::spawn(tokio::signal::ctrl_c());
    // Accepts, and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plan = Plan {
        base: format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap(),
        event: "00000000-0000-7000-8000-000000000001".to_owned(),
        participants: Participants::new("test"),
        schedule: Schedule::signups(1_000, Duration::from_secs(100), 1),
        slots: 50,
        greedy: GreedyClients::default(),
        report: None,
    };
    let sending = tokio::spawn(load::run(plan, Arc::new(Progress::default()), stop));
    tokio::time::sleep(Duration::from_secs(2)).await;
    press_ctrl_c();
    tokio::time::sleep(Duration::from_millis(100)).await;
    press_ctrl_c();
    let outcome = sending.await.unwrap().unwrap();
    assert!(outcome.stopped);
    assert!(tokio_saw_it.await.unwrap().is_ok());
}

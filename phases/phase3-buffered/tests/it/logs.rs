//! What the two programs log, run as the programs they are: whatever fails, no line says whose signup
//! it was.

use crate::parts::{Parts, until};
use crate::server::{Ways, sign_up_until_accepted};
use signup_testbed::{Mode, TestService};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

/// A participant as no text has it by chance, and the first bytes of the name as `{:?}` shows them.
const PARTICIPANT: &str = "zebedee";
const BYTES: &str = "122, 101, 98, 101";

/// A running program. Dropping it kills it.
struct Program {
    child: Child,
    log: Option<JoinHandle<String>>,
}

impl Program {
    fn start(binary: &str, arguments: Vec<String>) -> Self {
        let mut child = Command::new(binary)
            .args(arguments)
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stdout.read_to_string(&mut log).unwrap();
            log
        });
        Self {
            child,
            log: Some(log),
        }
    }

    /// Kills it; returns what it has logged.
    fn logged(mut self) -> String {
        self.child.kill().unwrap();
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn start_gateway(parts: &Parts, ways: &Ways) -> (TestService, Program) {
    let mut program = None;
    let service = TestService::start(|secrets, listeners, _stop| {
        let mut arguments = [ways.settings(parts, "gateway"), secrets].concat();
        // Bound once, so nobody else is given them; the program binds them itself.
        let public = listeners.public.to_string();
        let operations = listeners.operations.local_addr().unwrap();
        drop(listeners);
        arguments.push(format!("--listen={public}"));
        arguments.push(format!("--operations-listen={operations}"));
        program = Some(Program::start(
            env!("CARGO_BIN_EXE_phase3-gateway"),
            arguments,
        ));
        std::future::pending()
    });
    (service.await.unwrap(), program.unwrap())
}

fn start_writer(parts: &Parts, ways: &Ways) -> Program {
    let mut arguments = ways.settings(parts, "writer");
    arguments.push("--operations-listen=127.0.0.1:0".into());
    Program::start(env!("CARGO_BIN_EXE_phase3-writer"), arguments)
}

/// Each part fails a gateway that has a participant's signup in hand.
async fn fail_the_gateway(gateway: &TestService, parts: &Parts, ways: &Ways) {
    for shard in [0, 1] {
        parts.queues.delete(&parts.queues.queue(shard)).await;
    }
    let refused = gateway.sign_up(PARTICIPANT).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    parts.declare(&[]).await;
    sign_up_until_accepted(gateway, PARTICIPANT).await;
    ways.queue.set(Mode::LoseAnswers);
    let unknown = gateway.sign_up(PARTICIPANT).await;
    assert_eq!(unknown.status, 504, "{unknown:?}");
    for way in ways.shards.iter().chain([&ways.queue]) {
        way.set(Mode::Cut);
    }
    let lost = gateway.sign_up(PARTICIPANT).await;
    assert!(matches!(lost.status, 503 | 504), "{lost:?}");
    for way in ways.shards.iter().chain([&ways.queue]) {
        way.set(Mode::Pass);
    }
}

/// A shard that refuses the participant, a message that cannot be read, and a shard that is away.
async fn fail_the_writer(parts: &Parts, ways: &Ways) {
    for shard in [0, 1] {
        let queue = parts.queues.queue(shard);
        parts.queues.publish(&queue, PARTICIPANT.as_bytes()).await;
        ways.shards[usize::from(shard)].set(Mode::Cut);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    for way in &ways.shards {
        way.set(Mode::Pass);
    }
    let dead = parts.queues.dead();
    until("the dead letters are there", async || {
        parts.queues.ready(&dead).await.unwrap() >= 3
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_says_whose_signup_it_was_whatever_fails() {
    let parts = Parts::create().await;
    let ways = Ways::to(&parts).await;
    let (gateway, gateway_program) = start_gateway(&parts, &ways).await;
    assert_eq!(gateway.sign_up(PARTICIPANT).await.status, 202);
    parts
        .execute(["ALTER TABLE signups ADD CHECK (name <> 'zebedee')"; 2])
        .await;
    fail_the_gateway(&gateway, &parts, &ways).await;
    sign_up_until_accepted(&gateway, PARTICIPANT).await;
    let writer_program = start_writer(&parts, &ways);
    fail_the_writer(&parts, &ways).await;
    let logs = [
        (
            gateway_program.logged(),
            ["the queue is lost", "outcome_unknown"],
        ),
        (writer_program.logged(), ["unreadable", "refuses"]),
    ];
    for (log, happened) in logs {
        for word in happened {
            assert!(log.contains(word), "{word:?} is not in {log}");
        }
        for line in log.lines() {
            let told = line.to_lowercase().contains(PARTICIPANT) || line.contains(BYTES);
            assert!(!told, "{line}");
        }
    }
}

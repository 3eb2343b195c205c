//! What happens behind the engine's back is found: a process that dies inside a container which goes on,
//! and a cap that somebody changes meanwhile.

use crate::run;
use lab_truth::record::{CapSource, Reason, Verdict};
use std::process::Command;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const DATABASE: &str = "signup-lab-phase1-database-1";

fn docker(arguments: &[&str]) -> bool {
    let output = Command::new("docker").args(arguments).output().unwrap();
    output.status.success()
}

/// Kills PostgreSQL's checkpointer: PostgreSQL then ends all sessions, recovers, and the container never
/// ends.
fn kill_the_checkpointer() -> bool {
    // The brackets keep this very shell from being found.
    let kill = "for p in /proc/[0-9]*; do grep -qa 'postgres: [c]heckpointer' $p/cmdline && \
                kill -9 ${p#/proc/} && exit 0; done; exit 1";
    docker(&["exec", DATABASE, "sh", "-c", kill])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_in_a_container_and_a_cap_that_is_changed_make_a_run_invalid() {
    // As soon as it is there, which is before the load, is too soon: it is looked at before the load.
    let over = CancellationToken::new();
    let _ends_it = over.clone().drop_guard();
    let meddling = tokio::task::spawn_blocking(move || {
        // The load is on when the generator, which goose starts, has signed somebody up.
        let counted = "SELECT 1 FROM signups LIMIT 1";
        let psql = [
            "exec", DATABASE, "psql", "-U", "signup", "-d", "signup", "-tAc", counted,
        ];
        let is_on = || {
            let output = Command::new("docker").args(psql).output().unwrap();
            output.stdout.starts_with(b"1")
        };
        while !is_on() {
            assert!(!over.is_cancelled(), "nobody signed up");
            std::thread::sleep(Duration::from_millis(300));
        }
        assert!(kill_the_checkpointer());
        assert!(docker(&["update", "--cpus", "1.5", DATABASE]));
    });
    let run = run("phase1 --users 2000 --window 20 --no-monitoring", &[]).await;
    meddling.await.unwrap();
    assert_eq!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
    let lost = |reason: &Reason| {
        matches!(reason, Reason::LostProcess { service, process }
            if service == "phase1-database" && process == "checkpointer")
    };
    let raised = |reason: &Reason| {
        matches!(reason, Reason::Cap { service, found_cpus, .. }
            if service == "phase1-database" && (found_cpus - 1.5).abs() < 1e-3)
    };
    // Where the kernel's files can be read, the engine's word is not taken.
    let kernel = run
        .caps
        .iter()
        .all(|cap| cap.read_from == CapSource::Kernel);
    assert!(!kernel || run.reasons.iter().any(lost), "{:?}", run.reasons);
    assert!(
        run.reasons.iter().any(raised),
        "{:?} {:?}",
        run.reasons,
        run.caps
    );
    // PostgreSQL lost nothing by it, and the ledger says so.
    assert_eq!(run.ledger.violations(), [], "{:?}", run.ledger);
}

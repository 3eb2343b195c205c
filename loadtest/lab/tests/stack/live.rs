//! `lab load` on a phase that was brought up by hand: as it is typed, and what it leaves behind.

use crate::{make_room, root};
use lab::run::{Lock, left_up};
use lab::stack::compose::Stack;
use lab::stack::phases::phase;
use lab::stack::service_metrics::scrape;
use lab_truth::record::{Loaded, Verdict};
use lab_truth::spec::PhaseName;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn lab_load(arguments: &str) -> Command {
    let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"));
    lab.arg("--root").arg(root()).arg("load");
    lab.args(arguments.split_whitespace());
    lab.stdout(Stdio::piped()).stderr(Stdio::piped());
    lab
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

async fn up(name: PhaseName) -> Stack {
    let _lock = Lock::take("a stack test").unwrap();
    make_room().await;
    let stack = Stack::new(phase(name), &root()).without_monitoring();
    stack.up_fresh().await.unwrap();
    stack
}

fn record(folder: &Path) -> Loaded {
    let load = folder.read_dir().unwrap().next().unwrap().unwrap();
    let json = std::fs::read_to_string(load.path().join("load.json")).unwrap();
    serde_json::from_str(&json).unwrap()
}

/// Two steps, then a second load beside what the first has left in the databases.
async fn loads_clean(name: PhaseName) -> Stack {
    let stack = up(name).await;
    for _ in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().display();
        let output = lab_load(&format!("--rate 20,50 --each 4s --out {out}")).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let loaded = record(folder.path());
        assert_eq!(loaded.phase, Some(name), "{}", said(&output));
        assert_eq!(loaded.steps.len(), 2);
        // A busy machine may have refused some; whatever was acknowledged is there.
        let ledger = loaded.databases.as_ref().unwrap();
        assert_eq!(ledger.violations(), [], "{}", said(&output));
        assert!(ledger.acked > 0 && ledger.kept <= 280, "{ledger:?}");
        assert_eq!(loaded.receipts.found, ledger.acked, "{:?}", loaded.receipts);
        assert_eq!(loaded.receipts.all(), ledger.acked, "{:?}", loaded.receipts);
        assert_eq!(loaded.verdict, Verdict::Suspect);
        assert!(loaded.cpu_us_per_signup().unwrap() > 0.0);
        assert_eq!(left_up().await.unwrap(), [name.to_string()]);
    }
    stack
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_finds_all_of_phase3_and_leaves_it_up() {
    loads_clean(PhaseName::Phase3).await.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_finds_all_of_phase1_and_leaves_it_up_also_after_ctrl_c() {
    let stack = loads_clean(PhaseName::Phase1).await;
    let before = scrape(stack.phase.operations).await.unwrap().acked;
    let loading = lab_load("--rate 20 --each 60m").spawn().unwrap();
    while scrape(stack.phase.operations).await.unwrap().acked < before + 10 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // One at a time, and the second is told who.
    let second = lab_load("--rate 1 --each 1s").output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let holder = format!("lab load, process {}", loading.id());
    assert!(said(&second).contains(&holder), "{}", said(&second));

    let process = loading.id().to_string();
    let interrupted = Command::new("kill").args(["-INT", &process]).status();
    assert!(interrupted.unwrap().success());
    let output = loading.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("stopped before its end"),
        "{}",
        said(&output)
    );
    assert!(said(&output).contains(" 0 lost"), "{}", said(&output));
    assert_eq!(left_up().await.unwrap(), ["phase1"]);
    stack.down().await.unwrap();
}

//! The real thing: images, containers, caps, a load, a ledger. Takes minutes, needs Docker and the
//! images (`make images-broken`), and runs one test at a time, because each of them measures.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking"
)]

use lab::phases::PhaseName;
use lab::record::{Run, Verdict};
use lab::run::Options;
use lab::scenario::Scenario;
use lab::stack::Stack;
use serde_json::Value;
use signup_conformance::Target;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const PROMETHEUS: &str = "http://127.0.0.1:9090";

/// 2 % of 100,000 users, at a tenth of their rate, who also read: so that every panel has data.
fn smoke() -> Options {
    let scenario = Scenario::Visit;
    Options {
        users: Some(2_000),
        window: 20,
        scenario,
        ..Options::of(PhaseName::Phase1)
    }
}

/// A short load with a server or database killed in the middle.
fn killed(service: &str) -> Options {
    Options {
        users: Some(1_200),
        window: 6,
        kill: Some(format!("{service}@3").parse().unwrap()),
        no_monitoring: true,
        ..Options::of(PhaseName::Phase1)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

async fn run(options: Options, variables: &[(&str, &str)]) -> Run {
    lab::run::run(&root(), &options, variables, CancellationToken::new())
        .await
        .unwrap()
}

async fn run_broken(defect: &str, options: Options) -> Run {
    run(
        options,
        &[
            ("PHASE1_SERVER_IMAGE", "signup-lab/phase1-monolith:broken"),
            ("BROKEN", defect),
        ],
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_smoke_run_is_clean_and_every_panel_and_rule_has_data() {
    let run = run(
        Options {
            keep: true,
            ..smoke()
        },
        &[],
    )
    .await;
    let monitored = every_query_has_data().await;
    let stack = Stack::new(PhaseName::Phase1.phase(), &root());
    stack.down().await.unwrap();
    assert_eq!(run.ledger.violations(), [], "{:?}", run.reasons);
    assert_eq!(run.ledger.kept, 2_000, "{:?}", run.ledger);
    // A busy machine may make the figures SUSPECT; nothing may make them INVALID.
    assert_ne!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
    assert_eq!(monitored, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_holds_in_the_containers() {
    let stack = Stack::new(PhaseName::Phase1.phase(), &root()).without_monitoring();
    stack.up_fresh().await.unwrap();
    let token = fs::read_to_string(root().join("compose/secrets/organiser_token")).unwrap();
    let phase = stack.phase;
    let operations = Some(phase.operations[0].to_owned());
    let target = Target::new(phase.url, operations, token.trim_end()).unwrap();
    let mut failed = Vec::new();
    let summary = signup_conformance::run(&target, None, |outcome| {
        if !matches!(outcome.verdict, signup_conformance::Verdict::Passed) {
            failed.push(format!("{}: {:?}", outcome.name, outcome.verdict));
        }
    })
    .await;
    stack.down().await.unwrap();
    assert_eq!(failed, Vec::<String>::new());
    assert!(summary.passed > 50, "{summary:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_server_loses_nothing_when_it_is_killed() {
    let run = run(killed("phase1-server"), &[]).await;
    assert_eq!(run.ledger.violations(), [], "{:?}", run.ledger);
    assert!(
        run.ledger.acked < 1_200,
        "the kill was not felt: {:?}",
        run.ledger
    );
    assert_ne!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_server_loses_nothing_when_its_database_is_killed() {
    let run = run(killed("phase1-database"), &[]).await;
    assert_eq!(run.ledger.violations(), [], "{:?}", run.ledger);
    assert!(
        run.ledger.refused > 0,
        "the kill was not felt: {:?}",
        run.ledger
    );
    assert_ne!(run.verdict, Verdict::Invalid, "{:?}", run.reasons);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_answers_before_it_commits_is_convicted() {
    let run = run_broken("ack-before-commit", killed("phase1-server")).await;
    assert!(run.ledger.lost > 0, "{:?}", run.ledger);
    assert_eq!(run.verdict, Verdict::Invalid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_after_it_has_committed_is_convicted() {
    let run = run_broken("refuse-after-commit", killed("phase1-database")).await;
    assert!(run.ledger.unexpected > 0, "{:?}", run.ledger);
    assert_eq!(run.verdict, Verdict::Invalid);
}

/// Asks the real Prometheus every query of the dashboards and every recording rule; returns those
/// that fail or find nothing. (Alerts find nothing when all is well: of those, that they parse and
/// evaluate.)
async fn every_query_has_data() -> Vec<String> {
    let mut queries = panel_queries();
    let rules: Value = get("/api/v1/rules").await;
    let mut complaints = Vec::new();
    for rule in rules["data"]["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|g| g["rules"].as_array().unwrap())
    {
        if rule["health"] != "ok" {
            complaints.push(format!("rule {}: {}", rule["name"], rule["lastError"]));
        }
        if rule["type"] == "recording" {
            queries.push((
                rule["name"].to_string(),
                rule["name"].as_str().unwrap().to_owned(),
            ));
        }
    }
    assert!(
        queries.len() >= 8,
        "the dashboards hold only {} queries",
        queries.len()
    );
    // The last scrapes and evaluations of the load must be in.
    tokio::time::sleep(Duration::from_secs(10)).await;
    for (title, query) in queries {
        let query = query
            .replace("$__rate_interval", "1m")
            .replace("$phase", "phase1");
        let url = format!("{PROMETHEUS}/api/v1/query");
        let answer = reqwest::Client::new()
            .get(url)
            .query(&[("query", &query)])
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        let found = answer["data"]["result"].as_array().map_or(0, Vec::len);
        if found == 0 {
            complaints.push(format!("{title}: {query}: {answer}"));
        }
    }
    complaints
}

async fn get(path: &str) -> Value {
    reqwest::get(format!("{PROMETHEUS}{path}"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

/// Title and query of every panel of every dashboard.
fn panel_queries() -> Vec<(String, String)> {
    let folder = root().join("monitoring/grafana/dashboards");
    let mut queries = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let dashboard: Value =
            serde_json::from_str(&fs::read_to_string(file.unwrap().path()).unwrap()).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let query = target["expr"].as_str().unwrap().to_owned();
                queries.push((panel["title"].to_string(), query));
            }
        }
    }
    queries
}

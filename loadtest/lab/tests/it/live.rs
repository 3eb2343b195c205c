//! A load on what is up, against a service of this file that keeps its word only mostly: each receipt is
//! asked for until it is recorded, and what is not there is found out.

use crate::generator::{EVENT, TURN, receipt, serve};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use lab::run::Silent;
use lab::run::live::{self, LiveSetting, Wanted};
use lab_truth::assemble::LoadAsked;
use lab_truth::record::{Loaded, Reason, Verdict};
use lab_truth::spec::{Arrivals, Scenario, StepSpec};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Participants of whom the service forgets the receipt, and the name.
const FORGOTTEN: usize = 7;
const RENAMED: usize = 9;

/// By receipt: the name, and how often it was asked for.
type Kept = Arc<Mutex<HashMap<String, (String, u32)>>>;

async fn sign_up(State(kept): State<Kept>, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    let email = body["email"].as_str().unwrap();
    let number: usize = email[1..].split('@').next().unwrap().parse().unwrap();
    if number % 10 == 3 {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(Value::Null));
    }
    let receipt = receipt(number);
    if number != FORGOTTEN {
        let name = match number {
            RENAMED => "Somebody else",
            _ => body["name"].as_str().unwrap(),
        };
        let mut kept = kept.lock().unwrap();
        kept.entry(receipt.clone()).or_insert((name.to_owned(), 0));
    }
    let answer = json!({"receipt": receipt, "status": "accepted"});
    (StatusCode::ACCEPTED, Json(answer))
}

async fn check(
    State(kept): State<Kept>,
    Path((_, receipt)): Path<(String, String)>,
) -> Result<Json<Value>, StatusCode> {
    let mut kept = kept.lock().unwrap();
    let (name, asked) = kept.get_mut(&receipt).ok_or(StatusCode::NOT_FOUND)?;
    *asked += 1;
    let status = if *asked > 1 { "recorded" } else { "accepted" };
    Ok(Json(json!({"status": status, "name": name})))
}

async fn event(Path(event): Path<String>) -> Result<Json<Value>, StatusCode> {
    match event == EVENT {
        true => Ok(Json(json!({"id": event}))),
        false => Err(StatusCode::NOT_FOUND),
    }
}

async fn service() -> (String, Kept) {
    let kept = Kept::default();
    let router = Router::new()
        .route("/v1/events/{event}", get(event))
        .route("/v1/events/{event}/signups", post(sign_up))
        .route("/v1/events/{event}/signups/{receipt}", get(check))
        .with_state(Arc::clone(&kept));
    (serve(router).await, kept)
}

fn wanted(url: &str, steps: &[(u32, u32)]) -> Wanted {
    let steps = steps
        .iter()
        .map(|&(users, window_s)| StepSpec { users, window_s });
    Wanted {
        url: Some(url.to_owned()),
        event: EVENT.to_owned(),
        asked: LoadAsked {
            steps: steps.collect(),
            scenario: Scenario::Rush,
            arrivals: Arrivals::Flat,
            seed: 1,
            slots: 64,
        },
        report: None,
        may_load: false,
    }
}

async fn load(wanted: Wanted, stop: CancellationToken) -> anyhow::Result<Loaded> {
    let setting = LiveSetting {
        root: FilePath::new(env!("CARGO_MANIFEST_DIR")),
        steps: &Silent,
        stop,
        give_up: CancellationToken::new(),
    };
    live::load(wanted, &setting).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_receipt_is_asked_for_until_it_is_recorded_and_what_is_not_there_is_found_out() {
    let _turn = TURN.lock().await;
    let (url, kept) = service().await;
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("goose.html");
    let mut wanted = wanted(&url, &[(100, 2), (300, 3)]);
    wanted.report = Some(report.clone());
    let loaded = load(wanted, CancellationToken::new()).await.unwrap();

    // Of 400, each tenth was refused; of the others two are not as they were sent.
    let receipts = loaded.receipts;
    assert_eq!(
        (receipts.not_found, receipts.altered),
        (1, 1),
        "{receipts:?}"
    );
    assert_eq!((receipts.found, receipts.all()), (358, 360), "{receipts:?}");
    assert_eq!(kept.lock().unwrap().len(), 359);
    assert_eq!(loaded.verdict, Verdict::Invalid);
    let unclean = loaded
        .reasons
        .iter()
        .filter(|r| matches!(r, Reason::Unclean { .. }));
    assert_eq!(unclean.count(), 2, "{:?}", loaded.reasons);

    let [one, two] = loaded.steps.as_slice() else {
        panic!("{:?}", loaded.steps)
    };
    assert_eq!(
        (one.users, one.begin_s, two.users, two.begin_s),
        (100, 0, 300, 2)
    );
    // 100 and a few who send twice, in 2 s.
    assert!((50.0..=53.0).contains(&one.asked_per_s), "{one:?}");
    assert!((100.0..=106.0).contains(&two.asked_per_s), "{two:?}");
    assert!(one.refused >= 10 && two.refused >= 30, "{one:?} {two:?}");
    assert!(
        !one.outcome.as_ref().unwrap().carried,
        "a tenth was refused"
    );

    // goose counts the same requests.
    let html = std::fs::read_to_string(report).unwrap();
    let sent = loaded.answers["signup"].values().sum::<u64>();
    assert!(
        html.contains("signup") && html.contains(&sent.to_string()),
        "{sent}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_a_stop_is_looked_for_all_the_same() {
    let _turn = TURN.lock().await;
    let (url, kept) = service().await;
    let (stop, seen) = (CancellationToken::new(), Arc::clone(&kept));
    let stopping = stop.clone();
    tokio::spawn(async move {
        while seen.lock().unwrap().len() < 20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stopping.cancel();
    });
    let wanted = wanted(&url, &[(100_000, 1_000), (100, 1)]);
    let loaded = load(wanted, stop).await.unwrap();
    assert!(loaded.stopped);
    assert!(
        loaded.reasons.contains(&Reason::Interrupted),
        "{:?}",
        loaded.reasons
    );
    // The second step never began, and the first is not judged.
    assert_eq!(loaded.steps.len(), 1, "{:?}", loaded.steps);
    assert_eq!(loaded.steps[0].outcome, None);
    let receipts = loaded.receipts;
    assert!(
        receipts.found >= 15 && receipts.not_known == 0,
        "{receipts:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_loaded_is_told_before_anything_is_sent() {
    let (url, kept) = service().await;
    let error = async |url: &str, event: &str| {
        let mut wanted = wanted(url, &[(10, 1)]);
        event.clone_into(&mut wanted.event);
        let refused = load(wanted, CancellationToken::new()).await;
        refused.unwrap_err().to_string()
    };
    let other = error(&url, "00000000-0000-7000-8000-000000000002").await;
    assert!(
        other.contains("404") && other.contains("--event"),
        "{other}"
    );
    // Nobody listens on the discard port.
    let nobody = error("127.0.0.1:9", EVENT).await;
    assert!(
        nobody.contains("docker compose --profile phase1 up"),
        "{nobody}"
    );
    // A server that answers everything 200 is no phase.
    let any = serve(Router::new().fallback(async || "{}")).await;
    let any = error(&any, EVENT).await;
    assert!(any.contains("contract"), "{any}");
    assert!(kept.lock().unwrap().is_empty());
}

//! The suite can convict: a server that is plainly wrong fails it, case by case. A suite that
//! nothing fails would prove nothing.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking"
)]

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use signup_conformance::{Target, Verdict};
use tokio::net::TcpListener;

/// Starts a server that gives every request the same answer, on both ports.
async fn server_that_always_answers<R>(answer: R) -> Target
where
    R: IntoResponse + Clone + Send + Sync + 'static,
{
    let app = Router::new().fallback(move || std::future::ready(answer.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    Target::new(url.clone(), Some(url), "token").unwrap()
}

/// Names of the cases that `target` passes.
async fn passed(target: &Target) -> Vec<&'static str> {
    let mut passed = Vec::new();
    let summary = signup_conformance::run(target, None, |outcome| {
        if matches!(outcome.verdict, Verdict::Passed) {
            passed.push(outcome.name);
        }
    })
    .await;
    assert_eq!(summary.skipped, 0);
    assert_eq!(summary.passed, passed.len());
    passed
}

#[tokio::test]
async fn a_server_that_says_yes_to_everything_fails_nearly_every_case() {
    let json = [(CONTENT_TYPE, "application/json")];
    let target = server_that_always_answers((json, "{}")).await;
    assert_eq!(
        passed(&target).await,
        // All that this claims is a 200.
        ["probes::a_healthy_service_says_so"]
    );
}

#[tokio::test]
async fn a_server_that_says_no_to_everything_fails_nearly_every_case() {
    let problem = [(CONTENT_TYPE, "application/problem+json")];
    let body = r#"{"type":"/problems/not_found","title":"Not Found","status":404,
        "detail":"Nothing here.","code":"not_found","errors":[],"request_id":"1"}"#;
    let headers = [("x-request-id", "1")];
    let answer = (StatusCode::NOT_FOUND, problem, headers, body);
    let target = server_that_always_answers(answer).await;
    assert_eq!(
        passed(&target).await,
        [
            "paths::operations_are_not_public",
            "probes::the_contract_is_not_on_the_operations_port",
        ]
    );
}

#[tokio::test]
async fn a_failure_says_what_was_sent_expected_and_got() {
    let json = [(CONTENT_TYPE, "application/json")];
    let target = server_that_always_answers((StatusCode::IM_A_TEAPOT, json, "{}")).await;
    let mut said = String::new();
    let filter = Some("a_participant_signs_up_once");
    let summary = signup_conformance::run(&target, filter, |outcome| {
        if let Verdict::Failed(error) = &outcome.verdict {
            said = format!("{error:#}");
        }
    })
    .await;
    assert_eq!((summary.failed, summary.passed), (1, 0));
    assert!(said.contains("sent      POST /v1/events"), "{said}");
    assert!(said.contains("expected  status [201]"), "{said}");
    assert!(
        said.contains("got       418 (application/json) {}"),
        "{said}"
    );
    assert!(!said.contains("token"), "{said}");
}

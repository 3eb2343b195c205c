//! The generator against real sockets: what is sent, what is written down about it, and that it
//! ends. goose keeps process-wide state, so these tests take turns.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use lab::load::{self, Plan, Progress, null_server};
use lab_truth::evidence::{Ending, Kind, LoadSeen, State};
use lab_truth::plan::{Participants, Schedule};
use lab_truth::spec::{Arrivals, GreedyClients, Scenario};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
pub(crate) const EVENT: &str = "00000000-0000-7000-8000-000000000001";

pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn plan(base: &str, schedule: Schedule, slots: usize) -> Plan {
    Plan {
        base: base.parse().unwrap(),
        event: EVENT.to_owned(),
        participants: Participants::new("test"),
        schedule,
        slots,
        greedy: GreedyClients::default(),
        report: None,
    }
}

async fn send(base: &str, schedule: Schedule, slots: usize, stop: CancellationToken) -> LoadSeen {
    send_plan(plan(base, schedule, slots), stop).await
}

async fn send_plan(plan: Plan, stop: CancellationToken) -> LoadSeen {
    let progress = Arc::new(Progress::default());
    let run = load::run(plan, Arc::clone(&progress), stop);
    let seen = run.await.unwrap();
    assert_eq!(Progress::read(&progress.in_flight), 0);
    assert_eq!(Progress::read(&progress.sent), seen.attempts.len() as u64);
    assert_eq!(seen.goose_requests, seen.attempts.len() as u64);
    seen
}

pub(crate) fn receipt(number: usize) -> String {
    format!("{number:0>42}A")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rush_sends_every_signup_at_its_instant_and_writes_down_every_answer() {
    let _turn = TURN.lock().await;
    let bodies: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let seen = Arc::clone(&bodies);
    let answer = async move |body: String| {
        let mut seen = seen.lock().unwrap();
        let number = seen.len();
        *seen.entry(body).or_insert(0) += 1;
        let receipt = receipt(number);
        (
            StatusCode::CREATED,
            format!(r#"{{"receipt":"{receipt}","status":"recorded"}}"#),
        )
    };
    let base = serve(Router::new().route("/v1/events/{event}/signups", post(answer))).await;
    let schedule = Schedule::new(
        Scenario::Rush,
        500,
        Duration::from_secs(2),
        Arrivals::Flat,
        1,
    );
    let seen = send(&base, schedule, 64, CancellationToken::new()).await;

    // 500, of whom 25 send twice and 5 again after the answer.
    assert_eq!(seen.attempts.len(), 530);
    assert_eq!((seen.due, seen.dropped, seen.stopped), (530, 0, false));
    let participants = Participants::new("test");
    let bodies = bodies.lock().unwrap();
    for participant in 0..500 {
        let body = String::from_utf8(participants.body(participant)).unwrap();
        let sent = seen
            .attempts
            .iter()
            .filter(|attempt| attempt.participant == participant);
        assert_eq!(bodies[&body], sent.count(), "{participant}");
    }
    for attempt in &seen.attempts {
        assert_eq!(attempt.ending, Ending::Status(201));
        assert_eq!(attempt.state, Some(State::Recorded));
        assert!(attempt.receipt.is_some());
        assert!(attempt.intended_us <= attempt.sent_us && attempt.sent_us <= attempt.answered_us);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_checks_its_receipt_until_it_is_recorded() {
    let _turn = TURN.lock().await;
    let checks: Arc<Mutex<HashMap<String, u32>>> = Arc::default();
    let signups = Arc::new(AtomicU64::new(0));
    let sign_up = async move |_body: String| {
        let number = signups.fetch_add(1, Ordering::Relaxed);
        // Every tenth is refused, and so has nothing to check.
        if number % 10 == 9 {
            return (StatusCode::SERVICE_UNAVAILABLE, String::new());
        }
        let receipt = receipt(usize::try_from(number).unwrap());
        (
            StatusCode::ACCEPTED,
            format!(r#"{{"receipt":"{receipt}","status":"accepted"}}"#),
        )
    };
    let check = async move |path: axum::extract::Path<(String, String)>| {
        let mut checks = checks.lock().unwrap();
        let times = checks.entry(path.0.1.clone()).or_insert(0);
        *times += 1;
        let status = if *times > 1 { "recorded" } else { "accepted" };
        format!(r#"{{"status":"{status}","receipt":"{}"}}"#, path.0.1)
    };
    let router = Router::new()
        .route("/v1/events/{event}/signups", post(sign_up))
        .route("/v1/events/{event}/signups/{receipt}", get(check))
        .route("/v1/events/{event}", get(async || "{}"));
    let base = serve(router).await;
    let schedule = Schedule::new(
        Scenario::Visit,
        50,
        Duration::from_secs(1),
        Arrivals::Doors,
        1,
    );
    let seen = send(&base, schedule, 32, CancellationToken::new()).await;

    let count = |kind| seen.attempts.iter().filter(|a| a.kind == kind).count();
    assert_eq!(count(Kind::Event), 50);
    assert_eq!(count(Kind::Signup), 50);
    assert_eq!(count(Kind::Receipt), 90, "two for each of the 45 accepted");
    assert_eq!(count(Kind::Count), 250);
    assert_eq!((seen.without_receipt, seen.never_recorded), (5, 0));
    assert_eq!(seen.dropped, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_service_does_not_slow_the_schedule_down() {
    let _turn = TURN.lock().await;
    let answer = async || {
        tokio::time::sleep(Duration::from_millis(100)).await;
        StatusCode::SERVICE_UNAVAILABLE
    };
    let base = serve(Router::new().route("/v1/events/{event}/signups", post(answer))).await;
    // 200 a second at 100 ms each need 20 slots, and there are 4: five seconds' work in one.
    let schedule = Schedule::signups(200, Duration::from_secs(1), 1);
    let seen = send(&base, schedule.clone(), 4, CancellationToken::new()).await;

    assert_eq!(seen.attempts.len(), 200);
    assert!(seen.waited_for_slot > 150, "{}", seen.waited_for_slot);
    assert!(seen.late > 150, "{}", seen.late);
    // Each that waited for a slot is marked: its delay is not the generator's.
    let waited = seen.attempts.iter().filter(|a| a.waited_for_slot).count() as u64;
    assert_eq!(waited, seen.waited_for_slot);
    assert_eq!(seen.own_lag_us.len() + waited, 200);
    let intended: Vec<u64> = schedule.arrivals.iter().map(|a| a.at_ns / 1_000).collect();
    let mut recorded: Vec<u64> = seen.attempts.iter().map(|a| a.intended_us).collect();
    recorded.sort_unstable();
    assert_eq!(recorded, intended);
    // The wait for a slot is in the latency, as a participant would feel it.
    let longest = seen.attempts.iter().map(|a| a.latency_us()).max();
    assert!(longest > Some(3_000_000), "{longest:?}");
    let (mean, expected) = (seen.in_flight_mean, seen.in_flight_expected);
    assert!(
        (mean / expected - 1.0).abs() < 0.25,
        "Little's law: {mean} {expected}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn greedy_clients_are_beside_a_load_and_not_in_it() {
    let _turn = TURN.lock().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(null_server::serve(listener));
    let mut plan = plan(&base, Schedule::signups(100, Duration::from_secs(1), 1), 8);
    plan.greedy = GreedyClients {
        slow_headers: 5,
        slow_bodies: 5,
        stalled_readers: 2,
    };
    let seen = send_plan(plan, CancellationToken::new()).await;
    assert_eq!((seen.due, seen.attempts.len()), (100, 100));
    for attempt in &seen.attempts {
        assert_eq!(attempt.ending, Ending::Status(201));
    }
    let greedy = seen.greedy.unwrap();
    assert!(greedy.cpu_s > 0.0 && seen.cpu_s > 0.0, "{greedy:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_certainly_never_sent_is_told_from_what_is_unknown() {
    let _turn = TURN.lock().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let breaking = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Long enough for the request to have left.
            tokio::time::sleep(Duration::from_millis(5)).await;
            drop(stream);
        }
    });
    let one = Schedule::signups(20, Duration::from_millis(500), 1);
    let seen = send(&breaking, one.clone(), 8, CancellationToken::new()).await;
    assert_eq!(seen.attempts.len(), 20);
    for attempt in &seen.attempts {
        assert_eq!(attempt.ending, Ending::Broken);
    }

    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let seen = send(&nobody, one, 8, CancellationToken::new()).await;
    assert_eq!(seen.attempts.len(), 20);
    for attempt in &seen.attempts {
        assert_eq!(attempt.ending, Ending::NeverSent);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_the_load_within_seconds_and_loses_no_record() {
    let _turn = TURN.lock().await;
    let answer = async || {
        tokio::time::sleep(Duration::from_secs(600)).await;
        StatusCode::CREATED
    };
    let base = serve(Router::new().route("/v1/events/{event}/signups", post(answer))).await;
    let stop = CancellationToken::new();
    let soon = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        soon.cancel();
    });
    let schedule = Schedule::signups(1_000, Duration::from_secs(100), 1);
    let seen = send(&base, schedule, 8, stop).await;
    // Nothing was answered, and most of the schedule was never sent: it did not wait for either.
    assert!(seen.stopped);
    assert_eq!(seen.attempts.len(), 8);
    for attempt in &seen.attempts {
        assert_eq!(attempt.ending, Ending::Broken);
    }
    assert_eq!(seen.dropped + 8, 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_only_goose_knows_of_ends_the_load_too() {
    let _turn = TURN.lock().await;
    let answer = async || {
        tokio::time::sleep(Duration::from_secs(600)).await;
        StatusCode::CREATED
    };
    let base = serve(Router::new().route("/v1/events/{event}/signups", post(answer))).await;
    tokio::spawn(async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        // As its own handler of Ctrl-C does, where the lab's was not installed.
        goose::trigger_killswitch("test");
    });
    let schedule = Schedule::signups(1_000, Duration::from_secs(100), 1);
    let seen = send(&base, schedule, 8, CancellationToken::new()).await;
    goose::reset_killswitch();
    assert!(seen.stopped);
    assert_eq!(seen.attempts.len(), 8);
    assert_eq!(seen.dropped + 8, 1_000);
}

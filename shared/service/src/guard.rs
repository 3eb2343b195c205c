//! Around every request: its id, its limits, its metrics and its log line.

use crate::admission::Admission;
use crate::leaving::Leaving;
use crate::log::LogBudget;
use crate::metrics::Metrics;
use crate::page;
use crate::paths::PAGE;
use crate::problem::{Code, Problem};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::http;
use hyper::http::header::CONNECTION;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use uuid::Uuid;

/// Longest URI accepted, in bytes. The longest of the contract has about 150.
const MAX_URI_BYTES: usize = 4 * 1024;

/// Largest header block accepted, names and values, in bytes.
const MAX_HEADER_BYTES: usize = 8 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the guard needs; one for the process.
#[derive(Clone)]
pub(crate) struct Guard(Arc<Shared>);

struct Shared {
    metrics: Metrics,
    admission: Admission,
    leaving: Leaving,
    /// Starts at random, so that ids of two runs differ, and counts up.
    next_request_id: AtomicU64,
    log_budget: LogBudget,
}

impl Guard {
    pub(crate) fn new(metrics: Metrics, admission: Admission, leaving: Leaving) -> Self {
        Self(Arc::new(Shared {
            metrics,
            admission,
            leaving,
            next_request_id: AtomicU64::new(Uuid::new_v4().as_u64_pair().0),
            log_budget: LogBudget::default(),
        }))
    }
}

/// Refuses a request by its header or runs it, and accounts for it.
pub(crate) async fn guard(
    State(Guard(shared)): State<Guard>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let request_id = format!(
        "{:016x}",
        shared.next_request_id.fetch_add(1, Ordering::Relaxed)
    );
    let path = request.extensions().get::<MatchedPath>();
    let route = shared
        .metrics
        .http
        .route(path.map(MatchedPath::as_str), request.method());
    let as_page = route.name() == PAGE && page::is_for_a_person(request.headers());

    // Before the body is read: a refusal must stay cheap when there are many.
    let refusal = match limits(&request) {
        Some(code) => Err(code.into()),
        None => shared.admission.check(),
    };
    let mut response = match refusal {
        Ok(()) => next.run(request).await,
        Err(problem) => Problem::into_response(problem),
    };

    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        log(&shared.log_budget, &problem, &request_id, route.name());
        let headers = std::mem::take(response.headers_mut());
        response = render(problem, &request_id, headers, as_page);
    }
    if let Ok(value) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if shared.leaving.closes() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    route.answered(response.status(), started.elapsed());
    response
}

/// What is refused by its shape, before it is routed to anything that looks at it.
fn limits(request: &Request) -> Option<Code> {
    let uri = request.uri();
    // The router would take the empty segment of `//` for an empty parameter.
    if uri.path().contains("//") {
        return Some(Code::NotFound);
    }
    let uri_bytes = uri.path().len() + uri.query().map_or(0, str::len);
    if uri_bytes > MAX_URI_BYTES {
        return Some(Code::UriTooLong);
    }
    let bytes = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    let header_bytes: usize = request.headers().iter().map(bytes).sum();
    (header_bytes > MAX_HEADER_BYTES).then_some(Code::HeadersTooLarge)
}

/// The answer to a request that failed. `headers` that were set beside the problem (`Allow`) stay.
fn render(problem: Problem, request_id: &str, headers: HeaderMap, as_page: bool) -> Response {
    let code = problem.code;
    let mut response = problem.render(request_id);
    if as_page {
        page::show_problem(&mut response, code);
    }
    for (name, value) in headers {
        if let Some(name) = name.filter(|name| !response.headers().contains_key(name)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// One line for each fault of ours; a client's mistakes are counted, not logged.
fn log(budget: &LogBudget, problem: &Problem, request_id: &str, route: &str) {
    if !problem.code.status().is_server_error() {
        return;
    }
    if let Some(suppressed) = budget.take() {
        let cause = problem
            .cause
            .as_deref()
            .unwrap_or("starting, or too many requests in progress");
        tracing::warn!(
            request_id,
            route,
            code = problem.code.as_str(),
            cause,
            suppressed,
            "request failed"
        );
    }
}

/// A handler that panicked: the client gets a 500, and the process goes on.
pub(crate) fn panicked(_payload: Box<dyn Any + Send>) -> Response {
    let mut problem = Problem::from(Code::Internal);
    problem.cause = Some("a handler panicked".into());
    problem.into_response()
}

//! The attendance list, for the organiser: JSON pages, or all of it as newline-delimited JSON.
//!
//! The export asks the store page by page, and only when the reader has taken the page before: a million
//! rows need neither a million rows of memory nor a database connection held for as long as the slowest
//! reader takes.

use super::api::{Api, InEvent, Organiser, provenance, within_deadline};
use crate::SignupStore;
use crate::paths::SIGNUPS;
use crate::problem::{Code, Problem, ProblemBody};
use crate::wire::{AttendeeAnswer, PageAnswer};
use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderMap, header};
use hyper::http;
use signup_domain::{Attendee, EventId, Found, Page, SignupId, StoreError};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Rows a page when the client does not say.
const DEFAULT_LIMIT: u16 = 100;

/// Most rows a page, and rows fetched at once by the export.
const MAX_LIMIT: u16 = 1_000;

/// How long an export asks again for a page that the store refuses, and how often: its reader has rows in
/// hand, and would have to begin again for a database that is busy or away for a moment.
const ASK_AGAIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(250);

const NDJSON: &str = "application/x-ndjson";

type QueryPairs = Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>;

/// Read the attendance list (organiser only), ordered by an internal id.
#[utoipa::path(
    get, path = SIGNUPS, tag = "attendance",
    security(("organiser" = [])),
    params(("event" = Uuid, Path, description = "The event"),
           ("after" = Option<String>, Query, description = "Continue after this receipt"),
           ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, description = "Rows a page; 100 when left out")),
    responses(
        (status = 200, description = "A page, or with `Accept: application/x-ndjson` all rows from `after` on, one a line",
         content((PageAnswer = "application/json"), (AttendeeAnswer = "application/x-ndjson"))),
        (status = 401, description = "The organiser's token is missing", body = ProblemBody, content_type = "application/problem+json",
         headers(("WWW-Authenticate" = String, description = "Bearer"))),
        (status = "4XX", description = "No effect", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Refused to protect the service", body = ProblemBody, content_type = "application/problem+json",
         headers(("Retry-After" = u32, description = "Seconds to wait"))),
        (status = "5XX", description = "Not known now", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list<S: SignupStore>(
    State(api): State<Arc<Api<S>>>,
    _: Organiser,
    InEvent(event): InEvent,
    query: QueryPairs,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = page(&api, event, query)?;
    let export = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.split([',', ';']).any(|kind| kind.trim() == NDJSON));
    if export {
        export_all(api, event, page.after).await
    } else {
        one_page(&api, event, page).await
    }
}

/// The page asked for. Unknown parameters are refused: a misspelt `limit` would be ignored.
fn page<S: SignupStore>(api: &Api<S>, event: EventId, query: QueryPairs) -> Result<Page, Problem> {
    let Query(pairs) = query.map_err(|_| Code::InvalidQuery)?;
    let mut page = Page {
        after: None,
        limit: DEFAULT_LIMIT,
    };
    for (key, value) in pairs {
        match key.as_str() {
            "after" => {
                let id = api.secrets.receipt_keys.open(event, &value);
                page.after = Some(id.ok_or(Code::InvalidQuery)?);
            }
            "limit" => {
                let limit = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=MAX_LIMIT).contains(limit));
                page.limit = limit.ok_or(Code::InvalidQuery)?;
            }
            _ => return Err(Code::InvalidQuery.into()),
        }
    }
    Ok(page)
}

async fn one_page<S: SignupStore>(
    api: &Api<S>,
    event: EventId,
    page: Page,
) -> Result<Response, Problem> {
    let found = api.read(api.store.list(event, page)).await?;
    let headers = provenance(&found);
    let full = found.value.len() == usize::from(page.limit);
    let signups: Vec<_> = found
        .value
        .into_iter()
        .map(|row| answer(api, event, row))
        .collect();
    let next = signups
        .last()
        .filter(|_| full)
        .map(|last| last.receipt.clone());
    Ok((headers, Json(PageAnswer { signups, next })).into_response())
}

/// Streams the list from `after` on. The first page is read before the status goes out, so that an
/// unknown event is still a 404; a failure after that, once it has lasted, breaks the connection off, which tells the
/// reader that the list is not complete.
async fn export_all<S: SignupStore>(
    api: Arc<Api<S>>,
    event: EventId,
    after: Option<SignupId>,
) -> Result<Response, Problem> {
    // A place for the first page, as for any request; an export that has begun is not refused.
    let place = api.admission.place()?;
    let first = fetch(&api, event, after).await?;
    drop(place);
    let headers = provenance(&first);
    let rest = stream::try_unfold(
        (api.clone(), cursor(&first)),
        move |(api, after)| async move {
            let Some(after) = after else { return Ok(None) };
            let found = fetch_patiently(&api, event, after).await;
            let found =
                found.map_err(|_| io::Error::other("the store failed; the export is cut off"))?;
            let next = cursor(&found);
            Ok(Some((ndjson(&api, event, found.value)?, (api, next))))
        },
    );
    let first = ndjson(&api, event, first.value);
    let body = Body::from_stream(stream::once(async { first }).chain(rest));
    Ok((headers, [(header::CONTENT_TYPE, NDJSON)], body).into_response())
}

async fn fetch<S: SignupStore>(
    api: &Api<S>,
    event: EventId,
    after: Option<SignupId>,
) -> Result<Found<Vec<Attendee>>, Problem> {
    let page = Page {
        after,
        limit: MAX_LIMIT,
    };
    within_deadline(api.store.list(event, page), StoreError::Unavailable).await
}

async fn fetch_patiently<S: SignupStore>(
    api: &Api<S>,
    event: EventId,
    after: SignupId,
) -> Result<Found<Vec<Attendee>>, Problem> {
    let began = Instant::now();
    loop {
        match fetch(api, event, Some(after)).await {
            Err(problem) if problem.code == Code::Unavailable && began.elapsed() < ASK_AGAIN => {
                sleep(PAUSE).await;
            }
            found => return found,
        }
    }
}

/// Where the next page begins; `None` when this one was the last.
fn cursor(found: &Found<Vec<Attendee>>) -> Option<SignupId> {
    let full = found.value.len() == usize::from(MAX_LIMIT);
    found.value.last().filter(|_| full).map(|last| last.id)
}

fn ndjson<S: SignupStore>(api: &Api<S>, event: EventId, rows: Vec<Attendee>) -> io::Result<Bytes> {
    let mut lines = Vec::with_capacity(rows.len() * 160);
    for row in rows {
        serde_json::to_writer(&mut lines, &answer(api, event, row))?;
        lines.push(b'\n');
    }
    Ok(lines.into())
}

fn answer<S: SignupStore>(api: &Api<S>, event: EventId, row: Attendee) -> AttendeeAnswer {
    AttendeeAnswer {
        receipt: api
            .secrets
            .receipt_keys
            .seal(event, row.id)
            .as_str()
            .to_owned(),
        email: row.email,
        name: row.name,
        signed_up_at: row.signed_up_at,
    }
}

//! Showing an event with its number of signups, and creating one.

use super::api::{Api, InEvent, Organiser, provenance};
use crate::SignupStore;
use crate::body::Fields;
use crate::clock;
use crate::paths::{EVENT, EVENTS};
use crate::problem::{Code, Problem, ProblemBody};
use crate::wire::{EventAnswer, EventRequest};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use hyper::http;
use signup_domain::NewEvent;
use std::sync::Arc;

/// Show an event and its number of signups.
#[utoipa::path(
    get, path = EVENT, tag = "events",
    params(("event" = Uuid, Path, description = "The event")),
    responses(
        (status = 200, description = "The event; `as_of` says how old the count is", body = EventAnswer,
         headers(("X-Cache" = String, description = "HIT, MISS or BYPASS"),
                 ("X-Served-By" = String, description = "primary, replica, cache or shard"))),
        (status = 404, description = "No such event", body = ProblemBody, content_type = "application/problem+json"),
        (status = "4XX", description = "Not a request of this contract", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Refused to protect the service", body = ProblemBody, content_type = "application/problem+json",
         headers(("Retry-After" = u32, description = "Seconds to wait"))),
        (status = "5XX", description = "Not known now", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show<S: SignupStore>(
    State(api): State<Arc<Api<S>>>,
    InEvent(event): InEvent,
) -> Result<Response, Problem> {
    let found = api.read(api.store.event(event)).await?;
    let headers = provenance(&found);
    Ok((headers, Json(EventAnswer::from(found.value))).into_response())
}

/// Create an event (organiser only).
#[utoipa::path(
    post, path = EVENTS, tag = "events", request_body = EventRequest,
    security(("organiser" = [])),
    responses(
        (status = 201, description = "Created", body = EventAnswer,
         headers(("Location" = String, description = "The event"))),
        (status = 401, description = "The organiser's token is missing", body = ProblemBody, content_type = "application/problem+json",
         headers(("WWW-Authenticate" = String, description = "Bearer"))),
        (status = "4XX", description = "No effect", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Refused; no effect, guaranteed", body = ProblemBody, content_type = "application/problem+json",
         headers(("Retry-After" = u32, description = "Seconds to wait"))),
        (status = "5XX", description = "Not known whether it was created", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create<S: SignupStore>(
    State(api): State<Arc<Api<S>>>,
    _: Organiser,
    fields: Fields,
) -> Result<Response, Problem> {
    let event = api.ask(api.store.create_event(new_event(fields)?)).await?;
    let location = format!("/v1/events/{}", event.id);
    let answer = EventAnswer::new(event, 0, clock::now());
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(answer),
    )
        .into_response())
}

fn new_event(mut fields: Fields) -> Result<NewEvent, Problem> {
    let name = super::signups::name(&mut fields);
    let opens_at = fields.optional_time("opens_at");
    let closes_at = fields.optional_time("closes_at");
    if opens_at
        .zip(closes_at)
        .is_some_and(|(opens, closes)| closes <= opens)
    {
        let _: Option<()> = fields.reject("closes_at", Code::InvalidPeriod);
    }
    fields.finish()?;
    // A missing name has recorded its error, so `finish` has returned it.
    let name = name.ok_or(Code::InvalidBody)?;
    Ok(NewEvent {
        name,
        opens_at,
        closes_at,
    })
}

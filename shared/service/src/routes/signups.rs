//! Signing up, and checking a receipt.

use super::api::{Api, InEvent, event_id, provenance};
use crate::SignupStore;
use crate::body::Fields;
use crate::clock;
use crate::paths::{RECEIPT, SIGNUPS};
use crate::problem::{Code, Problem, ProblemBody};
use crate::wire::{ReceiptAnswer, SignupAnswer, SignupRequest};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use hyper::http;
use signup_domain::{Checked, Email, InvalidEmail, InvalidName, Name, NewSignup, SignedUp, Status};
use std::sync::Arc;

/// Sign up for an event.
///
/// Signing up twice is safe: the same participant gets the same receipt, and there is one signup. Who is
/// recorded gets it after the event has closed, too.
#[utoipa::path(
    post, path = SIGNUPS, tag = "signups", request_body = SignupRequest,
    params(("event" = Uuid, Path, description = "The event")),
    responses(
        (status = 200, description = "Had signed up before, and is recorded", body = SignupAnswer),
        (status = 201, description = "Committed and fsynced in the database", body = SignupAnswer,
         headers(("Location" = String, description = "Where the receipt can be checked"))),
        (status = 202, description = "Fsynced by a queue; will be recorded", body = SignupAnswer,
         headers(("Location" = String, description = "Where the receipt can be checked"))),
        (status = 409, description = "The event takes no signups now, and this participant is not recorded; no effect. A receipt that was given stays good",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = "4XX", description = "No effect", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Refused; no effect, guaranteed", body = ProblemBody, content_type = "application/problem+json",
         headers(("Retry-After" = u32, description = "Seconds to wait"))),
        (status = "5XX", description = "Not known whether it was stored; repeat it", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn sign_up<S: SignupStore>(
    State(api): State<Arc<Api<S>>>,
    InEvent(event): InEvent,
    fields: Fields,
) -> Result<Response, Problem> {
    let at = clock::now();
    let (email, name) = participant(fields)?;
    let signup = NewSignup {
        event,
        email,
        name,
        at,
    };
    let SignedUp {
        id,
        status,
        new,
        signed_up_at,
    } = api.ask(api.store.sign_up(signup)).await?;

    let receipt = api.secrets.receipt_keys.seal(event, id);
    let code = match (status, new) {
        (Status::Recorded, true) => StatusCode::CREATED,
        (Status::Recorded, false) => StatusCode::OK,
        (Status::Accepted, _) => StatusCode::ACCEPTED,
    };
    let location = format!("/v1/events/{event}/signups/{}", receipt.as_str());
    let answer = SignupAnswer {
        receipt: receipt.as_str().to_owned(),
        event: *event.as_uuid(),
        status: status.into(),
        signed_up_at,
    };
    let mut response = (code, Json(answer)).into_response();
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

fn participant(mut fields: Fields) -> Result<(Email, Name), Problem> {
    let email = fields
        .text("email")
        .and_then(|text| match Email::parse(&text) {
            Ok(email) => Some(email),
            Err(InvalidEmail::Empty) => fields.reject("email", Code::InvalidField),
            Err(InvalidEmail::TooLong) => fields.reject("email", Code::TooLong),
            Err(InvalidEmail::Malformed) => fields.reject("email", Code::InvalidEmail),
        });
    let name = name(&mut fields);
    fields.finish()?;
    // Each `None` has recorded its error, so `finish` has returned it.
    email.zip(name).ok_or_else(|| Code::InvalidBody.into())
}

/// The name in a body; records what is wrong with it.
pub(super) fn name(fields: &mut Fields) -> Option<Name> {
    fields
        .text("name")
        .and_then(|text| match Name::parse(text) {
            Ok(name) => Some(name),
            Err(InvalidName::Empty) => fields.reject("name", Code::InvalidField),
            Err(InvalidName::TooLong) => fields.reject("name", Code::TooLong),
            Err(InvalidName::HiddenCharacter) => fields.reject("name", Code::InvalidCharacter),
        })
}

/// Check a receipt.
#[utoipa::path(
    get, path = RECEIPT, tag = "signups",
    params(("event" = Uuid, Path, description = "The event"),
           ("receipt" = String, Path, description = "The receipt")),
    responses(
        (status = 200, description = "Issued by this service for this event", body = ReceiptAnswer,
         headers(("X-Cache" = String, description = "HIT, MISS or BYPASS"),
                 ("X-Served-By" = String, description = "primary, replica, cache or shard"))),
        (status = 404, description = "Never issued", body = ProblemBody, content_type = "application/problem+json"),
        (status = "4XX", description = "Not a request of this contract", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Refused to protect the service", body = ProblemBody, content_type = "application/problem+json",
         headers(("Retry-After" = u32, description = "Seconds to wait"))),
        (status = "5XX", description = "Not known now", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn check_receipt<S: SignupStore>(
    State(api): State<Arc<Api<S>>>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Problem> {
    let Path((event, receipt)) = path.map_err(|_| Code::ReceiptNotFound)?;
    let event = event_id(&event)?;
    let keys = &api.secrets.receipt_keys;
    let id = keys.open(event, &receipt).ok_or(Code::ReceiptNotFound)?;
    let found = api.read(api.store.find(event, id)).await?;
    let headers = provenance(&found);
    let (status, signup) = match found.value.ok_or(Code::ReceiptNotFound)? {
        Checked::Recorded(signup) => (Status::Recorded, Some(signup)),
        Checked::Accepted => (Status::Accepted, None),
    };
    let signed_up_at = signup.as_ref().map(|signup| signup.signed_up_at);
    let answer = ReceiptAnswer {
        receipt,
        event: *event.as_uuid(),
        status: status.into(),
        name: signup.map(|signup| signup.name),
        signed_up_at,
    };
    Ok((headers, Json(answer)).into_response())
}

//! What the handlers share: the store behind its deadline, who may ask, and what is read from a path
//! and said in a header the same way everywhere.

use crate::admission::Admission;
use crate::problem::{Code, Problem};
use crate::{Secrets, SignupStore};
use axum::extract::{FromRequestParts, Path};
use constant_time_eq::constant_time_eq;
use futures::FutureExt;
use futures::future::{Either, ready};
use http::request::Parts;
use http::{HeaderName, HeaderValue, header};
use hyper::http;
use signup_domain::{Cache, EventId, Found, ServedBy, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// Every request is answered within 2 s, whatever is broken behind it: a store that has not
/// answered after this is not waited for. Under 2 s by what the answer itself may take.
const STORE_DEADLINE: Duration = Duration::from_millis(1_900);

/// One for the process.
pub(crate) struct Api<S> {
    pub(crate) store: S,
    pub(crate) admission: Admission,
    pub(crate) secrets: Arc<Secrets>,
}

impl<S> Api<S> {
    /// Asks the store: in a place of its own, if there is one, and not past the deadline. All of the
    /// request must be there by now.
    pub(crate) fn ask<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> impl Future<Output = Result<T, Problem>> {
        self.in_a_place(within_deadline(work, StoreError::Unknown))
    }

    /// The same for what changes nothing: what is not known in time is refused, not left open.
    pub(crate) fn read<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> impl Future<Output = Result<T, Problem>> {
        self.in_a_place(within_deadline(work, StoreError::Unavailable))
    }

    fn in_a_place<T>(
        &self,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> impl Future<Output = Result<T, Problem>> {
        match self.admission.place() {
            Ok(place) => Either::Left(work.inspect(move |_| drop(place))),
            Err(refusal) => Either::Right(ready(Err(refusal))),
        }
    }
}

/// Waits for the store, but not past the deadline; then what became of it is `late`.
///
/// Not an `async fn`: that would hold `work` twice, as its argument and where it is waited for.
pub(crate) fn within_deadline<T>(
    work: impl Future<Output = Result<T, StoreError>>,
    late: fn(String) -> StoreError,
) -> impl Future<Output = Result<T, Problem>> {
    tokio::time::timeout(STORE_DEADLINE, work).map(move |finished| match finished {
        Ok(result) => Ok(result?),
        Err(_elapsed) => Err(late("the store did not answer in time".into()).into()),
    })
}

/// The event named in the path. What is no UUID names no event.
pub(crate) fn event_id(text: &str) -> Result<EventId, Problem> {
    text.parse().map_err(|_| Code::EventNotFound.into())
}

/// The event named in the path, where that is all it names.
pub(crate) struct InEvent(pub(crate) EventId);

impl<S: Send + Sync> FromRequestParts<S> for InEvent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(event) = path.map_err(|_| Code::EventNotFound)?;
        event_id(&event).map(Self)
    }
}

/// Proof that the request is the organiser's.
pub(crate) struct Organiser;

impl<S: SignupStore> FromRequestParts<Arc<Api<S>>> for Organiser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api<S>>) -> Result<Self, Problem> {
        let header = parts
            .headers
            .get(header::AUTHORIZATION)
            .map(HeaderValue::as_bytes);
        let (scheme, token) = header
            .and_then(|value| value.split_at_checked("bearer ".len()))
            .ok_or(Code::Unauthorized)?;
        if !scheme.eq_ignore_ascii_case(b"bearer ") {
            return Err(Code::Unauthorized.into());
        }
        // Constant time: how long a refusal takes must not tell how much of a guess was right.
        if !constant_time_eq(token, api.secrets.organiser_token.as_bytes()) {
            return Err(Code::Forbidden.into());
        }
        Ok(Self)
    }
}

/// Where an answer came from, as the headers of a read say it.
pub(crate) fn provenance<T>(found: &Found<T>) -> [(HeaderName, HeaderValue); 2] {
    let served_by = match found.served_by {
        ServedBy::Primary => "primary",
        ServedBy::Replica => "replica",
        ServedBy::Cache => "cache",
        ServedBy::Shard => "shard",
    };
    let cache = match found.cache {
        Cache::Hit => "HIT",
        Cache::Miss => "MISS",
        Cache::Bypass => "BYPASS",
    };
    [
        (
            HeaderName::from_static("x-served-by"),
            HeaderValue::from_static(served_by),
        ),
        (
            HeaderName::from_static("x-cache"),
            HeaderValue::from_static(cache),
        ),
    ]
}

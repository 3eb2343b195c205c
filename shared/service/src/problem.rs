//! Every error of the contract, as RFC 9457 `application/problem+json`.
//!
//! A handler returns a [`Problem`]; it travels in the response's extensions to the `guard`, which
//! knows the request id, writes the body and the one log line. So no error has a second form, and
//! axum's own plain-text rejections never leave.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use hyper::http;
use serde::Serialize;
use signup_domain::{NotOpen, StoreError};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Seconds after which a refused client may come again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// One field that is wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// JSON pointer to the field (RFC 6901); empty for the whole document.
    pub(crate) pointer: Cow<'static, str>,
    /// What is wrong with it.
    pub(crate) code: &'static str,
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// Names the kind of problem: `/problems/` and its code.
    r#type: String,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong and what to do, for a person. Never repeats what was sent.
    detail: &'static str,
    /// What is wrong, for a program.
    code: &'static str,
    /// The fields that are wrong; empty when none is.
    errors: Vec<FieldError>,
    /// Names this request in the service's log; also in the header `x-request-id`.
    request_id: String,
}

macro_rules! codes {
    ($($variant:ident = $status:ident $code:literal $detail:literal;)*) => {
        /// What can be wrong: the whole list of the contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code { $(#[doc = $detail] $variant,)* }

        impl Code {
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            pub(crate) fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            pub(crate) fn detail(self) -> &'static str {
                match self { $(Self::$variant => $detail,)* }
            }
        }
    };
}

codes! {
    MalformedJson = BAD_REQUEST "malformed_json" "The body is not one complete JSON document in UTF-8.";
    DuplicateField = BAD_REQUEST "duplicate_field" "A field is given more than once.";
    InvalidQuery = BAD_REQUEST "invalid_query" "A query parameter is unknown or out of range.";
    Unauthorized = UNAUTHORIZED "unauthorized" "This needs the organiser's bearer token.";
    Forbidden = FORBIDDEN "forbidden" "This bearer token is not the organiser's.";
    EventNotFound = NOT_FOUND "event_not_found" "There is no such event.";
    ReceiptNotFound = NOT_FOUND "receipt_not_found" "This service issued no such receipt for this event.";
    NotFound = NOT_FOUND "not_found" "There is nothing at this path.";
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "This path does not take this method; see Allow.";
    Timeout = REQUEST_TIMEOUT "timeout" "The body did not arrive in time.";
    EventNotOpen = CONFLICT "event_not_open" "The event does not take signups yet.";
    EventClosed = CONFLICT "event_closed" "The event takes no more signups.";
    TooLarge = PAYLOAD_TOO_LARGE "too_large" "The body is larger than 4 KiB.";
    UriTooLong = URI_TOO_LONG "uri_too_long" "The URI is longer than 4 KiB.";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "The body must be application/json.";
    UnsupportedEncoding = UNSUPPORTED_MEDIA_TYPE "unsupported_encoding" "The body must not be encoded.";
    InvalidBody = UNPROCESSABLE_ENTITY "invalid_body" "The body must be a JSON object.";
    UnknownField = UNPROCESSABLE_ENTITY "unknown_field" "A field is not known here.";
    MissingField = UNPROCESSABLE_ENTITY "missing_field" "A field is missing.";
    InvalidField = UNPROCESSABLE_ENTITY "invalid_field" "A field is empty, shows nothing or is of the wrong type.";
    InvalidTime = UNPROCESSABLE_ENTITY "invalid_field" "A time is in RFC 3339 and, in UTC, in a year from 0 to 9999, such as 2030-01-31T18:00:00Z.";
    InvalidPeriod = UNPROCESSABLE_ENTITY "invalid_field" "The event closes before it opens, or at once. What is finer than a microsecond is cut from times.";
    TooLong = UNPROCESSABLE_ENTITY "too_long" "A field is too long.";
    InvalidCharacter = UNPROCESSABLE_ENTITY "invalid_character" "A field has a character that cannot be seen, or that no text has. Type it instead of pasting it.";
    InvalidEmail = UNPROCESSABLE_ENTITY "invalid_email" "This is not an e-mail address. Give it alone, such as ann@example.org: without mailto:, brackets, or a comma or full stop at its end.";
    HeadersTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE "headers_too_large" "The headers are larger than 8 KiB.";
    Internal = INTERNAL_SERVER_ERROR "internal" "A fault of ours. Repeating the request is safe.";
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "Refused to protect the service; nothing was stored. Come again later.";
    OutcomeUnknown = GATEWAY_TIMEOUT "outcome_unknown" "Not known in time whether this was stored. Repeating the request is safe.";
}

/// An error on its way to the client.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    errors: Vec<FieldError>,
    /// For the log, never for the client.
    pub(crate) cause: Option<String>,
}

impl Problem {
    /// The problem with the fields that are wrong; its code is that of the first.
    pub(crate) fn with_fields(code: Code, errors: Vec<FieldError>) -> Self {
        Self {
            code,
            errors,
            cause: None,
        }
    }

    fn with_cause(code: Code, cause: String) -> Self {
        Self {
            code,
            errors: Vec::new(),
            cause: Some(cause),
        }
    }

    /// Writes the answer.
    pub(crate) fn render(self, request_id: &str) -> Response {
        let status = self.code.status();
        let body = ProblemBody {
            r#type: format!("/problems/{}", self.code.as_str()),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.code.detail(),
            code: self.code.as_str(),
            errors: self.errors,
            request_id: request_id.to_owned(),
        };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self.code {
            Code::Unavailable => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            Code::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // The rest of the body would be read as the next request.
            Code::Timeout | Code::TooLarge => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self {
            code,
            errors: Vec::new(),
            cause: None,
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UnknownEvent => Code::EventNotFound.into(),
            StoreError::NotOpen(NotOpen::NotYet) => Code::EventNotOpen.into(),
            StoreError::NotOpen(NotOpen::Closed) => Code::EventClosed.into(),
            StoreError::Unavailable(cause) => Self::with_cause(Code::Unavailable, cause),
            StoreError::Unknown(cause) => Self::with_cause(Code::OutcomeUnknown, cause),
            StoreError::Internal(cause) => Self::with_cause(Code::Internal, cause),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

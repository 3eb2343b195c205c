//! The shapes of the contract: what goes over the wire, the same in every phase.

use serde::{Deserialize, Serialize};
use signup_domain::{Counted, Event, Status};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// A signup, as it is asked for. Read field by field (`body`), so this is its documentation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the OpenAPI document is generated from it, serde's part too; bodies are read by `body`"
)]
pub(crate) struct SignupRequest {
    /// The participant: one address and nothing else. Trimmed, lower-cased, brought to Unicode NFC, and
    /// its domain to the form that people read (UTS 46): one address, one signup.
    #[schema(min_length = 1, max_length = 254, example = "ann@example.org")]
    email: String,
    /// Shown on the attendance list as it is given. No control or invisible characters, and no joiners or
    /// variation selectors but where they belong: between letters of a joining script, at a virama,
    /// between or after emoji, after an ideograph.
    #[schema(min_length = 1, max_length = 200, example = "Ann Example")]
    name: String,
}

/// An event, as it is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the OpenAPI document is generated from it, serde's part too; bodies are read by `body`"
)]
pub(crate) struct EventRequest {
    /// What participants read, of the characters of a participant's name.
    #[schema(min_length = 1, max_length = 200, example = "Launch day")]
    name: String,
    /// First instant of the signup period; null or left out: open from the start. What is finer than a
    /// microsecond is cut.
    opens_at: Option<OffsetDateTime>,
    /// End of the signup period, itself outside it; null or left out: never closes. Later than `opens_at`
    /// after what is finer than a microsecond has been cut.
    closes_at: Option<OffsetDateTime>,
}

/// How safe a signup is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StatusWord {
    /// Committed and fsynced in the database.
    Recorded,
    /// Fsynced by a queue; will be recorded.
    Accepted,
}

impl From<Status> for StatusWord {
    fn from(status: Status) -> Self {
        match status {
            Status::Recorded => Self::Recorded,
            Status::Accepted => Self::Accepted,
        }
    }
}

/// The answer to a signup.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignupAnswer {
    /// The proof of attendance.
    pub(crate) receipt: String,
    pub(crate) event: Uuid,
    pub(crate) status: StatusWord,
    /// When the participant signed up: of a repeat the first time, unless it is only accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) signed_up_at: OffsetDateTime,
}

/// The answer to the check of a receipt.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReceiptAnswer {
    pub(crate) receipt: String,
    pub(crate) event: Uuid,
    pub(crate) status: StatusWord,
    /// The name as it was given; null while the signup is only accepted.
    pub(crate) name: Option<String>,
    /// Null while the signup is only accepted.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) signed_up_at: Option<OffsetDateTime>,
}

/// An event and its number of signups.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventAnswer {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) opens_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) closes_at: Option<OffsetDateTime>,
    /// Signups counted at `as_of`.
    pub(crate) signups: u64,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) as_of: OffsetDateTime,
}

impl EventAnswer {
    pub(crate) fn new(event: Event, signups: u64, as_of: OffsetDateTime) -> Self {
        Self {
            id: *event.id.as_uuid(),
            name: event.name,
            opens_at: event.opens_at,
            closes_at: event.closes_at,
            signups,
            as_of,
        }
    }
}

impl From<Counted> for EventAnswer {
    fn from(counted: Counted) -> Self {
        Self::new(counted.event, counted.signups, counted.as_of)
    }
}

/// A row of the attendance list.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttendeeAnswer {
    pub(crate) receipt: String,
    pub(crate) email: String,
    pub(crate) name: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) signed_up_at: OffsetDateTime,
}

/// A page of the attendance list.
#[derive(Serialize, ToSchema)]
pub(crate) struct PageAnswer {
    pub(crate) signups: Vec<AttendeeAnswer>,
    /// `after` of the next page; null on the last.
    pub(crate) next: Option<String>,
}

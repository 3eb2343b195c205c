//! The port: what the shared router asks of a phase, and all it knows of it.
//!
//! A phase is one implementation of [`SignupStore`]. Dispatch is static: a binary contains exactly
//! one phase, and every line of it shows which system runs.

use crate::{Email, Event, EventId, Name, NewEvent, NotOpen, SignupId};
use std::future::Future;
use thiserror::Error;
use time::OffsetDateTime;

/// A signup as it arrives, already in canonical form.
#[derive(Debug, Clone)]
pub struct NewSignup {
    /// What the participant signs up for.
    pub event: EventId,
    /// Who the participant is.
    pub email: Email,
    /// What the attendance list shows.
    pub name: Name,
    /// When the request arrived, in whole microseconds: what PostgreSQL keeps of a time, so that
    /// the first answer and every later one say the same instant.
    pub at: OffsetDateTime,
}

/// How safe a signup is when the answer leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Committed and fsynced in the database that owns the row.
    Recorded,
    /// Fsynced by a queue; will be recorded.
    Accepted,
}

/// The outcome of [`SignupStore::sign_up`].
#[derive(Debug, Clone)]
pub struct SignedUp {
    /// Names the signup.
    pub id: SignupId,
    /// How safe it is.
    pub status: Status,
    /// Whether this call made it; `false` when the participant had signed up before.
    pub new: bool,
    /// When the participant signed up, the first time; where it is only accepted, this time.
    pub signed_up_at: OffsetDateTime,
}

/// What a receipt that this service issued stands for.
#[derive(Debug, Clone)]
pub enum Checked {
    /// A signup in the database that owns it.
    Recorded(Recorded),
    /// A signup that is in no database yet: a queue has it.
    Accepted,
}

/// A signup found by its id, in a database.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The name as it was given.
    pub name: String,
    /// When the participant signed up.
    pub signed_up_at: OffsetDateTime,
}

/// A row of the attendance list.
#[derive(Debug, Clone)]
pub struct Attendee {
    /// Names the signup.
    pub id: SignupId,
    /// The canonical e-mail address.
    pub email: String,
    /// The name as it was given.
    pub name: String,
    /// When the participant signed up.
    pub signed_up_at: OffsetDateTime,
}

/// Which part of the system a read was answered from (`X-Served-By`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServedBy {
    /// The database that takes the writes.
    Primary,
    /// A copy of it.
    Replica,
    /// A cache in front of it.
    Cache,
    /// The shard that owns the row.
    Shard,
}

/// What the cache did for a read (`X-Cache`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// Answered by the cache.
    Hit,
    /// Asked, and did not have it.
    Miss,
    /// There is none, or it was not asked.
    Bypass,
}

/// An answer, and where it came from.
#[derive(Debug, Clone)]
pub struct Found<T> {
    /// The answer.
    pub value: T,
    /// Where it came from.
    pub served_by: ServedBy,
    /// What the cache did.
    pub cache: Cache,
}

/// An event with its number of signups.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The event.
    pub event: Event,
    /// How many signups it had at `as_of`.
    pub signups: u64,
    /// When `signups` was counted.
    pub as_of: OffsetDateTime,
}

/// Which part of the attendance list is asked for. The list is ordered by id.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Only signups with a greater id; `None` is the start of the list.
    pub after: Option<SignupId>,
    /// At most so many rows.
    pub limit: u16,
}

/// Why a phase could not do what it was asked. The variant decides the status code and, with it,
/// what is promised to the participant.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// There is no such event. No effect.
    #[error("no such event")]
    UnknownEvent,
    /// The event takes no signups at this time. No effect.
    #[error(transparent)]
    NotOpen(#[from] NotOpen),
    /// Refused before anything was written or enqueued: **no effect, guaranteed** (503).
    #[error("refused before any effect: {0}")]
    Unavailable(String),
    /// The outcome is not known in time: may or may not be stored; repeating is safe (504).
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// A fault of ours: may or may not be stored; repeating is safe (500).
    #[error("internal error: {0}")]
    Internal(String),
}

/// How a phase keeps and finds signups.
///
/// # Errors
/// Everything but [`create_event`](Self::create_event) and [`ready`](Self::ready) fails with
/// `UnknownEvent` when there is no such event, and only [`sign_up`](Self::sign_up) with `NotOpen`. All
/// fail with `Unavailable` when a part that is needed is away or too slow, and with `Internal` when what
/// it says makes no sense. `Unknown` comes from what writes alone.
pub trait SignupStore: Clone + Send + Sync + 'static {
    /// Signs a participant up, once: returns only after the durability point that its
    /// [`Status`] names. A participant who had signed up gets the first signup again.
    fn sign_up(
        &self,
        signup: NewSignup,
    ) -> impl Future<Output = Result<SignedUp, StoreError>> + Send;

    /// Finds a signup whose receipt this service issued; `None` when it is in no place this phase
    /// keeps signups.
    fn find(
        &self,
        event: EventId,
        id: SignupId,
    ) -> impl Future<Output = Result<Found<Option<Checked>>, StoreError>> + Send;

    /// The event alone: it is known also where its signups cannot be counted.
    fn describe(&self, id: EventId) -> impl Future<Output = Result<Event, StoreError>> + Send;

    /// The event and its number of signups: an old count, which says so, rather than none.
    fn event(&self, id: EventId)
    -> impl Future<Output = Result<Found<Counted>, StoreError>> + Send;

    /// One page of the attendance list, ordered by id.
    fn list(
        &self,
        event: EventId,
        page: Page,
    ) -> impl Future<Output = Result<Found<Vec<Attendee>>, StoreError>> + Send;

    /// Creates an event.
    fn create_event(
        &self,
        event: NewEvent,
    ) -> impl Future<Output = Result<Event, StoreError>> + Send;

    /// Whether the phase can serve now: its dependencies answer.
    fn ready(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether it can do all of its work: one that is ready may do a part. Asked where another server might
    /// do it.
    fn whole(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        self.ready()
    }
}

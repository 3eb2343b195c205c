//! The HTTP contract of the lab as black-box cases, run against any base URL.
//!
//! Every phase must pass every case: 201 `recorded` and 202 `accepted` are equally good answers to
//! a signup, and what the contract allows to be late (a cached count, a queued row) is waited for,
//! within a bound. The service's own types are not used here: a change of theirs that alters the
//! wire must fail a case, not change it.
//!
//! Each case makes its own event, so cases are independent and run in parallel, also against a
//! service with other traffic.
//!
//! Read in this order: [`Target`] → `list` → [`cases::signups`] → `answer`.

mod answer;
pub mod cases;
mod event;
pub mod exposition;
mod html;
mod list;
mod runner;
mod target;
mod wait;
mod wire;

pub use list::cases;
pub use runner::{Case, Outcome, Summary, Verdict, check, run};
pub use target::Target;

/// What a case returns: an error says what was sent, what was expected and what came.
pub type Result<T = ()> = anyhow::Result<T>;

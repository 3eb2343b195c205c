//! What tests of the phases stand on: a [`TestDatabase`] of their own, a [`FaultProxy`] that breaks
//! the network between a phase and what it depends on, and the phase itself as a [`TestService`].
//!
//! A dev-dependency only: `tests/invariants.rs` checks that, and the other rules of the workspace.

mod database;
mod proxy;
mod service;

pub use database::{TestDatabase, redis_address, replica_address};
pub use proxy::{FaultProxy, Mode};
pub use service::{Answered, ORGANISER_TOKEN, TestService};

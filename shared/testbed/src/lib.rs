//! What tests of the phases stand on: a [`TestDatabase`] of their own, and a [`FaultProxy`] that
//! breaks the network between a phase and what it depends on.
//!
//! A dev-dependency only: `tests/invariants.rs` checks that, and the other rules of the workspace.

mod database;
mod proxy;

pub use database::TestDatabase;
pub use proxy::{FaultProxy, Mode};

//! What tests of the phases stand on: a [`TestDatabase`] (with [`TestRoles`]) and [`TestQueues`] of
//! their own, a [`FaultProxy`] that breaks the network between a phase and what it depends on, and the phase itself
//! as a [`TestService`] and a [`TestWorker`].
//!
//! A dev-dependency only: `tests/invariants.rs` checks that, and the other rules of the workspace.

mod answered;
mod database;
mod export;
mod patience;
mod proxy;
mod queues;
mod roles;
mod service;
mod shared_port;
mod worker;

pub use answered::Answered;
pub use database::{
    TestDatabase, busy_sessions, redis_address, redis_operator_url, replica_address, sessions,
};
pub use export::Export;
pub use patience::{ANSWERED, EVENTUALLY};
pub use proxy::{FaultProxy, Mode};
pub use queues::{Message, TestQueues, queue_address, queue_url};
pub use roles::TestRoles;
pub use service::{ORGANISER_TOKEN, TestService};
pub use shared_port::{SharedPort, Visitor};
pub use worker::TestWorker;

//! Phase 2 as a whole: the real server on sockets of its own, on a real primary, its real replica,
//! and a real Redis.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking"
)]

mod batch;
mod cache;
mod changed;
mod counts;
mod drain;
mod export;
mod metrics;
mod primary;
mod probes;
mod replica;
mod roles;
mod server;
mod shared_port;
mod start;
mod tasks;

mod conformance {
    //! Every case of the contract, one test each.

    use crate::server::Server;

    signup_conformance::conformance_tests!(Server::start().await);
}

//! Phase 3 as a whole: the real gateway and the real writer on sockets of their own, on two real
//! shards and a real RabbitMQ.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking"
)]

mod batch;
mod cases;
mod changed;
mod closed;
mod drain;
mod export;
mod kills;
mod letters;
mod logs;
mod map;
mod metrics;
mod parts;
mod probes;
mod queue;
mod reshard;
mod roles;
mod server;
mod shard;
mod shared_port;
mod start;
mod tasks;
mod users;
mod writer;

mod conformance {
    //! Every case of the contract, one test each.

    use crate::cases::Served;

    signup_conformance::conformance_tests!(Served::to(module_path!()).await);
}

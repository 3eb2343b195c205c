//! The parts of the lab against real sockets and a real broker. One program, so that it is linked once.

#![expect(
    clippy::unwrap_used,
    reason = "clippy knows tests, but not the functions they share"
)]

mod engine;
mod generator;
mod help;
mod live;
mod passwords;
mod queue;
mod streams;

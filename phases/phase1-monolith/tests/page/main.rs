//! The page that a participant uses, in headless Chromium, as phase 1 serves it from a real PostgreSQL.
//! All phases serve the same page. `make page` runs these tests.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

mod browser;
mod keyboard;
mod layout;
mod shown;
mod signup;
mod unknown;
mod visit;

#[path = "../it/server.rs"]
#[expect(dead_code, reason = "the phase's other tests need more of it")]
mod server;

//! What every process of every phase needs around its [`SignupStore`]: the HTTP contract, the page
//! for participants, metrics, logs, probes, limits and the drain; and what the phases say alike of the
//! databases behind them. Written once, so that phases differ
//! only in how they keep a signup and a comparison of them is fair.
//!
//! There is no database, cache or queue client in this crate's dependencies; a test checks it.
//!
//! Read in this order: [`serve`] → `routes` → `body` → `problem` → `guard` → `admission` →
//! `acceptor` → `connections` → [`Metrics`].

mod acceptor;
mod admission;
mod body;
mod breaker;
mod clock;
mod config;
mod connections;
mod guard;
mod handed;
mod leaving;
mod log;
mod lookups;
mod metrics;
mod openapi;
mod operations;
mod page;
mod paths;
mod phase_metrics;
mod problem;
mod routes;
mod scraped;
mod server;
mod socket;
mod sqlstate;
mod startup;
mod unix;
mod wire;

pub use breaker::Breaker;
pub use config::{ProcessConfig, Secrets, ServiceConfig, read_secret};
pub use handed::{Handed, hold};
pub use log::{init_logging, init_logging_without};
pub use lookups::Lookups;
pub use metrics::{LATENCY_BUCKETS, Metrics, size_buckets};
pub use openapi::openapi;
pub use operations::Ready;
pub use phase_metrics::{PoolMetrics, PoolStatus, SignupMetrics};
pub use scraped::scraped_gauge;
pub use server::{Listeners, block_on, serve, serve_worker, stop_signal};
pub use signup_domain::SignupStore;
pub use socket::{Address, Listener};
pub use sqlstate::{Failure, Refusal};
pub use startup::{ATTEMPT_PAUSE, attempt, until_done};

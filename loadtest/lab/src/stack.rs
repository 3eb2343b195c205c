//! What stands under test: its containers, databases and queue, brought up, read, metered and broken.
//! Knows nothing of loads or runs.

pub mod caps;
pub mod compose;
pub mod databases;
pub mod engine;
pub mod faults;
pub mod host;
pub mod http;
pub mod meter;
pub mod monitoring;
mod own;
pub mod phases;
pub mod ports;
pub mod project;
pub mod queue;
pub mod ready;
pub mod service_metrics;

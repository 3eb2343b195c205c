//! Facts as they were brought home from a run, before anything is concluded from them.

mod attempt;
mod containers;
mod load;
mod machine;
mod provenance;
mod replicas;
mod row;
mod service;
mod stages;

pub use attempt::{Attempt, Ending, Kind, Receipt, State};
pub use containers::{ClaimedCap, Inspected, Reading, Usage};
pub use load::LoadSeen;
pub use machine::CpuShares;
pub use provenance::{CacheUse, Provenance, ServedBy};
pub use replicas::{CATCH_UP_TIMEOUT, CatchUp};
pub use row::Row;
pub use service::ServiceCounts;
pub use stages::{After, Audit, Before, FaultsSeen};

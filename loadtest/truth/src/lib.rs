//! What a run was asked, what was seen of it, and what is true. Pure: no clock, no socket, no process,
//! and of the file system only what [`store`] keeps.
//!
//! Who may use whom, checked by `shared/testbed/tests/circles.rs`:
//! `assemble → figures → ledger → plan → evidence → record → spec`, and `capacity`, `journal`,
//! `verdict`, `compare` and `store` → `record`. The verdict sees the record only, so a stored run can
//! be judged again.
//!
//! Read in this order: [`spec`] → [`plan`] → [`evidence`] → [`ledger`] → [`figures`] → [`assemble`] →
//! [`record`] → [`verdict`].

pub mod assemble;
pub mod capacity;
pub mod compare;
pub mod evidence;
pub mod figures;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
pub mod journal;
pub mod ledger;
pub mod percentiles;
pub mod plan;
pub mod record;
pub mod spec;
pub mod store;
pub mod verdict;

//! The claims of the contract, by what they are about.

pub mod admission;
pub mod attendance_list;
pub mod bad_bodies;
pub mod bad_fields;
pub mod bad_requests;
pub mod cardinality;
pub mod concurrency;
pub mod events;
pub mod limits;
pub mod openapi;
pub mod organiser;
pub mod page;
pub mod paths;
pub mod probes;
pub mod reads;
pub mod receipts;
pub mod scripts;
pub mod signup_period;
pub mod signups;
pub mod slow_clients;

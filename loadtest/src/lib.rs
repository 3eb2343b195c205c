//! `lab`: brings a phase up, loads it, looks for every acknowledged signup again, and says
//! whether the numbers may be believed.
//!
//! Read in this order: [`run`] → [`schedule`] → [`generator`] → [`drain`] → [`ledger`] →
//! [`recording`] → [`verdict`] → [`record`] → [`report`].

pub mod attempt;
pub mod calibrate;
pub mod charts;
pub mod containers;
pub mod contract;
pub mod databases;
pub mod doctor;
pub mod drain;
pub mod fault;
pub mod figures;
mod floor;
pub mod generator;
pub mod host;
pub mod job;
pub mod ledger;
mod measured;
pub mod meter;
pub mod participant;
pub mod phases;
pub mod promises;
pub mod queue;
pub mod quotes;
pub mod record;
pub mod recording;
pub mod report;
pub mod reporter;
pub mod results;
pub mod run;
#[cfg(test)]
mod sample;
pub mod scenario;
pub mod schedule;
pub mod service_metrics;
pub mod source;
pub mod stack;
pub mod summary;
pub mod table;
pub mod terminal;
pub mod verdict;

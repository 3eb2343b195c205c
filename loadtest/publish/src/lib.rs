//! What a person reads of runs: reports, charts, tables, quoted numbers. Made from records alone, and
//! linked with nothing that could make one.
//!
//! Who may use whom: `derived → { report, tables, compared } → { charts, quotes, dashboards, series } → {
//! words, markdown } → format`, `{ capacity, ablation } → { tables, charts }`, and all of them the records of
//! `lab-truth`.

pub mod ablation;
pub mod capacity;
pub mod charts;
pub mod compared;
pub mod dashboards;
pub mod derived;
pub mod format;
pub mod markdown;
pub mod quotes;
pub mod report;
pub mod series;
pub mod tables;
pub mod words;

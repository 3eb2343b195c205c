//! Two runs to test reports, charts and tables with, read from `tests/fixtures`: a clean rush, and
//! one that lost acknowledged signups when its database was killed. Tests only.

use crate::record::Run;
use std::path::PathBuf;

/// 1,000 users in 100 s, clean.
pub(crate) fn rush() -> Run {
    read("20251121T081500Z-phase1-rush-1000")
}

/// The same load with the database killed on the way; two acknowledged signups are gone.
pub(crate) fn lost() -> Run {
    read("20251121T093000Z-phase1-rush-1000")
}

/// The folder of the sample runs.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn read(id: &str) -> Run {
    crate::results::read_run(&folder().join(id)).unwrap()
}

//! Writes the runs in a results folder as OpenMetrics text, for the Prometheus that shows them.
//! Usage: run-series RESULTS FILE

use anyhow::{Context, Result};
use lab_publish::series;
use lab_truth::store;
use std::io::Write;
use std::path::PathBuf;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (results, file) = arguments
        .next()
        .zip(arguments.next())
        .context("usage: run-series RESULTS FILE")?;
    let found = store::read_all(&results)?;
    let mut said = std::io::stderr().lock();
    for unreadable in &found.unreadable {
        writeln!(said, "run-series: left out: {unreadable}")?;
    }
    store::write(&file, &series::openmetrics(&found.runs))?;
    writeln!(said, "run-series: {} runs", found.runs.len())?;
    Ok(())
}

//! `lab report`: the report of one run, or everything that is derived from the published ones.

use super::exit::{COULD_NOT_RUN, exit};
use crate::output::{note, out};
use anyhow::Result;
use clap::Args;
use lab_publish::{derived, report};
use lab_truth::store;
use std::path::Path;
use std::process::ExitCode;

/// What to report.
#[derive(Debug, Args)]
pub(super) struct ReportOptions {
    /// The run's id, the beginning of it, its folder, or `latest`.
    #[arg(required_unless_present = "all")]
    run: Option<String>,

    /// Draw the report and the charts into the run's folder, too.
    #[arg(long, requires = "run")]
    draw: bool,

    /// Write every derived file again: linked reports and charts, tables, schema, dashboards.
    #[arg(long)]
    all: bool,
}

pub(super) fn report(root: &Path, options: &ReportOptions) -> Result<ExitCode> {
    let mut whole = true;
    if options.all {
        let refreshed = derived::refresh(root)?;
        for file in &refreshed.changed {
            out!("wrote {}", file.display());
        }
        for unreadable in &refreshed.unreadable {
            note!("lab: {unreadable}");
            whole = false;
        }
    }
    if let Some(run) = &options.run {
        let folder = store::find_run(&root.join("results"), run)?;
        let run = store::read_run(&folder)?;
        if options.draw {
            derived::write_report(&folder, &run)?;
        }
        out!("{}", report::markdown(&run).trim_end());
    }
    Ok(exit(whole, COULD_NOT_RUN))
}

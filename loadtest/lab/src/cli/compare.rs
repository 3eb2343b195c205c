//! `lab compare`: stored runs against each other. Needs no engine.

use super::exit::{BEYOND_LIMIT, exit};
use crate::output::{note, out};
use anyhow::{Result, anyhow, ensure};
use clap::Args;
use lab_publish::compared;
use lab_truth::compare::{Limit, compare as figures};
use lab_truth::record::{Run, Verdict};
use lab_truth::store;
use std::path::Path;
use std::process::ExitCode;

/// Which runs to compare.
#[derive(Debug, Args)]
pub(super) struct CompareOptions {
    /// The run to compare with (its id, the beginning of it, its folder, or `latest`), or repeats of it,
    /// separated by commas.
    #[arg(value_name = "A", value_delimiter = ',', num_args = 1, required = true)]
    a: Vec<String>,

    /// The run that is compared, or repeats of it.
    #[arg(value_name = "B", value_delimiter = ',', num_args = 1, required = true)]
    b: Vec<String>,

    /// Exit with 13 when B's figure is so much above (or below) A's, and not by noise: 'p99>10%',
    /// 'rate<-5%', 'cost>3%'. Several times for several.
    #[arg(long, value_name = "LIMIT")]
    fail_on: Vec<Limit>,
}

/// Prints the comparison in Markdown.
pub(super) fn compare(results: &Path, options: &CompareOptions) -> Result<ExitCode> {
    let (a, b) = (read(results, &options.a)?, read(results, &options.b)?);
    out!("{}", compared::markdown(&a, &b).trim_end());
    let rows = figures(&a, &b);
    let mut within = true;
    for limit in &options.fail_on {
        if limit.is_exceeded(&rows).map_err(|why| anyhow!(why))? {
            note!("lab: {limit} is exceeded");
            within = false;
        }
    }
    Ok(exit(within, BEYOND_LIMIT))
}

fn read(results: &Path, wanted: &[String]) -> Result<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    for id in wanted {
        let run = store::read_run(&store::find_run(results, id)?)?;
        ensure!(
            run.verdict != Verdict::Invalid,
            "{} is INVALID: nothing may be compared with its numbers (`lab report {}` says why)",
            run.id,
            run.id
        );
        ensure!(
            runs.iter().all(|other| other.id != run.id),
            "{} is named twice on one side: a run is no repeat of itself",
            run.id
        );
        runs.push(run);
    }
    Ok(runs)
}

//! `lab judge`: stored runs, judged again from their records alone. Needs no engine.

use super::exit::{COULD_NOT_RUN, exit};
use crate::output::{note, out};
use anyhow::Result;
use clap::Args;
use lab_publish::derived::REFRESH;
use lab_publish::words;
use lab_truth::record::Run;
use lab_truth::{store, verdict};
use std::path::Path;
use std::process::ExitCode;

/// Which runs to judge again.
#[derive(Debug, Args)]
pub(super) struct JudgeOptions {
    /// Ids of runs, the beginnings of ids, folders, or `latest`.
    #[arg(required_unless_present = "all", value_name = "RUN")]
    runs: Vec<String>,

    /// All runs in results/.
    #[arg(long)]
    all: bool,

    /// Write the answers into the records (and those of an older schema in today's).
    #[arg(long)]
    write: bool,
}

/// Prints a line a run, with what was said before where the answer is another.
pub(super) fn judge(results: &Path, options: &JudgeOptions) -> Result<ExitCode> {
    let mut failed = false;
    let runs = if options.all {
        let all = store::read_all(results)?;
        for unreadable in &all.unreadable {
            note!("lab: {unreadable}");
            failed = true;
        }
        all.runs
    } else {
        let wanted = options.runs.iter();
        let runs: Result<Vec<Run>> = wanted
            .map(|run| store::read_run(&store::find_run(results, run)?))
            .collect();
        runs?
    };
    let (mut changed, all) = (0, runs.len());
    for mut run in runs {
        let before = words::in_a_line(&run);
        let is_other = verdict::judge_again(&mut run);
        let after = words::in_a_line(&run);
        changed += usize::from(is_other);
        match before == after {
            true => out!("{}: {after}", run.id),
            false => out!("{}: {after} (was {before})", run.id),
        }
        // Also one that is not judged otherwise: it may follow an older schema.
        if options.write {
            store::write_run(results, &run)?;
        }
    }
    let written = match (options.write, changed) {
        (false, 0) => "nothing to write".to_owned(),
        (true, _) => format!("written; `{REFRESH}` makes tables and reports follow"),
        (false, _) => "--write puts them into the records".to_owned(),
    };
    note!("{changed} of {all} runs are judged otherwise: {written}");
    Ok(exit(!failed, COULD_NOT_RUN))
}

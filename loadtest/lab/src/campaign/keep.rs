//! Keeps a run when it has been made. A measurement of minutes must not be lost to a full disk.

use crate::output::{note, out};
use anyhow::{Context, Result};
use lab_publish::derived::{REPORT_FILE, write_report};
use lab_truth::record::Run;
use lab_truth::store;
use std::path::{Path, PathBuf};

/// Writes the record, the report and the charts; returns where the report is, and the run as it is read
/// back.
///
/// # Errors
/// When the record can be written neither into `results` nor anywhere else; it is then printed. A
/// report that cannot be written is no error: it is made again from the record.
pub fn keep(results: &Path, run: &Run) -> Result<(PathBuf, Run)> {
    keep_in(results, &std::env::temp_dir(), run)
}

fn keep_in(results: &Path, instead: &Path, run: &Run) -> Result<(PathBuf, Run)> {
    let (folder, run) = match store::write_run(results, run) {
        Ok(written) => written,
        Err(error) => {
            let (folder, run) = store::write_run(instead, run).or_else(|_| {
                // The last resort: whoever has the output has the measurement.
                out!("{}", serde_json::to_string(run)?);
                Err(error).context("the run could not be kept; its record is printed above")
            })?;
            note!(
                "lab: {} cannot be written; the run is in {}: move it when there is room",
                results.display(),
                folder.display()
            );
            (folder, run)
        }
    };
    if let Err(error) = write_report(&folder, &run) {
        note!("lab: the record is kept, its report is not: {error:#}; `lab report` prints it");
    }
    Ok((folder.join(REPORT_FILE), run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::fixtures;

    #[test]
    fn a_disk_that_takes_nothing_more_loses_no_measurement() {
        let (folder, instead) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // A file where the folder should be stands for a disk that refuses.
        let results = folder.path().join("results");
        std::fs::write(&results, "").unwrap();
        let run = fixtures::rush();
        let (report, kept) = keep_in(&results, instead.path(), &run).unwrap();
        assert!(report.starts_with(instead.path()) && report.is_file());
        assert_eq!(kept.id, run.id);
        assert!(keep_in(&results, &results, &run).is_err());
    }

    #[test]
    fn what_was_kept_is_found_again() {
        let results = tempfile::tempdir().unwrap();
        let (report, run) = keep(results.path(), &fixtures::lost()).unwrap();
        assert_eq!(report, results.path().join(&run.id).join(REPORT_FILE));
        assert_eq!(store::read_all(results.path()).unwrap().runs.len(), 1);
    }
}

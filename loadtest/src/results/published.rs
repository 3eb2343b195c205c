//! What is derived from the published runs: reports, charts, the schema and the tables.
//!
//! `refresh` writes them again; `stale` names those that no longer say what the runs say.

use super::{
    REFRESH, REPORT_FILE, RUN_FILE, read, read_all, read_named, schema_json, write, write_charts,
};
use crate::record::Run;
use crate::{charts, quotes, report, table};
use anyhow::Result;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes again all that is derived from the published runs: reports, charts, schema, the table in
/// `results/README.md` and the one in `README.md`. Returns the texts that changed, from `root`.
///
/// # Errors
/// When a run cannot be read or a file cannot be written.
pub fn refresh(root: &Path) -> Result<Vec<PathBuf>> {
    let mut changed = Vec::new();
    for (file, text) in derived(root)? {
        let path = root.join(&file);
        if fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            write(&path, &text)?;
            changed.push(file);
        }
    }
    for run in published(root)? {
        write_charts(&root.join("results").join(&run.id), &run)?;
    }
    Ok(changed)
}

/// What no longer agrees with the published runs, one sentence each: a derived text that would be
/// generated differently now, a chart that is missing, a quoted number that the run does not have.
///
/// # Errors
/// When a run cannot be read.
pub fn stale(root: &Path) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for (file, text) in derived(root)? {
        let path = root.join(&file);
        let name = file.display();
        match fs::read_to_string(&path) {
            Err(_) => complaints.push(format!("{name} is missing; `{REFRESH}` writes it")),
            Ok(found) if !same(&file, &found, &text) => {
                complaints.push(format!(
                    "{name} is out of date; `{REFRESH}` writes it again"
                ));
            }
            Ok(_) => {}
        }
    }
    let runs = published(root)?;
    for run in &runs {
        for (file, _) in charts::files(run) {
            let path = Path::new("results").join(&run.id).join(file);
            if !root.join(&path).is_file() {
                complaints.push(format!(
                    "{} is missing; `{REFRESH}` draws it",
                    path.display()
                ));
            }
        }
    }
    complaints.extend(quotes::wrong(root, &runs)?);
    Ok(complaints)
}

/// The runs that the tables show, oldest first: those under version control, so that a run made
/// to try something changes no table. Without git, all there are.
///
/// # Errors
/// Names the first run that cannot be read.
pub fn published(root: &Path) -> Result<Vec<Run>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--", "results"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success());
    let Some(listed) = listed else {
        return read_all(&root.join("results"));
    };
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut runs = Vec::new();
    for file in listed
        .split('\0')
        .map(Path::new)
        .filter(|file| file.ends_with(RUN_FILE))
    {
        runs.push(read_named(root.join(file).parent().unwrap_or(root))?);
    }
    runs.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(runs)
}

/// Every derived text, by its path from `root`.
fn derived(root: &Path) -> Result<Vec<(PathBuf, String)>> {
    let results = Path::new("results");
    let runs = published(root)?;
    let mut texts: Vec<(PathBuf, String)> = runs
        .iter()
        .map(|run| {
            (
                results.join(&run.id).join(REPORT_FILE),
                report::markdown(run),
            )
        })
        .collect();
    texts.push((results.join("schema.json"), schema_json()?));
    texts.push((results.join("README.md"), table::results_readme(&runs)));
    let readme = read(&root.join("README.md"))?;
    texts.push((
        PathBuf::from("README.md"),
        table::with_phase_table(&readme, &runs)?,
    ));
    Ok(texts)
}

/// Equal, but for the order of keys in JSON, which depends on features other crates ask for.
fn same(file: &Path, a: &str, b: &str) -> bool {
    let json = |text: &str| serde_json::from_str::<Value>(text).ok();
    a == b
        || (file.extension().is_some_and(|e| e == "json")
            && json(a).is_some()
            && json(a) == json(b))
}

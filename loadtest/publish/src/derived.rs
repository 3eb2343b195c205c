//! What is derived from the published runs: the schema, the tables, and of the reports and charts those
//! that something links to; `lab report` draws any other again. Also Grafana's dashboards, of their
//! descriptions.
//!
//! `refresh` writes them again; `stale` names those that no longer say what the runs say.

use crate::{charts, dashboards, quotes, report, tables};
use anyhow::Result;
use fs_err as fs;
use lab_truth::record::Run;
use lab_truth::store::{self, RUN_FILE, Runs};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The report, in a run's folder.
pub const REPORT_FILE: &str = "report.md";
/// The command that writes every derived file again.
pub const REFRESH: &str = "lab report --all";

/// What came of writing everything again.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// Files that changed, from the root.
    pub changed: Vec<PathBuf>,
    /// Records that could not be read, a sentence each. They are in no table.
    pub unreadable: Vec<String>,
}

/// Writes what is made from a run into its folder: the report and the charts.
///
/// # Errors
/// When a file cannot be written.
pub fn write_report(folder: &Path, run: &Run) -> Result<()> {
    store::write(&folder.join(REPORT_FILE), &report::markdown(run))?;
    write_charts(folder, run)
}

fn write_charts(folder: &Path, run: &Run) -> Result<()> {
    charts::draw(run)?
        .iter()
        .try_for_each(|chart| store::write(&folder.join(chart.file), &chart.svg))
}

/// Writes again all that is derived from the published runs.
///
/// # Errors
/// When a file cannot be written.
pub fn refresh(root: &Path) -> Result<Refreshed> {
    let Runs { runs, unreadable } = published(root)?;
    let mut changed = Vec::new();
    let linked = linked(root)?;
    for (file, text) in derived(root, &runs, &linked)? {
        let path = root.join(&file);
        if fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            store::write(&path, &text)?;
            changed.push(file);
        }
    }
    for run in runs.iter().filter(|run| linked.contains(&run.id)) {
        write_charts(&root.join("results").join(&run.id), run)?;
    }
    Ok(Refreshed {
        changed,
        unreadable,
    })
}

/// What no longer agrees with the published runs, one sentence each: a record that cannot be read, a
/// derived text that would be generated differently now, a chart that is missing, a quoted number that
/// the run does not have.
///
/// # Errors
/// When the texts that quote cannot be read.
pub fn stale(root: &Path) -> Result<Vec<String>> {
    let Runs {
        runs,
        unreadable: mut complaints,
    } = published(root)?;
    let linked = linked(root)?;
    for (file, text) in derived(root, &runs, &linked)? {
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
    for run in runs.iter().filter(|run| linked.contains(&run.id)) {
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
/// When the folder of the results cannot be read.
pub fn published(root: &Path) -> Result<Runs> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--", "results"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success());
    let Some(listed) = listed else {
        return store::read_all(&root.join("results"));
    };
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let records = listed
        .split('\0')
        .map(Path::new)
        .filter(|file| file.ends_with(RUN_FILE));
    let folders = records.filter_map(|file| Some(root.join(file.parent()?)));
    Ok(store::read_folders(folders))
}

/// Ids of the runs whose report or charts a text links to: the ids in links to anything but the record.
fn linked(root: &Path) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    for file in quotes::texts(root)? {
        let text = fs::read_to_string(root.join(&file))?;
        for place in text.split("results/").skip(1) {
            let target = place
                .split([')', ' ', '\n', '#'])
                .next()
                .unwrap_or_default();
            if let Some((id, derived)) = target.split_once('/')
                && (derived == REPORT_FILE || derived.ends_with(".svg"))
            {
                ids.insert(id.to_owned());
            }
        }
        ids.extend(tables::curated_ids(&text).map(str::to_owned));
    }
    Ok(ids)
}

/// Every derived text, by its path from `root`.
fn derived(root: &Path, runs: &[Run], linked: &BTreeSet<String>) -> Result<Vec<(PathBuf, String)>> {
    let results = Path::new("results");
    let shown = runs.iter().filter(|run| linked.contains(&run.id));
    let mut texts: Vec<(PathBuf, String)> = shown
        .map(|run| {
            let file = results.join(&run.id).join(REPORT_FILE);
            (file, report::markdown(run))
        })
        .collect();
    texts.push((results.join("schema.json"), store::schema_json()?));
    let table = tables::results_readme(runs, linked);
    texts.push((results.join("README.md"), table));
    let readme = fs::read_to_string(root.join("README.md"))?;
    let readme = tables::with_curated_table(&readme, runs)?;
    texts.push((PathBuf::from("README.md"), readme));
    texts.extend(dashboards::files(root)?);
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

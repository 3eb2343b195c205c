//! The `results/` folder: writes and reads runs. `run.json` is the only source; `published` keeps
//! what is derived from it in step.

mod published;

use crate::record::{Run, SCHEMA};
use crate::{charts, report};
use anyhow::{Context, Result, bail, ensure};
pub use published::{published, refresh, stale};
use std::fs;
use std::path::{Path, PathBuf};

/// The record of a run, in its folder.
pub const RUN_FILE: &str = "run.json";
/// The report, in a run's folder.
pub const REPORT_FILE: &str = "report.md";
/// The command that writes every derived file again.
pub const REFRESH: &str = "lab report --all";

/// Writes a run's folder, `<results>/<id>/`, with its record, report and charts; returns the folder.
///
/// The record is written first and read back: what follows is made from what a reader will find,
/// and a fault in a report costs no measurement.
///
/// # Errors
/// When a file cannot be written, or a figure is not a number (JSON has no NaN).
pub fn write_run(results: &Path, run: &Run) -> Result<PathBuf> {
    let folder = results.join(&run.id);
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    write(&folder.join(RUN_FILE), &run_json(run)?)?;
    let run = read_run(&folder)?;
    write_report(&folder, &run)?;
    Ok(folder)
}

/// Reads a run strictly from its folder or its `run.json`.
///
/// # Errors
/// Names the file, and the field and line where it does not follow the schema.
pub fn read_run(place: &Path) -> Result<Run> {
    let file = if place.is_dir() {
        place.join(RUN_FILE)
    } else {
        place.to_path_buf()
    };
    let text = read(&file)?;
    let run: Run = serde_json::from_str(&text)
        .with_context(|| format!("{} does not follow schema {SCHEMA}", file.display()))?;
    ensure!(
        run.schema == SCHEMA,
        "{} follows schema {}, this program knows {SCHEMA}",
        file.display(),
        run.schema
    );
    Ok(run)
}

/// Reads every run of a results folder, oldest first. A folder without `run.json` is a run that
/// was broken off, and is left out.
///
/// # Errors
/// Names the first run that cannot be read, or whose folder has not its id for a name.
pub fn read_all(results: &Path) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    if !results.is_dir() {
        return Ok(runs);
    }
    let entries =
        fs::read_dir(results).with_context(|| format!("reading {}", results.display()))?;
    for entry in entries {
        let folder = entry?.path();
        if folder.join(RUN_FILE).is_file() {
            runs.push(read_named(&folder)?);
        }
    }
    runs.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(runs)
}

/// The folder of a run, by its id, the beginning of its id if only one run has it, `latest`, or
/// the path of the folder or its `run.json`.
///
/// # Errors
/// When no run, or more than one, is meant; then with the ids there are.
pub fn find_run(results: &Path, id_or_path: &str) -> Result<PathBuf> {
    let path = Path::new(id_or_path);
    if path.ends_with(RUN_FILE) && path.is_file() {
        return Ok(path.parent().unwrap_or(Path::new(".")).to_path_buf());
    }
    if path.join(RUN_FILE).is_file() {
        return Ok(path.to_path_buf());
    }
    let ids: Vec<String> = read_all(results)?.into_iter().map(|run| run.id).collect();
    let meant: Vec<&String> = match id_or_path {
        "latest" => ids.last().into_iter().collect(),
        exact if ids.iter().any(|id| id == exact) => ids.iter().filter(|id| *id == exact).collect(),
        start => ids
            .iter()
            .filter(|id| !start.is_empty() && id.starts_with(start))
            .collect(),
    };
    match meant.as_slice() {
        [id] => Ok(results.join(id)),
        [] if ids.is_empty() => bail!("there are no runs in {}", results.display()),
        [] => bail!("no run \"{id_or_path}\"; there are: {}", ids.join(", ")),
        several => bail!("\"{id_or_path}\" may be any of {} runs", several.len()),
    }
}

/// The JSON schema of `run.json`, as committed in `results/schema.json`.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn schema_json() -> Result<String> {
    let schema = schemars::schema_for!(Run);
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}

fn read_named(folder: &Path) -> Result<Run> {
    let run = read_run(folder)?;
    ensure!(
        folder
            .file_name()
            .is_some_and(|name| name.to_string_lossy() == run.id),
        "{} holds the run {}: the folder must have the run's name",
        folder.display(),
        run.id
    );
    Ok(run)
}

/// Writes what is made from a run into its folder: the report and the charts.
///
/// # Errors
/// When a file cannot be written.
pub fn write_report(folder: &Path, run: &Run) -> Result<()> {
    write(&folder.join(REPORT_FILE), &report::markdown(run))?;
    write_charts(folder, run)
}

fn write_charts(folder: &Path, run: &Run) -> Result<()> {
    charts::draw(run)?
        .iter()
        .try_for_each(|chart| write(&folder.join(chart.file), &chart.svg))
}

/// `run.json`: indented, with one line for each second, so that a person can read it down and a
/// diff shows which seconds differ.
fn run_json(run: &Run) -> Result<String> {
    let head = Run {
        timeline: Vec::new(),
        ..run.clone()
    };
    let seconds = run
        .timeline
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<Vec<_>, _>>()?;
    let mut json = serde_json::to_string_pretty(&head)? + "\n";
    if !seconds.is_empty() {
        let timeline = format!(
            "\n  \"timeline\": [\n    {}\n  ],\n",
            seconds.join(",\n    ")
        );
        // A string in JSON holds no line break, so this is the key and nothing else.
        json = json.replacen("\n  \"timeline\": [],\n", &timeline, 1);
    }
    Ok(json)
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use serde_json::Value;

    #[test]
    fn a_run_is_read_back_as_it_was_written() {
        let results = tempfile::tempdir().unwrap();
        for run in [sample::rush(), sample::lost(), sample::buffered()] {
            let folder = write_run(results.path(), &run).unwrap();
            let json = fs::read_to_string(folder.join(RUN_FILE)).unwrap();
            assert_eq!(
                json.lines()
                    .filter(|l| l.starts_with("    {\"t_s\""))
                    .count(),
                run.timeline.len()
            );
            let again = read_run(&folder).unwrap();
            assert_eq!(run_json(&again).unwrap(), json);
            let files = charts::files(&run).into_iter().map(|(file, _)| file);
            for file in files.chain([REPORT_FILE]) {
                assert!(folder.join(file).is_file(), "{file}");
            }
        }
        let runs = read_all(results.path()).unwrap();
        assert_eq!(runs.len(), 3);
        assert!(runs.is_sorted_by(|a, b| a.id < b.id));
    }

    #[test]
    fn an_empty_timeline_is_kept_and_nan_is_refused_by_file_and_field() {
        let results = tempfile::tempdir().unwrap();
        let mut run = sample::rush();
        run.timeline.clear();
        write_run(results.path(), &run).unwrap();
        run.load.in_flight_mean = f64::NAN;
        let error = format!("{:#}", write_run(results.path(), &run).unwrap_err());
        assert!(
            error.contains("run.json") && error.contains("null"),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_field_and_another_schema_are_refused() {
        let results = tempfile::tempdir().unwrap();
        let file = results.path().join(RUN_FILE);
        let json = run_json(&sample::rush()).unwrap();
        fs::write(&file, json.replacen("\"seed\"", "\"sede\"", 1)).unwrap();
        let error = format!("{:#}", read_run(&file).unwrap_err());
        assert!(
            error.contains("sede") && error.contains("run.json"),
            "{error}"
        );
        fs::write(&file, json.replacen("\"schema\": 1", "\"schema\": 2", 1)).unwrap();
        let error = format!("{:#}", read_run(&file).unwrap_err());
        assert!(error.contains("schema 2"), "{error}");
    }

    #[test]
    fn a_folder_must_have_the_name_of_its_run() {
        let results = tempfile::tempdir().unwrap();
        let folder = write_run(results.path(), &sample::rush()).unwrap();
        fs::rename(&folder, results.path().join("best")).unwrap();
        assert!(read_all(results.path()).is_err());
    }

    #[test]
    fn a_run_is_found_by_id_beginning_path_and_latest() {
        let results = sample::folder();
        let rush = results.join(sample::rush().id);
        let path = rush.join(RUN_FILE);
        let meant = [
            "20251121T081500Z-phase1-rush-1000",
            "20251121T08",
            path.to_str().unwrap(),
        ];
        for meant in meant.into_iter().chain([rush.to_str().unwrap()]) {
            assert_eq!(find_run(&results, meant).unwrap(), rush, "{meant}");
        }
        assert_eq!(
            find_run(&results, "latest").unwrap(),
            results.join(sample::lost().id)
        );
        for wrong in ["20251121T", "nothing", ""] {
            assert!(find_run(&results, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_schema_describes_every_field() {
        let schema: Value = serde_json::from_str(&schema_json().unwrap()).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        let run = serde_json::to_value(sample::rush()).unwrap();
        for field in run.as_object().unwrap().keys() {
            assert!(properties[field].get("description").is_some(), "{field}");
        }
        assert_eq!(schema["additionalProperties"], false);
    }
}

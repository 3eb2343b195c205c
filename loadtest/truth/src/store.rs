//! The `results/` folder: one folder a run, found, read and written. `run.json` is the only source; what
//! is derived from it is made elsewhere.

use crate::record::{Loaded, Run, SCHEMA, Second, v1, v2};
use anyhow::{Context, Result, bail, ensure};
use fs_err as fs;
use serde::Deserialize;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The record of a run, in its folder.
pub const RUN_FILE: &str = "run.json";

/// Runs that could be read, oldest first, and those that could not, each with the reason.
#[derive(Debug, Default)]
pub struct Runs {
    /// Read.
    pub runs: Vec<Run>,
    /// Not read: a sentence each, with the file's name.
    pub unreadable: Vec<String>,
}

/// The record of a load on what was up, in its folder. Nothing here looks for it: it is no run.
pub const LOAD_FILE: &str = "load.json";

/// The part of a record that says how to read the rest.
#[derive(Deserialize)]
struct Versioned {
    schema: u32,
}

/// Writes the record of a run into its folder, `<results>/<id>/`, and reads it back; returns the folder
/// and what a reader will find in it.
///
/// # Errors
/// When a file cannot be written, or a figure is not a number (JSON has no NaN).
pub fn write_run(results: &Path, run: &Run) -> Result<(PathBuf, Run)> {
    let folder = results.join(&run.id);
    let file = folder.join(RUN_FILE);
    let json = run_json(run)?;
    // Before it is written: a record that cannot be read must not take the place of one that can.
    parse(&json).with_context(|| format!("{} would not follow schema {SCHEMA}", file.display()))?;
    fs::create_dir_all(&folder)?;
    write(&file, &json)?;
    let run = read_run(&folder)?;
    Ok((folder, run))
}

/// Writes the record of a load on what was up into its folder, `<place>/<id>/`; returns the file.
///
/// # Errors
/// When it cannot be written, or a figure is not a number (JSON has no NaN).
pub fn write_load(place: &Path, loaded: &Loaded) -> Result<PathBuf> {
    let head = Loaded {
        timeline: Vec::new(),
        ..loaded.clone()
    };
    let json = in_lines(serde_json::to_string_pretty(&head)?, &loaded.timeline)?;
    let folder = place.join(&loaded.id);
    fs::create_dir_all(&folder)?;
    let file = folder.join(LOAD_FILE);
    write(&file, &json)?;
    Ok(file)
}

/// Writes a file whole or not at all: beside its place first, flushed, and then moved there.
///
/// # Errors
/// When it cannot be written; then what was there before still is.
pub fn write(file: &Path, text: &str) -> Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let written = || -> std::io::Result<()> {
        let mut new = NamedTempFile::new_in(folder)?;
        new.write_all(text.as_bytes())?;
        new.as_file().sync_all()?;
        // A temporary file is its owner's alone; results are for everybody who may see the folder.
        new.as_file()
            .set_permissions(Permissions::from_mode(0o644))?;
        new.persist(file).map_err(|error| error.error)?;
        Ok(())
    };
    written().with_context(|| format!("writing {}", file.display()))
}

/// Reads a run strictly from its folder or its `run.json`, of this schema or an older one.
///
/// # Errors
/// Names the file, and the field and line where it does not follow its schema.
pub fn read_run(place: &Path) -> Result<Run> {
    let file = if place.is_dir() {
        place.join(RUN_FILE)
    } else {
        place.to_path_buf()
    };
    let text = fs::read_to_string(&file)?;
    parse(&text).with_context(|| format!("{} cannot be read", file.display()))
}

fn parse(text: &str) -> Result<Run> {
    let Versioned { schema } = serde_json::from_str(text)?;
    match schema {
        SCHEMA => Ok(serde_json::from_str(text)?),
        2 => Ok(v2::upgraded(serde_json::from_str(text)?)),
        1 => Ok(v2::upgraded(
            serde_json::from_str::<v1::Run>(text)?.upgraded()?,
        )),
        other => bail!("it follows schema {other}, this program knows 1 to {SCHEMA}"),
    }
}

/// Reads every run of a results folder, oldest first. A folder without `run.json` is a run that
/// was broken off, and is left out; one that cannot be read is named, and hides no other.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn read_all(results: &Path) -> Result<Runs> {
    let ids = ids(results)?;
    Ok(read_folders(ids.iter().map(|id| results.join(id))))
}

/// Reads the runs in these folders, oldest first.
pub fn read_folders(folders: impl IntoIterator<Item = PathBuf>) -> Runs {
    let mut all = Runs::default();
    for folder in folders {
        match read_named(&folder) {
            Ok(run) => all.runs.push(run),
            Err(error) => all.unreadable.push(format!("{error:#}")),
        }
    }
    all.runs.sort_by(|a, b| a.id.cmp(&b.id));
    all.unreadable.sort();
    all
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
    let ids = ids(results)?;
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

/// `run.json`: indented, with one line for each second, so that a person can read it down and a
/// diff shows which seconds differ.
fn run_json(run: &Run) -> Result<String> {
    let head = Run {
        timeline: Vec::new(),
        ..run.clone()
    };
    in_lines(serde_json::to_string_pretty(&head)?, &run.timeline)
}

/// A record with no second in it, and these in it, a line each.
fn in_lines(head: String, timeline: &[Second]) -> Result<String> {
    let seconds = timeline
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<Vec<_>, _>>()?;
    let json = head + "\n";
    if seconds.is_empty() {
        return Ok(json);
    }
    let timeline = format!(
        "\n  \"timeline\": [\n    {}\n  ],\n",
        seconds.join(",\n    ")
    );
    // A string in JSON holds no line break, so this is the key and nothing else.
    Ok(json.replacen("\n  \"timeline\": [],\n", &timeline, 1))
}

/// The ids in a results folder, oldest first. The records themselves are not looked at: one that is
/// damaged must not hide the others.
fn ids(results: &Path) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    if !results.is_dir() {
        return Ok(ids);
    }
    for entry in fs::read_dir(results)? {
        let folder = entry?.path();
        let name = folder.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|_| folder.join(RUN_FILE).is_file()) {
            ids.push(name.to_owned());
        }
    }
    ids.sort();
    Ok(ids)
}

#[cfg(test)]
mod tests;

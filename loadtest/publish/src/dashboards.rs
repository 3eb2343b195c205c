//! Grafana's dashboards, made of the descriptions in monitoring/dashboards: what a panel asks and means
//! is written once, by hand; all that Grafana wants to know beside it is the same for every panel.
//!
//! `lab report --all` writes them, and a test finds one that was edited in its place.

mod colours;
mod dashboard;
mod panel;
mod source;

use anyhow::{Context, Result};
use fs_err as fs;
pub use source::{Dashboard, Kind, Panel, Query, Source};
use std::path::{Path, PathBuf};

/// Where the descriptions are, from the project's root.
pub const DESCRIPTIONS: &str = "monitoring/dashboards";
/// Where Grafana finds what is made of them.
pub const DASHBOARDS: &str = "monitoring/grafana/dashboards";

/// All descriptions, by name, in the order of their names; none where there is no such folder.
///
/// # Errors
/// Names the file, and the line, that is not understood.
pub fn descriptions(root: &Path) -> Result<Vec<(String, Dashboard)>> {
    let Ok(folder) = fs::read_dir(root.join(DESCRIPTIONS)) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in folder {
        let file = entry?.path();
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(&file)?;
        let dashboard =
            toml::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
        found.push((name.into_owned(), dashboard));
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

/// Every dashboard as Grafana reads it, by its path from `root`.
///
/// # Errors
/// When a description is not understood.
pub fn files(root: &Path) -> Result<Vec<(PathBuf, String)>> {
    let described = descriptions(root)?.into_iter();
    described
        .map(|(name, described)| {
            let json = dashboard::json(&name, &described);
            let file = Path::new(DASHBOARDS).join(format!("{name}.json"));
            Ok((file, serde_json::to_string_pretty(&json)? + "\n"))
        })
        .collect()
}

#[cfg(test)]
mod tests;

//! A campaign in its folder, `results/KIND/ID/`: what was asked and how far it is in KIND.json, and a folder
//! for each run. Not among the published runs, which stand for themselves.

use super::keep;
use crate::output::note;
use crate::run::{self, Setting, run_id};
use anyhow::Context;
use fs_err as fs;
use lab_publish::words;
use lab_truth::record::{Run, Verdict};
use lab_truth::spec::RunSpec;
use lab_truth::store;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// A record that is written after each run.
#[derive(Debug)]
pub struct Written<T> {
    /// What was asked, and how far it is.
    pub record: T,
    /// The folder.
    pub folder: PathBuf,
    file: PathBuf,
}

impl<T: Serialize + DeserializeOwned> Written<T> {
    /// A new one of this kind; `record` is told its id.
    ///
    /// # Errors
    /// When its folder cannot be made, or it cannot be written there.
    pub fn begin(
        root: &Path,
        kind: &str,
        record: impl FnOnce(String) -> T,
    ) -> anyhow::Result<Self> {
        let id = run_id(kind)?;
        let folder = place(root, kind).join(&id);
        fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{kind}.json"));
        let begun = Self {
            record: record(id),
            folder,
            file,
        };
        begun.write()?;
        Ok(begun)
    }

    /// One that was begun, by its id or the beginning of it; `latest` is the last one.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn find(root: &Path, kind: &str, name: &str) -> anyhow::Result<Self> {
        let place = place(root, kind);
        let wanted = if name == "latest" { "" } else { name };
        let mut files = Vec::new();
        for entry in fs::read_dir(&place)? {
            let folder = entry?.path();
            let id = folder.file_name().and_then(|id| id.to_str());
            let file = folder.join(format!("{kind}.json"));
            if id.is_some_and(|id| id.starts_with(wanted)) && file.is_file() {
                files.push((folder, file));
            }
        }
        let last = files.into_iter().max();
        let (folder, file) = last.with_context(|| format!("no {name} in {}", place.display()))?;
        let record = serde_json::from_str(&fs::read_to_string(&file)?);
        Ok(Self {
            record: record.with_context(|| format!("{} cannot be read", file.display()))?,
            folder,
            file,
        })
    }

    /// Makes a run and keeps it in the folder.
    ///
    /// # Errors
    /// When it could not be made or kept.
    pub(super) async fn make(&self, spec: &RunSpec, setting: &Setting<'_>) -> anyhow::Result<Run> {
        let run = run::run(spec, setting).await?;
        let (_, run) = keep(&self.folder, &run)?;
        if run.verdict == Verdict::Invalid {
            let reasons = words::reasons(&run).join("; ");
            note!("lab: {} is INVALID: {reasons}", run.id);
        }
        Ok(run)
    }

    /// Writes it down as it is now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self) -> anyhow::Result<()> {
        let json = serde_json::to_string_pretty(&self.record)?;
        store::write(&self.file, &(json + "\n"))
    }
}

fn place(root: &Path, kind: &str) -> PathBuf {
    root.join("results").join(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_is_found_again_where_it_was_left() {
        let root = tempfile::tempdir().unwrap();
        let find = |name: &str| Written::<Vec<String>>::find(root.path(), "noise", name);
        assert!(find("latest").is_err());
        let mut begun = Written::begin(root.path(), "noise", |id| vec![id]).unwrap();
        begun.record.push("run".into());
        begun.write().unwrap();
        let id = begun.record[0].clone();
        for name in ["latest", &id, &id[..11]] {
            let found = find(name).unwrap();
            assert_eq!(
                (&found.record, &found.folder),
                (&begun.record, &begun.folder)
            );
        }
        assert!(find("2000").is_err());
    }
}

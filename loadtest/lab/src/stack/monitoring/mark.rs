//! Tells Prometheus what is going on: which run is on, and which fault. A mark is a file in which it finds
//! a target, and that target's `up` carries the labels for as long as the file is there.

use lab_truth::store;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// Where Prometheus looks, from the project's root.
const FOLDER: &str = "monitoring/prometheus/marks";

/// A mark that is on until it is dropped.
#[derive(Debug)]
pub struct Mark(PathBuf);

impl Mark {
    /// Sets a mark with these labels. None where it cannot be written: no measurement fails for it.
    #[must_use]
    pub fn set(root: &Path, name: &str, labels: &[(&str, &str)]) -> Option<Self> {
        let labels: serde_json::Map<String, serde_json::Value> = labels
            .iter()
            .map(|(label, value)| ((*label).to_owned(), json!(value)))
            .collect();
        let targets = json!([{"targets": ["localhost:9090"], "labels": labels}]);
        let file = root.join(FOLDER).join(format!("{name}.json"));
        store::write(&file, &targets.to_string()).ok()?;
        Some(Self(file))
    }

    /// Removes what a process that was killed has left.
    pub(super) fn clear(root: &Path) {
        let left = fs::read_dir(root.join(FOLDER)).into_iter().flatten();
        for file in left.flatten().map(|entry| entry.path()) {
            if file.extension().is_some_and(|end| end == "json") {
                let _ = fs::remove_file(file);
            }
        }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_there_while_it_is_held_and_one_that_was_left_is_cleared() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(FOLDER);
        assert!(Mark::set(root.path(), "run", &[]).is_none(), "no folder");
        fs::create_dir_all(&folder).unwrap();
        let held = Mark::set(root.path(), "run", &[("run", "a \"run\"")]).unwrap();
        let text = fs::read_to_string(folder.join("run.json")).unwrap();
        let set: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = json!([{"targets": ["localhost:9090"], "labels": {"run": "a \"run\""}}]);
        assert_eq!(set, expected);
        drop(held);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        std::mem::forget(Mark::set(root.path(), "fault", &[]));
        fs::write(folder.join(".gitignore"), "").unwrap();
        Mark::clear(root.path());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}

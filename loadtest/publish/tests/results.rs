//! What is committed says what the runs say: records, reports, tables, schema and quoted numbers.
//! Each way of being wrong is also tried on a copy, so that these tests are known to fail.

#![expect(
    clippy::unwrap_used,
    reason = "clippy knows tests, but not the functions they share"
)]

use lab_publish::derived;
use lab_truth::store;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const RUSH: &str = "20251121T081500Z-phase1-rush-1000";

fn root() -> PathBuf {
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.nth(2).unwrap().to_path_buf()
}

/// A small repository with the sample runs published and everything derived up to date.
fn sample_root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../truth/fixtures");
    for run in store::read_all(&fixtures).unwrap().runs {
        let folder = root.path().join("results").join(&run.id);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(
            fixtures.join(&run.id).join("run.json"),
            folder.join("run.json"),
        )
        .unwrap();
    }
    let quote = format!("p99 is [11.8 ms](results/{RUSH}/run.json#latency_ms.answer.p99).\n");
    let markers = format!("<!-- runs:begin {RUSH} -->\n<!-- runs:end -->");
    let readme = format!("# Lab\n\n{markers}\n\n{quote}");
    fs::write(root.path().join("README.md"), readme).unwrap();
    derived::refresh(root.path()).unwrap();
    assert_eq!(derived::stale(root.path()).unwrap(), [""; 0]);
    root
}

/// The one complaint after `file` had `from` replaced with `to`.
fn complaint(file: &str, from: &str, to: &str) -> String {
    let root = sample_root();
    let path = root.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}:\n{text}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    let complaints = derived::stale(root.path()).unwrap();
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    complaints.into_iter().next().unwrap()
}

#[test]
fn everything_committed_agrees_with_its_runs() {
    let complaints = derived::stale(&root()).unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_committed_record_is_written_again_as_it_is() {
    let results = root().join("results");
    let runs = store::read_all(&results).unwrap().runs;
    assert!(runs.len() >= 126, "{}", runs.len());
    let copy = tempfile::tempdir().unwrap();
    for run in runs {
        let (folder, _) = store::write_run(copy.path(), &run).unwrap();
        let again = fs::read(folder.join("run.json")).unwrap();
        let before = fs::read(results.join(&run.id).join("run.json")).unwrap();
        assert!(again == before, "{}", run.id);
    }
}

#[test]
fn a_wrong_number_in_a_text_is_found() {
    let found = complaint("README.md", "[11.8 ms]", "[11.7 ms]");
    assert!(
        found.contains("README.md") && found.contains("11.8"),
        "{found}"
    );
}

#[test]
fn a_changed_table_report_or_schema_is_found() {
    let report = format!("results/{RUSH}/report.md");
    for (file, from, to) in [
        ("README.md", "| 968 |", "| 200 |"),
        ("results/README.md", "| 968 |", "| 200 |"),
        (report.as_str(), "**968**", "**200**"),
        ("results/schema.json", "\"seed\"", "\"sede\""),
    ] {
        let found = complaint(file, from, to);
        assert!(
            found.starts_with(file) && found.contains("out of date"),
            "{found}"
        );
    }
}

#[test]
fn a_changed_record_is_found_in_all_that_was_made_from_it() {
    let root = sample_root();
    let path = root.path().join("results").join(RUSH).join("run.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"p99\": 11.8", "\"p99\": 1.8", 1)).unwrap();
    let complaints = derived::stale(root.path()).unwrap();
    assert_eq!(
        complaints.len(),
        4,
        "report, two tables and the quote: {complaints:?}"
    );
}

/// Most reports are drawn when they are asked for; those that are linked lie in the results.
#[test]
fn only_linked_reports_and_charts_are_kept() {
    let root = sample_root();
    let kept: Vec<_> = fs::read_dir(root.path().join("results"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| folder.join("report.md").exists())
        .collect();
    assert_eq!(kept, [root.path().join("results").join(RUSH)]);
}

#[test]
fn a_damaged_record_is_named_and_the_others_are_shown() {
    let root = sample_root();
    let path = root.path().join("results").join(RUSH).join("run.json");
    let text = fs::read_to_string(&path).unwrap();
    let other = "<!-- runs:begin 20251121T093000Z-phase1-rush-1000 -->";
    let readme = format!("# Lab\n\n{other}\n<!-- runs:end -->\n");
    fs::write(root.path().join("README.md"), readme).unwrap();
    fs::write(&path, &text[..text.len() / 3]).unwrap();
    let refreshed = derived::refresh(root.path()).unwrap();
    assert_eq!(refreshed.unreadable.len(), 1);
    assert!(
        refreshed.unreadable[0].contains(RUSH),
        "{:?}",
        refreshed.unreadable
    );
    let table = fs::read_to_string(root.path().join("results/README.md")).unwrap();
    assert!(table.contains("20251121T093000Z") && !table.contains(RUSH));
}

#[test]
fn a_missing_chart_is_found() {
    let root = sample_root();
    fs::remove_file(root.path().join("results").join(RUSH).join("cpu.svg")).unwrap();
    let complaints = derived::stale(root.path()).unwrap();
    assert!(
        complaints.len() == 1 && complaints[0].contains("cpu.svg"),
        "{complaints:?}"
    );
}

#[test]
fn a_run_outside_version_control_changes_no_table() {
    let root = sample_root();
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .args(arguments)
            .current_dir(root.path())
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    git(&["init", "--quiet"]);
    git(&["add", "results"]);
    let mut run = store::read_run(&root.path().join("results").join(RUSH)).unwrap();
    run.id = "20990101T000000Z-phase1-rush-1000".to_owned();
    store::write_run(&root.path().join("results"), &run).unwrap();
    assert_eq!(derived::published(root.path()).unwrap().runs.len(), 3);
    assert_eq!(derived::stale(root.path()).unwrap(), [""; 0]);
}

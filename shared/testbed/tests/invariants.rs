//! The rules of the workspace that the README states, held by a machine: what may depend on what,
//! what lies where, and what no file may mention.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Clients of databases, caches and queues, by the start of a crate's name.
const CLIENTS: [&str; 12] = [
    "sqlx",
    "postgres",
    "tokio-postgres",
    "deadpool",
    "bb8",
    "diesel",
    "sea-orm",
    "redis",
    "fred",
    "moka",
    "lapin",
    "amqp",
];

/// What makes runs: runtimes, clients, and the load generator.
const ENGINES: [&str; 8] = [
    "tokio",
    "goose",
    "reqwest",
    "hyper",
    "sqlx",
    "tokio-postgres",
    "lapin",
    "bollard",
];

/// All that may lie at the top, beside the dotfiles of tools.
const TOP_LEVEL: [&str; 11] = [
    "Cargo.lock",
    "Cargo.toml",
    "Makefile",
    "NOTES.md",
    "README.md",
    "compose",
    "loadtest",
    "monitoring",
    "phases",
    "results",
    "shared",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .current_dir(root())
        // Only what is built here: other platforms' crates may not have been downloaded.
        .other_options(["--locked", "--filter-platform", "host-tuple"].map(String::from))
        .exec()
        .unwrap()
}

/// The crates below `phases/`.
fn phases(metadata: &Metadata) -> BTreeSet<&str> {
    let phases = root().join("phases");
    let packages = metadata.workspace_packages().into_iter();
    packages
        .filter(|package| package.manifest_path.starts_with(&phases))
        .map(|package| package.name.as_str())
        .collect()
}

fn package<'m>(metadata: &'m Metadata, name: &str) -> &'m Package {
    let packages = metadata.workspace_packages();
    packages
        .into_iter()
        .find(|package| package.name.as_str() == name)
        .unwrap_or_else(|| panic!("no crate {name} in the workspace"))
}

/// Names of all crates that are built into `name`: its normal dependencies, and theirs.
fn tree(metadata: &Metadata, name: &str) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().unwrap();
    let nodes: HashMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut open = vec![&package(metadata, name).id];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        for dependency in &nodes[id].deps {
            let mut kinds = dependency.dep_kinds.iter();
            if kinds.any(|kind| kind.kind == DependencyKind::Normal)
                && seen.insert(metadata[&dependency.pkg].name.to_string())
            {
                open.push(&dependency.pkg);
            }
        }
    }
    seen
}

/// The files of the repository, committed or about to be.
fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git ls-files: {error}");
    let listed = String::from_utf8(output.stdout).unwrap();
    let paths = listed.split('\0').filter(|path| !path.is_empty());
    // A file that was removed is listed until that is committed.
    paths
        .map(PathBuf::from)
        .filter(|path| root().join(path).is_file())
        .collect()
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(root().join(path)).unwrap()).into_owned()
}

#[test]
fn no_phase_depends_on_another() {
    let metadata = metadata();
    let phases = phases(&metadata);
    assert!(phases.contains("phase1-monolith"), "{phases:?}");
    for phase in &phases {
        for dependency in &package(&metadata, phase).dependencies {
            let name = dependency.name.as_str();
            assert!(!phases.contains(name), "{phase} depends on {name}");
        }
    }
}

#[test]
fn the_load_test_knows_phases_only_by_url() {
    let metadata = metadata();
    let phases = phases(&metadata);
    for name in ["lab-truth", "lab-publish", "lab"] {
        let known = &package(&metadata, name).dependencies;
        let known: Vec<_> = known.iter().map(|known| &known.name).collect();
        assert!(
            known.iter().all(|name| !phases.contains(name.as_str())),
            "{name} depends on a phase: {known:?}"
        );
    }
}

/// What judges and publishes runs could make none.
#[test]
fn truth_and_what_is_published_are_linked_with_no_input_or_output() {
    let metadata = metadata();
    for name in ["lab-truth", "lab-publish"] {
        let tree = tree(&metadata, name);
        assert!(
            tree.contains("serde_json"),
            "the tree of {name} is not read: {tree:?}"
        );
        let forbidden: Vec<_> = ENGINES
            .iter()
            .filter(|crate_| tree.contains(**crate_))
            .collect();
        assert!(forbidden.is_empty(), "{name} is built with {forbidden:?}");
    }
    let lab = tree(&metadata, "lab");
    assert!(
        ENGINES
            .iter()
            .all(|crate_| *crate_ == "tokio-postgres" || lab.contains(*crate_)),
        "{lab:?}"
    );
}

#[test]
fn what_phases_share_has_no_client_in_its_tree() {
    let metadata = metadata();
    for name in ["signup-domain", "signup-service", "signup-conformance"] {
        let tree = tree(&metadata, name);
        assert!(tree.len() > 10, "the tree of {name} is not read: {tree:?}");
        let clients: Vec<_> = tree
            .iter()
            .filter(|dependency| CLIENTS.iter().any(|client| dependency.starts_with(client)))
            .collect();
        assert!(clients.is_empty(), "{name} is built with {clients:?}");
    }
}

#[test]
fn a_client_in_a_tree_would_be_found() {
    let tree = tree(&metadata(), "phase1-monolith");
    assert!(tree.contains("sqlx-postgres"), "{tree:?}");
}

#[test]
fn the_test_helpers_are_only_ever_a_dev_dependency() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            assert!(
                dependency.name != "signup-testbed"
                    || dependency.kind == DependencyKind::Development,
                "{} is built with signup-testbed",
                package.name
            );
        }
    }
}

#[test]
fn the_top_level_has_its_fixed_entries_only() {
    for path in files() {
        let top = path.iter().next().unwrap().to_string_lossy();
        assert!(
            top.starts_with('.') || TOP_LEVEL.contains(&top.as_ref()),
            "{} has no place at the top level",
            path.display()
        );
    }
}

#[test]
fn a_source_file_can_be_read_in_one_go() {
    let is_source = |path: &PathBuf| path.extension().is_some_and(|of| of == "rs" || of == "sh");
    let sources: Vec<_> = files().into_iter().filter(is_source).collect();
    assert!(sources.len() > 100, "{sources:?}");
    for path in sources {
        let lines = text(&path).lines().count();
        assert!(lines <= 300, "{} has {lines} lines", path.display());
    }
}

#[test]
fn a_phase_does_not_mention_what_a_later_one_brings() {
    // For each phase, the words of those after it.
    let later = [(
        "phases/phase1",
        [
            "phase2", "phase 2", "phase3", "phase 3", "replica", "redis", "rabbit", "shard",
        ],
    )];
    for (folder, words) in later {
        let sources: Vec<_> = files()
            .into_iter()
            .filter(|path| path.to_string_lossy().starts_with(folder))
            .collect();
        assert!(!sources.is_empty(), "nothing in {folder}");
        for path in sources {
            let text = text(&path).to_lowercase();
            for word in words {
                assert!(!text.contains(word), "{} mentions {word:?}", path.display());
            }
        }
    }
}

#[test]
fn no_file_points_outside_the_repository() {
    // Put together here, so that this file does not contain them.
    let outside = [concat!("../shared", "/design"), concat!("/wo", "rk/")];
    for path in files() {
        let text = text(&path);
        for place in outside {
            assert!(!text.contains(place), "{} names {place}", path.display());
        }
    }
}

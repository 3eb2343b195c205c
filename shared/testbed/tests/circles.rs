//! No circle of files inside a crate: if one file uses another, that one does not use it back, neither
//! directly nor through others. So a crate can be read from its leaves up, each file once.
//!
//! A file uses what it names: `use crate::a::B`, `use super::B`, or `a::b()` where `a` is a module below
//! it. `mod a;` and `pub use a::B` use nothing, and whoever names what is imported elsewhere uses the file
//! it comes from. Inline modules of tests may use what they like. This reads text, as a person would:
//! it expands no macro, takes a path in a string for a path, and `a::*` for a use of `a`.

#![expect(clippy::unwrap_used, reason = "a test panics on purpose")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where crates lie: in a folder itself, or one below it.
const FOLDERS: [&str; 3] = ["phases", "shared", "loadtest"];

/// The layers of a crate of the load test, from above: its top modules in the order of their arrows. A
/// file uses files of its own layer and of those below; modules of one layer do not know each other.
type Layers = &'static [&'static [&'static str]];

/// What judges a run sees its record only, so that a stored run can be judged again.
const TRUTH: Layers = &[
    &["assemble", "fixtures"],
    &[
        "verdict", "store", "figures", "compare", "capacity", "journal",
    ],
    &["ledger"],
    &["plan"],
    &["evidence", "percentiles"],
    &["record"],
    &["spec"],
];
const PUBLISH: Layers = &[
    &["derived", "capacity", "ablation"],
    &["tables", "report", "compared"],
    &["charts", "quotes", "dashboards", "series"],
    &["words", "markdown"],
    &["format"],
];
const LAB: Layers = &[
    &["cli"],
    &["campaign"],
    &["run"],
    &["load", "stack"],
    &["output"],
];

#[derive(Clone, Copy, PartialEq)]
enum How {
    Named,
    Imported,
    /// Imported for others.
    PassedOn,
}

/// The paths in each file, as words, by that of its module: empty for the root, then `a`, `a::b`.
type Files = BTreeMap<String, Vec<(How, Vec<String>)>>;

/// What is left of a file without comments and tests.
fn code(source: &str) -> String {
    let code = source.split("\n#[cfg(test)]\nmod tests {").next();
    let lines = code.unwrap_or_default().lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with("//"));
    let code: String = lines.flat_map(|line| ["\n", line]).collect();
    code.replace("\npub(crate) use ", "\npub use ")
}

fn paths(code: &str) -> Vec<(How, Vec<String>)> {
    let mut all = Vec::new();
    for statement in code.split(';') {
        let passed_on = statement.rsplit_once("\npub use ");
        let imported = passed_on.or(statement.rsplit_once("\nuse "));
        let (before, tree) = imported.unwrap_or((statement, ""));
        let how = passed_on.map_or(How::Imported, |_| How::PassedOn);
        all.extend(imports(tree, &[]).into_iter().map(|path| (how, path)));
        let words = before.split(|c: char| !c.is_alphanumeric() && !"_:$".contains(c));
        for path in words.filter(|word| word.contains("::")) {
            all.push((How::Named, path.split("::").map(str::to_owned).collect()));
        }
    }
    all
}

/// The paths of a `use`: those of `a::{b, c::D}` are `a::b` and `a::c::D`.
fn imports(tree: &str, before: &[String]) -> Vec<Vec<String>> {
    let (mut depth, mut all) = (0, Vec::new());
    let parts = tree.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0 && c == ','
    });
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        let (head, inner) = part.split_once('{').unwrap_or((part, ""));
        let words = head.split(" as ").next().unwrap_or_default();
        let mut path = before.to_vec();
        path.extend(words.trim_end_matches("::").split("::").map(str::to_owned));
        if path.len() > 1 {
            path.retain(|word| word != "self");
        }
        match inner.rsplit_once('}') {
            Some((inner, _)) => all.extend(imports(inner, &path)),
            None => all.push(path),
        }
    }
    all
}

/// The file that a path in `module` leads to; nothing when it is not of this crate.
fn target(files: &Files, module: &str, path: &[String]) -> Option<String> {
    let first = path.first().filter(|first| !first.is_empty())?;
    let is_local = matches!(first.as_str(), "crate" | "self" | "super");
    if !is_local && !files.contains_key(&below(module, first)) {
        return None;
    }
    let mut at = module.to_owned();
    for word in path {
        match word.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => at.truncate(at.rfind("::").unwrap_or(0)),
            child if files.contains_key(&below(&at, child)) => at = below(&at, child),
            _ => {
                let from = files[&at]
                    .iter()
                    .find(|(how, path)| *how != How::Named && path.last() == Some(word));
                return from.map_or(Some(at.clone()), |(_, path)| target(files, &at, path));
            }
        }
    }
    Some(at)
}

fn below(module: &str, name: &str) -> String {
    let path = format!("{module}::{name}");
    path.trim_start_matches("::").to_owned()
}

/// The files that `module` uses.
fn used(files: &Files, module: &str) -> BTreeSet<String> {
    let used = files[module].iter().filter_map(|(how, path)| {
        let used = target(files, module, path)?;
        let is_own = *how == How::PassedOn && used.starts_with(&below(module, ""));
        (used != module && !is_own).then_some(used)
    });
    used.collect()
}

/// A circle, if there is one: files of which each uses the next, and the last the first.
fn circle(files: &Files) -> Option<Vec<String>> {
    let arrows = files.keys().map(|file| (file.clone(), used(files, file)));
    let mut arrows: BTreeMap<String, BTreeSet<String>> = arrows.collect();
    // What uses nothing that is left is on no circle.
    while let Some(leaf) = arrows.keys().find(|file| arrows[*file].is_empty()).cloned() {
        arrows.remove(&leaf);
        for used in arrows.values_mut() {
            used.remove(&leaf);
        }
    }
    // Each of the others uses another one of them: whoever follows that comes by twice.
    let mut walked = vec![arrows.keys().next()?.clone()];
    loop {
        let next = arrows[walked.last()?].first()?;
        if let Some(first) = walked.iter().position(|file| file == next) {
            return Some(walked.split_off(first));
        }
        walked.push(next.clone());
    }
}

/// Reads `file`, which is `module`, and all files below it, which lie in `folder`.
fn read(file: &Path, folder: &Path, module: &str, files: &mut Files) {
    let code = code(&fs::read_to_string(file).unwrap());
    for line in code.lines().filter_map(|line| line.strip_suffix(';')) {
        if let [.., "mod", child] = line.split(' ').collect::<Vec<_>>()[..]
            // Tests in a file of their own, like inline ones.
            && child != "tests"
        {
            let inner = folder.join(child);
            let nested = Some(inner.join("mod.rs")).filter(|file| file.is_file());
            let file = nested.unwrap_or(inner.with_extension("rs"));
            read(&file, &inner, &below(module, child), files);
        }
    }
    files.insert(module.to_owned(), paths(&code));
}

fn layer(layers: Layers, module: &str) -> Option<(usize, String)> {
    let top = module.split("::").next().unwrap_or_default();
    let found = layers.iter().position(|layer| layer.contains(&top))?;
    Some((found, top.to_owned()))
}

/// Uses of a file of a layer above, or of another module of the same layer.
fn against(layers: Layers, files: &Files) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files.keys().filter(|file| !file.is_empty()) {
        let from = layer(layers, file);
        wrong.extend(from.is_none().then(|| format!("{file} is in no layer")));
        for used in used(files, file) {
            let (from, to) = (layer(layers, file), layer(layers, &used));
            if from
                .zip(to)
                .is_some_and(|(f, t)| t.0 < f.0 || (t.0 == f.0 && t.1 != f.1))
            {
                wrong.push(format!("{file} uses {used}"));
            }
        }
    }
    wrong
}

#[test]
fn the_load_test_keeps_its_layers() {
    let loadtest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../loadtest");
    for (name, layers) in [("truth", TRUTH), ("publish", PUBLISH), ("lab", LAB)] {
        let (src, mut files) = (loadtest.join(name).join("src"), Files::new());
        read(&src.join("lib.rs"), &src, "", &mut files);
        assert!(files.len() > 10, "{name}");
        assert_eq!(against(layers, &files), [""; 0], "{name}");
    }
    // The judge knows the record and what was asked, and nothing else of what was seen.
    let (src, mut files) = (loadtest.join("truth/src"), Files::new());
    read(&src.join("lib.rs"), &src, "", &mut files);
    for file in files.keys().filter(|file| file.starts_with("verdict")) {
        for used in used(&files, file) {
            let allowed = ["verdict", "record", "spec"];
            assert!(
                allowed.iter().any(|top| used.starts_with(top)),
                "{file} uses {used}"
            );
        }
    }
}

#[test]
fn an_arrow_upwards_is_found() {
    let sources = [
        ("", ""),
        ("run", "use crate::cli::Cli;"),
        ("cli", ""),
        ("stack", "use crate::load::Load;"),
        ("load", ""),
    ];
    let files = sources
        .map(|(module, source)| (String::from(module), paths(&code(&format!("\n{source}")))));
    let expected = ["run uses cli", "stack uses load"];
    assert_eq!(against(LAB, &files.into()), expected);
}

#[test]
fn no_crate_has_a_circle_of_files() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut crates: Vec<PathBuf> = Vec::new();
    for folder in FOLDERS.map(|folder| here.join("../..").join(folder)) {
        let inner = fs::read_dir(&folder).unwrap();
        crates.extend(inner.map(|entry| entry.unwrap().path()));
        crates.push(folder);
    }
    let mut seen = 0;
    for src in crates.iter().map(|folder| folder.join("src")) {
        for root in ["lib.rs", "main.rs"].map(|root| src.join(root)) {
            let mut files = Files::new();
            if root.is_file() {
                read(&root, &src, "", &mut files);
            }
            assert_eq!(circle(&files), None, "{root:?}: each uses the next");
            seen += files.len();
        }
    }
    assert!(seen > 100, "{seen} files in {crates:?}");
}

#[test]
fn a_circle_is_found() {
    let leaf = "use ::a::A;\n// crate::a\n\n#[cfg(test)]\nmod tests {\nuse crate::a;\n}";
    let (back, inline) = ("use super::a;", "fn b() {\ncrate::a::a();\n}");
    for (root, a, b, expected) in [
        ("pub use b::{B, D as E};", "use super::B;", leaf, None),
        ("pub use b::B;", "use super::B;", back, Some("a b")),
        ("", "crate::b::c", "use crate::{d, a::{self}};", Some("a b")),
        ("", "use crate::b;", inline, Some("a b")),
        ("a::run();", "use super::Root;", "", Some(" a")),
        ("b::run();", "use super::Root;", back, Some(" b a")),
    ] {
        let sources = [("", root), ("a", a), ("b", b)];
        let file = |(module, source)| (String::from(module), paths(&code(source)));
        let found = circle(&sources.map(file).into()).map(|circle| circle.join(" "));
        assert_eq!(found.as_deref(), expected, "{sources:?}");
    }
}

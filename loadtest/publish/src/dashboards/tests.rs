//! What every dashboard must have. That its queries find something, the stack tests ask of Prometheus.

use super::*;
use serde_json::Value;
use std::collections::BTreeSet;

fn root() -> PathBuf {
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.nth(2).unwrap().to_path_buf()
}

/// Every panel that asks something, with the dashboard it is in.
fn each_panel(mut look: impl FnMut(&str, &Dashboard, &Panel)) {
    let all = descriptions(&root()).unwrap();
    assert!(all.len() >= 8, "only {} dashboards", all.len());
    for (name, dashboard) in &all {
        for panel in dashboard.row.iter().flat_map(|row| &row.panel) {
            look(name, dashboard, panel);
        }
    }
}

fn asks(panel: &Panel) -> bool {
    !matches!(panel.kind, Kind::Text | Kind::Alerts)
}

fn expressions(panel: &Panel) -> impl Iterator<Item = &str> {
    let asked = panel.query.iter().map(|query| query.expr.as_str());
    asked.chain(panel.max_of.as_deref())
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_what_that_means() {
    let mut titles = BTreeSet::new();
    each_panel(|name, _, panel| {
        let title = &panel.title;
        assert!(
            titles.insert((name.to_owned(), title.clone())),
            "{name}: {title} comes twice"
        );
        assert!(
            !title.is_empty() && panel.description.len() > 15,
            "{name}: {title}: no description"
        );
        assert!((1..=24).contains(&panel.width), "{name}: {title}: width");
        if asks(panel) {
            assert!(!panel.unit.is_empty(), "{name}: {title}: no unit");
            assert!(
                (1..=20).contains(&panel.query.len()),
                "{name}: {title}: queries"
            );
            let named = panel.query.iter().all(|query| !query.legend.is_empty());
            assert!(named, "{name}: {title}: a line without a name");
        }
    });
}

/// A fixed window hides what is shorter, and blurs both ends of a run.
#[test]
fn every_rate_is_over_the_window_that_grafana_chooses() {
    each_panel(|name, _, panel| {
        for expr in expressions(panel) {
            for window in expr
                .split('[')
                .skip(1)
                .filter(|rest| !rest.starts_with("0-9"))
            {
                let window = window.split(']').next().unwrap_or_default();
                let chosen = ["$__rate_interval", "$__range:$__interval"].contains(&window);
                assert!(chosen, "{name}: {}: [{window}] in {expr}", panel.title);
            }
        }
    });
}

/// Refusals, which take microseconds, would flatter a percentile of the answers.
#[test]
fn every_percentile_of_answers_is_of_one_class() {
    each_panel(|name, _, panel| {
        for expr in expressions(panel) {
            let mixed =
                expr.contains("http_request_duration_seconds_bucket") && !expr.contains("class=\"");
            assert!(!mixed, "{name}: {}: {expr}", panel.title);
        }
    });
}

#[test]
fn every_variable_that_is_asked_with_can_be_chosen() {
    each_panel(|name, dashboard, panel| {
        let known = |word: &str| {
            let mut chosen = dashboard.variable.iter();
            word.starts_with("__")
                || word.starts_with(|c: char| c.is_ascii_digit())
                || chosen.any(|variable| variable.name == word)
        };
        let texts = expressions(panel).chain([panel.title.as_str()]);
        for text in texts.flat_map(|text| text.split('$').skip(1)) {
            let word = text
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next();
            assert!(known(word.unwrap()), "{name}: {}: ${word:?}", panel.title);
        }
        assert!(
            panel.each.is_empty() || known(&panel.each),
            "{name}: {}",
            panel.title
        );
    });
}

#[test]
fn dashboards_have_their_names_for_ids_and_ask_only_provisioned_sources() {
    let provisioned = root().join("monitoring/grafana/provisioning/datasources/prometheus.yml");
    let provisioned = fs::read_to_string(provisioned).unwrap();
    let known = |uid: &str| provisioned.contains(&format!("    uid: {uid}\n"));
    for (file, text) in files(&root()).unwrap() {
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["uid"], *file.file_stem().unwrap().to_string_lossy());
        let mut ids = BTreeSet::new();
        for panel in json["panels"].as_array().unwrap() {
            assert!(
                ids.insert(panel["id"].as_u64().unwrap()),
                "{}",
                file.display()
            );
            for target in panel["targets"].as_array().into_iter().flatten() {
                let uid = target["datasource"]["uid"].as_str().unwrap();
                assert!(known(uid), "{}: {uid}", file.display());
            }
        }
        let linked: Vec<_> = json["links"]
            .as_array()
            .unwrap()
            .iter()
            .map(|to| &to["tags"][0])
            .collect();
        assert_eq!(linked, ["live", "runs"], "{}", file.display());
    }
}

#[test]
fn grafana_finds_nothing_but_what_is_described() {
    let described: BTreeSet<PathBuf> = files(&root())
        .unwrap()
        .into_iter()
        .map(|(file, _)| root().join(file))
        .collect();
    let found = fs::read_dir(root().join(DASHBOARDS)).unwrap();
    let found: BTreeSet<PathBuf> = found.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(found, described);
}

/// Panels lie beside and below each other, and on no other.
#[test]
fn no_panel_covers_another() {
    for (file, text) in files(&root()).unwrap() {
        let json: Value = serde_json::from_str(&text).unwrap();
        let mut taken = BTreeSet::new();
        for panel in json["panels"].as_array().unwrap() {
            let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
            assert!(side("x") + side("w") <= 24, "{}: {panel}", file.display());
            for x in side("x")..side("x") + side("w") {
                for y in side("y")..side("y") + side("h") {
                    assert!(
                        taken.insert((x, y)),
                        "{}: {}",
                        file.display(),
                        panel["title"]
                    );
                }
            }
        }
    }
}

#[test]
fn an_unknown_word_in_a_description_is_an_error_that_names_the_file() {
    let root = tempfile::tempdir().unwrap();
    assert!(files(root.path()).unwrap().is_empty());
    let folder = root.path().join(DESCRIPTIONS);
    fs::create_dir_all(&folder).unwrap();
    let text = "title = \"a\"\ndescription = \"b\"\nrow = []\ncolour = \"red\"\n";
    fs::write(folder.join("wrong.toml"), text).unwrap();
    let error = format!("{:#}", files(root.path()).unwrap_err());
    assert!(
        error.contains("wrong.toml") && error.contains("colour"),
        "{error}"
    );
}

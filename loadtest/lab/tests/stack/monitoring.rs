//! Every query of the dashboards and rules, asked of the real Prometheus: the live one after a run, and
//! the one of the runs.

use crate::root;
use lab::stack::http;
use lab::stack::monitoring::Monitoring;
use lab::stack::project::Project;
use lab_publish::series::BEGIN;
use serde_json::Value;
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Which phase a dashboard, or a group of recording rules, concerns, by its name; every phase when
/// it is not named here. Of another phase it has no data.
const OF_ONE_PHASE: [(&str, &str); 2] = [("replicated", "phase2"), ("buffered", "phase3")];

/// A query, whom it is asked, and what it is for.
struct Query {
    what: String,
    uid: String,
    text: String,
}

/// Asks the real Prometheus every query of the dashboards and every recording rule that concern
/// `phase`; returns those that fail or find nothing. (Alerts find nothing when all is well: of
/// those, that they parse and evaluate.)
pub(crate) async fn every_query_has_data(phase: &str) -> Vec<String> {
    let rules = get("prometheus", "/api/v1/rules", &[]).await;
    let mut complaints = sick_rules(&rules);
    let mut queries = queries(phase);
    queries.retain(|query| query.uid == "prometheus");
    assert!(queries.len() >= 20, "only {} queries", queries.len());
    queries.extend(recorded(&rules, phase));
    // The last scrapes and evaluations of the load must be in.
    tokio::time::sleep(Duration::from_secs(10)).await;
    for query in queries {
        complaints.extend(finds_nothing(&query, phase).await);
    }
    complaints
}

/// The other Prometheus has the committed runs, without any phase having been up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn monitoring_shows_the_committed_runs_before_anything_was_run() {
    let _lock = lab::run::Lock::take("a stack test").unwrap();
    let monitoring = Monitoring::new(&Project::new(&root())).unwrap();
    monitoring.up().await.unwrap();
    let published = lab_publish::derived::published(&root()).unwrap().runs.len();
    let query = ("query", format!("count(run_kept @ {BEGIN})"));
    let counted = get("runs", "/api/v1/query", &[query]).await;
    let shown: usize = counted["data"]["result"][0]["value"][1]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        shown >= published && published > 100,
        "{shown} of {published}"
    );
    let mut queries = queries("phase.");
    queries.retain(|query| query.uid == "runs");
    assert!(queries.len() >= 40, "only {} queries", queries.len());
    let mut complaints = Vec::new();
    for query in queries {
        complaints.extend(finds_nothing(&query, ".+").await);
    }
    assert_eq!(complaints, Vec::<String>::new());
}

/// Whether Prometheus, after `phase` was taken down, still answers for what it did.
pub(crate) async fn remembers(phase: &str) -> bool {
    let rate = format!("rate(http_requests_total{{phase=\"{phase}\"}}[10m])");
    let answer = get("prometheus", "/api/v1/query", &[("query", rate)]).await;
    !answer["data"]["result"].as_array().unwrap().is_empty()
}

fn concerns(name: &str, phase: &str) -> bool {
    let of_one = OF_ONE_PHASE.iter().find(|(named, _)| *named == name);
    of_one.is_none_or(|(_, only)| *only == phase)
}

fn groups(rules: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let groups = rules["data"]["groups"].as_array().unwrap().iter();
    groups.flat_map(|group| {
        let rules = group["rules"].as_array().unwrap().iter();
        rules.map(|rule| (group["name"].as_str().unwrap(), rule))
    })
}

/// Rules that cannot be evaluated, of whatever phase.
fn sick_rules(rules: &Value) -> Vec<String> {
    let sick = groups(rules).filter(|(_, rule)| rule["health"] != "ok");
    sick.map(|(_, rule)| format!("rule {}: {}", rule["name"], rule["lastError"]))
        .collect()
}

fn recorded(rules: &Value, phase: &str) -> Vec<Query> {
    let recording =
        groups(rules).filter(|(group, rule)| rule["type"] == "recording" && concerns(group, phase));
    let query = |(group, rule): (&str, &Value)| Query {
        what: format!("a rule of {group}"),
        uid: "prometheus".to_owned(),
        text: rule["name"].as_str().unwrap().to_owned(),
    };
    recording.map(query).collect()
}

/// The queries of the panels, choices and annotations of every dashboard that concerns `phase`.
fn queries(phase: &str) -> Vec<Query> {
    let folder = root().join("monitoring/grafana/dashboards");
    let mut queries = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if !concerns(&name, phase) {
            continue;
        }
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let mut add = |what: &Value, asked: &Value, text: &Value| {
            queries.push(Query {
                what: format!("{name}: {what}"),
                uid: asked["datasource"]["uid"].as_str().unwrap().to_owned(),
                text: text.as_str().unwrap().to_owned(),
            });
        };
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                add(&panel["title"], target, &target["expr"]);
            }
        }
        for choice in dashboard["templating"]["list"].as_array().unwrap() {
            add(&choice["label"], choice, &choice["definition"]);
        }
        for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
            // No alert fires when all is well, and a run without a fault has none.
            if annotation["name"] == "Runs" || annotation["datasource"]["uid"] == "runs" {
                add(&annotation["name"], annotation, &annotation["expr"]);
            }
        }
    }
    queries
}

/// Asks for the last minutes, or for the first of the runs; complains when nothing is found.
async fn finds_nothing(query: &Query, phase: &str) -> Option<String> {
    let mut text = query.text.clone();
    // As Grafana does: four scrapes.
    for (variable, value) in [
        ("$__rate_interval", "20s"),
        ("$__range", "5m"),
        ("$__interval", "15s"),
        ("$exporter", "containers"),
        ("$phase", phase),
        ("$scenario", ".+"),
        ("$users", ".+"),
        ("$run", ".+"),
    ] {
        text = text.replace(variable, value);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (from, to, step) = match query.uid.as_str() {
        "runs" => (BEGIN, BEGIN + 120, "1"),
        _ => (now.as_secs() - 300, now.as_secs(), "5"),
    };
    let times = [("start", from.to_string()), ("end", to.to_string())];
    let label_values = text.strip_prefix("label_values(");
    let answer = match label_values.and_then(|inside| inside.strip_suffix(')')) {
        Some(inside) => {
            let (series, label) = inside.rsplit_once(", ").unwrap();
            let path = format!("/api/v1/label/{label}/values");
            let mut asked = times.to_vec();
            asked.push(("match[]", series.to_owned()));
            get(&query.uid, &path, &asked).await["data"].take()
        }
        None => {
            let mut asked = times.to_vec();
            asked.push(("step", step.to_owned()));
            asked.push(("query", text.clone()));
            let mut answer = get(&query.uid, "/api/v1/query_range", &asked).await;
            answer["data"]["result"].take()
        }
    };
    let found = answer.as_array().map_or(0, Vec::len);
    (found == 0).then(|| format!("{}: {text}: {answer}", query.what))
}

async fn get(uid: &str, path: &str, query: &[(&str, String)]) -> Value {
    let port = match uid {
        "runs" => 9091,
        _ => 9090,
    };
    let request = http::client()
        .get(format!("http://127.0.0.1:{port}{path}"))
        .query(query);
    request.send().await.unwrap().json().await.unwrap()
}

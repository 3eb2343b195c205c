//! Every query of the dashboards and rules that concern a phase, asked of the real Prometheus.

use crate::root;
use lab::stack::http;
use serde_json::Value;
use std::fs;
use std::time::Duration;

const PROMETHEUS: &str = "http://127.0.0.1:9090";

/// Which phase a dashboard, or a group of recording rules, concerns, by its name; every phase when
/// it is not named here. Of another phase it has no data.
const OF_ONE_PHASE: [(&str, &str); 2] = [("replicated", "phase2"), ("buffered", "phase3")];

/// A query, and what it is for.
struct Query {
    what: String,
    text: String,
}

/// Asks the real Prometheus every query of the dashboards and every recording rule that concern
/// `phase`; returns those that fail or find nothing. (Alerts find nothing when all is well: of
/// those, that they parse and evaluate.)
pub(crate) async fn every_query_has_data(phase: &str) -> Vec<String> {
    let rules = get("/api/v1/rules", &[]).await;
    let mut complaints = sick_rules(&rules);
    let mut queries = panel_queries(phase);
    let mixed = queries.iter().filter(|query| mixes_classes(&query.text));
    complaints.extend(mixed.map(|Query { what, text }| format!("{what} mixes classes: {text}")));
    assert!(
        queries.len() >= 8,
        "the dashboards hold only {} queries",
        queries.len()
    );
    queries.extend(recorded(&rules, phase));
    // The last scrapes and evaluations of the load must be in.
    tokio::time::sleep(Duration::from_secs(10)).await;
    for Query { what, text } in queries {
        let text = text
            .replace("$__rate_interval", "1m")
            .replace("$phase", phase)
            .replace("$exporter", "containers");
        let answer = get("/api/v1/query", &[("query", &text)]).await;
        let found = answer["data"]["result"].as_array().map_or(0, Vec::len);
        if found == 0 {
            complaints.push(format!("{what}: {text}: {answer}"));
        }
    }
    complaints
}

/// Whether Prometheus, after `phase` was taken down, still answers for what it did.
pub(crate) async fn remembers(phase: &str) -> bool {
    let rate = format!("rate(http_requests_total{{phase=\"{phase}\"}}[10m])");
    let answer = get("/api/v1/query", &[("query", &rate)]).await;
    !answer["data"]["result"].as_array().unwrap().is_empty()
}

/// Whether refusals, which take microseconds, flatter a percentile of the answers.
fn mixes_classes(query: &str) -> bool {
    query.contains("http_request_duration_seconds_bucket") && !query.contains("class=\"")
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
        text: rule["name"].as_str().unwrap().to_owned(),
    };
    recording.map(query).collect()
}

/// The query of every panel of the dashboards that concern `phase`.
fn panel_queries(phase: &str) -> Vec<Query> {
    let folder = root().join("monitoring/grafana/dashboards");
    let mut queries = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        if !concerns(file.file_stem().unwrap().to_str().unwrap(), phase) {
            continue;
        }
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                queries.push(Query {
                    what: panel["title"].to_string(),
                    text: target["expr"].as_str().unwrap().to_owned(),
                });
            }
        }
    }
    queries
}

async fn get(path: &str, query: &[(&str, &str)]) -> Value {
    let request = http::client()
        .get(format!("{PROMETHEUS}{path}"))
        .query(query);
    request.send().await.unwrap().json().await.unwrap()
}

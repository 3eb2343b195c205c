//! A dashboard around its panels: choices, links to the others, annotations, and where each panel lies.

use super::panel;
use super::source::{Dashboard, Source, Variable};
use serde_json::{Value, json};

/// Of 24.
const WIDTH: u32 = 24;

pub(super) fn json(name: &str, dashboard: &Dashboard) -> Value {
    let source = dashboard.source;
    let (from, to, refresh) = match source {
        Source::Prometheus => ("now-15m", "now", "5s"),
        Source::Runs => ("2000-01-01T00:00:00Z", "2000-01-01T00:02:00Z", ""),
    };
    json!({
        "uid": name,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["lab", tag(source)],
        "schemaVersion": 39,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "refresh": refresh,
        "time": {"from": from, "to": to},
        // Of a run only the distance from its begin is true.
        "timezone": if source == Source::Runs { "utc" } else { "browser" },
        "links": [link(Source::Prometheus, source), link(Source::Runs, source)],
        "templating": {"list": dashboard.variable.iter().map(|of| variable(of, source)).collect::<Vec<_>>()},
        "annotations": {"list": annotations(dashboard)},
        "panels": panels(dashboard),
    })
}

fn tag(source: Source) -> &'static str {
    match source {
        Source::Prometheus => "live",
        Source::Runs => "runs",
    }
}

/// To all dashboards that ask `to`. The time goes along only where it means the same.
fn link(to: Source, from: Source) -> Value {
    let title = match to {
        Source::Prometheus => "Live",
        Source::Runs => "Runs",
    };
    json!({
        "type": "dashboards",
        "title": title,
        "tags": [tag(to)],
        "asDropdown": false,
        "includeVars": to == from,
        "keepTime": to == from,
        "targetBlank": false,
    })
}

fn variable(of: &Variable, source: Source) -> Value {
    let current = match of.default.as_slice() {
        [] if of.multi => json!({"text": ["All"], "value": ["$__all"]}),
        [one] if !of.multi => json!({"text": one, "value": one}),
        several => json!({"text": several, "value": several}),
    };
    json!({
        "name": of.name,
        "label": of.label,
        "type": "query",
        "datasource": source.json(),
        "query": {"query": of.query, "refId": of.name},
        "definition": of.query,
        "refresh": 2,
        "sort": 1,
        "multi": of.multi,
        "includeAll": of.multi,
        "current": current,
        "options": [],
    })
}

/// Which run was on, what failed in it on order, and which alerts were on.
fn annotations(dashboard: &Dashboard) -> Vec<Value> {
    let source = dashboard.source;
    let of = |name: &str, colour: &str, expr: &str, title: &str| {
        json!({
            "name": name,
            "enable": true,
            "iconColor": colour,
            "datasource": source.json(),
            "expr": expr,
            "titleFormat": title,
            "step": if source == Source::Runs { "1s" } else { "5s" },
        })
    };
    let chooses_runs = dashboard.variable.iter().any(|of| of.name == "run");
    match source {
        Source::Prometheus => vec![
            of("Runs", "blue", "up{job=\"lab\",run!=\"\"}", "{{run}}"),
            of(
                "Faults",
                "orange",
                "up{job=\"lab\",fault!=\"\"}",
                "{{fault}}",
            ),
            of(
                "Alerts",
                "red",
                "ALERTS{alertstate=\"firing\"}",
                "{{alertname}}",
            ),
        ],
        Source::Runs if chooses_runs => {
            let faults = "run_fault{run=~\"$run\"}";
            vec![of("Faults", "orange", faults, "{{run}}: {{fault}}")]
        }
        Source::Runs => Vec::new(),
    }
}

/// The rows with their panels, from left to right and top to bottom.
fn panels(dashboard: &Dashboard) -> Vec<Value> {
    let mut placed = Vec::new();
    let mut y = 0;
    for row in &dashboard.row {
        let id = placed.len() + 1;
        placed.push(json!({
            "id": id,
            "type": "row",
            "title": row.title,
            "collapsed": false,
            "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y},
            "panels": [],
        }));
        y += 1;
        let (mut x, mut tallest) = (0, 0);
        for described in &row.panel {
            if x + described.width > WIDTH {
                (x, y, tallest) = (0, y + tallest, 0);
            }
            let mut panel = panel::json(described, dashboard.source);
            panel["id"] = json!(placed.len() + 1);
            let (h, w) = (described.height, described.width);
            panel["gridPos"] = json!({"h": h, "w": w, "x": x, "y": y});
            placed.push(panel);
            x += w;
            tallest = tallest.max(h);
        }
        y += tallest;
    }
    placed
}

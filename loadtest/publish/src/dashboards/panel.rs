//! One panel as Grafana draws it.

use super::colours;
use super::source::{Kind, Panel, Query, Source};
use serde_json::{Value, json};

pub(super) fn json(panel: &Panel, source: Source) -> Value {
    let source = panel.source.unwrap_or(source);
    let mut drawn = match panel.kind {
        Kind::Lines | Kind::Stack => lines(panel),
        Kind::States => of(
            "state-timeline",
            json!({
                "mergeValues": true, "showValue": "never", "rowHeight": 0.9,
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
                "tooltip": {"mode": "single"},
            }),
        ),
        Kind::Number => of(
            "stat",
            json!({
                "colorMode": "background", "graphMode": "none", "textMode": "value_and_name",
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
            }),
        ),
        Kind::Table => of("table", json!({"showHeader": true, "cellHeight": "sm"})),
        Kind::Dots => of(
            "xychart",
            json!({
                "mapping": "auto", "series": [],
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
                "tooltip": {"mode": "single"},
            }),
        ),
        Kind::Bars => of(
            "bargauge",
            json!({
                "displayMode": "basic", "orientation": "horizontal", "showUnfilled": false,
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
            }),
        ),
        Kind::Text => of(
            "text",
            json!({"mode": "markdown", "content": panel.description}),
        ),
        Kind::Alerts => of(
            "alertlist",
            json!({
                "viewMode": "list", "groupMode": "default", "maxItems": 20, "sortOrder": 3,
                "dashboardAlerts": false, "datasource": "Prometheus",
                "stateFilter": {"firing": true, "pending": true, "noData": false, "normal": false, "error": true},
            }),
        ),
    };
    drawn["title"] = json!(panel.title);
    if panel.kind == Kind::Text {
        return drawn;
    }
    drawn["description"] = json!(panel.description);
    drawn["datasource"] = source.json();
    drawn["fieldConfig"] = fields(panel);
    drawn["targets"] = targets(panel, source).into();
    if !panel.each.is_empty() {
        drawn["repeat"] = json!(panel.each);
        drawn["repeatDirection"] = json!("h");
        drawn["maxPerRow"] = json!(3);
    }
    let transformations = transformations(panel);
    if !transformations.is_empty() {
        drawn["transformations"] = transformations.into();
    }
    drawn
}

fn of(kind: &str, options: Value) -> Value {
    json!({"type": kind, "options": options})
}

fn lines(panel: &Panel) -> Value {
    // The last value alone says little of a run that has ended.
    let calcs = if panel.kind == Kind::Stack || panel.width < 8 {
        json!([])
    } else {
        json!(["mean", "max", "lastNotNull"])
    };
    of(
        "timeseries",
        json!({
            "legend": {"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": calcs},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }),
    )
}

/// How all values of a panel are written and drawn.
fn fields(panel: &Panel) -> Value {
    let stack = if panel.kind == Kind::Stack {
        "normal"
    } else {
        "none"
    };
    let drawn_as_line = matches!(panel.kind, Kind::Lines | Kind::Stack);
    let line = drawn_as_line && !panel.thresholds.is_empty();
    let mut defaults = json!({
        "unit": panel.unit,
        "color": {"mode": if drawn_as_line { "palette-classic-by-name" } else { "thresholds" }},
        "mappings": mappings(panel),
        "thresholds": thresholds(panel),
    });
    if drawn_as_line {
        defaults["custom"] = json!({
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": if stack == "normal" { 40 } else { 8 },
            "showPoints": "auto",
            "spanNulls": false,
            "stacking": {"mode": stack, "group": "A"},
            "scaleDistribution": if panel.log { json!({"type": "log", "log": 10}) } else { json!({"type": "linear"}) },
            "thresholdsStyle": {"mode": if line { "line" } else { "off" }},
        });
        if !panel.log {
            defaults["min"] = json!(0);
        }
    }
    if panel.kind == Kind::States {
        defaults["custom"] = json!({"fillOpacity": 80, "lineWidth": 0});
    }
    if let Some(max) = panel.max {
        defaults["max"] = json!(max);
    }
    let mut overrides = if drawn_as_line {
        colours::overrides()
    } else {
        Vec::new()
    };
    overrides.extend(panel.query.iter().filter_map(|query| own(panel, query)));
    json!({"defaults": defaults, "overrides": overrides})
}

/// What is different about the values of one query.
fn own(panel: &Panel, query: &Query) -> Option<Value> {
    let mut properties = Vec::new();
    let mut property = |id: &str, value: Value| properties.push(json!({"id": id, "value": value}));
    if !query.unit.is_empty() {
        property("unit", json!(query.unit));
        if panel.kind == Kind::Lines {
            property("custom.axisPlacement", json!("right"));
        }
    }
    if query.dashed {
        property("custom.lineStyle", json!({"fill": "dash", "dash": [8, 6]}));
        property("custom.fillOpacity", json!(0));
        property("custom.stacking", json!({"mode": "none", "group": "B"}));
    }
    if panel.kind == Kind::Dots && (query.log || panel.log) {
        property(
            "custom.scaleDistribution",
            json!({"type": "log", "log": 10}),
        );
    }
    let matcher = match panel.kind {
        Kind::Table | Kind::Dots => json!({"id": "byName", "options": query.legend}),
        _ => json!({"id": "byFrameRefID", "options": reference(panel, query)}),
    };
    (!properties.is_empty()).then(|| json!({"matcher": matcher, "properties": properties}))
}

fn reference(panel: &Panel, query: &Query) -> String {
    let at = panel
        .query
        .iter()
        .position(|other| std::ptr::eq(other, query));
    letter(at.unwrap_or_default())
}

fn letter(at: usize) -> String {
    char::from(b'A' + u8::try_from(at).unwrap_or(25)).to_string()
}

fn thresholds(panel: &Panel) -> Value {
    let base = if panel.kind == Kind::Lines || panel.thresholds.is_empty() {
        "transparent"
    } else {
        "green"
    };
    let mut steps = vec![json!({"color": base, "value": null})];
    let above = panel.thresholds.iter();
    steps.extend(above.map(|(value, colour)| json!({"color": colour, "value": value})));
    json!({"mode": "absolute", "steps": steps})
}

fn mappings(panel: &Panel) -> Value {
    if panel.words.is_empty() {
        return json!([]);
    }
    let words = panel.words.iter();
    let options: serde_json::Map<String, Value> = words
        .map(|(value, word)| (value.clone(), json!({"text": word})))
        .collect();
    json!([{"type": "value", "options": options}])
}

/// What a panel asks, and last what is asked for the top of its scale.
fn targets(panel: &Panel, source: Source) -> Vec<Value> {
    let at_once = matches!(
        panel.kind,
        Kind::Number | Kind::Table | Kind::Dots | Kind::Bars
    );
    let format = if matches!(panel.kind, Kind::Table | Kind::Dots) {
        "table"
    } else {
        "time_series"
    };
    let target = |reference: String, expr: &str, legend: &str, at_once: bool| {
        json!({
            "refId": reference,
            "datasource": source.json(),
            "editorMode": "code",
            "expr": expr,
            "legendFormat": legend,
            "range": !at_once,
            "instant": at_once,
            "format": format,
        })
    };
    let asked = panel.query.iter().enumerate();
    let mut targets: Vec<Value> = asked
        .map(|(at, query)| target(letter(at), &query.expr, &query.legend, at_once))
        .collect();
    if let Some(expr) = &panel.max_of {
        targets.push(target(TOP.to_owned(), expr, "top", true));
    }
    targets
}

/// The query for the top of a scale.
const TOP: &str = "Top";

fn transformations(panel: &Panel) -> Vec<Value> {
    let mut all = Vec::new();
    if panel.max_of.is_some() {
        all.push(json!({"id": "configFromData", "options": {
            "configRefId": TOP,
            "mappings": [{"fieldName": "top", "handlerKey": "max", "reducerId": "max"}],
        }}));
    }
    if matches!(panel.kind, Kind::Table | Kind::Dots) {
        // One row a run: what several queries say of it, under the names of the queries.
        all.push(json!({"id": "merge", "options": {}}));
        let mut names = serde_json::Map::new();
        for (at, query) in panel.query.iter().enumerate() {
            names.insert(format!("Value #{}", letter(at)), json!(query.legend));
        }
        if let [only] = panel.query.as_slice() {
            names.insert("Value".to_owned(), json!(only.legend));
        }
        all.push(json!({"id": "organize", "options": {
            "excludeByName": {"Time": true, "__name__": true},
            "renameByName": names,
        }}));
    }
    if panel.kind == Kind::Dots {
        // A colour a phase.
        all.push(json!({"id": "partitionByValues", "options": {"fields": ["phase"], "keepFields": false}}));
    }
    all
}

//! What has one colour wherever it is drawn: by the name of its line. The palette is that of the
//! charts in reports, which people with any sight can tell apart.

use serde_json::{Value, json};

/// Lines whose name begins like this, and what they are drawn in.
const BY_NAME: [(&str, &str); 22] = [
    ("p50", "#009e73"),
    ("p95", "#e69f00"),
    ("p99", "#0072b2"),
    ("2xx", "#0072b2"),
    ("4xx", "#e69f00"),
    ("5xx", "#d55e00"),
    ("asked", "#7f7f7f"),
    ("acknowledged", "#0072b2"),
    ("recorded", "#009e73"),
    ("refused", "#e69f00"),
    ("failed", "#d55e00"),
    ("limit", "#d55e00"),
    ("cap", "#d55e00"),
    (".*balancer", "#e69f00"),
    (".*(server|gateway)-?2", "#56b4e9"),
    (".*(server|gateway)", "#0072b2"),
    (".*(replica|shard-1)", "#66c2a5"),
    (".*(database|primary|shard-0)", "#009e73"),
    (".*redis", "#cc79a7"),
    (".*queue", "#8c510a"),
    (".*writer", "#7f7f7f"),
    ("waiting", "#d55e00"),
];

/// The same as Grafana's overrides. The last that fits counts, so the first here comes last.
pub(super) fn overrides() -> Vec<Value> {
    let by_name = BY_NAME.iter().rev();
    by_name
        .map(|(name, colour)| {
            json!({
                "matcher": {"id": "byRegexp", "options": format!("/^{name}/")},
                "properties": [
                    {"id": "color", "value": {"mode": "fixed", "fixedColor": colour}},
                ],
            })
        })
        .collect()
}

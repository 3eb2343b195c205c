//! A dashboard as it is described: TOML, and unknown words are errors.

use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Of whom a dashboard asks: by its uid in Grafana.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// What is, and was, live.
    #[default]
    Prometheus,
    /// The runs in results/, each from 2000-01-01T00:00:00Z on.
    Runs,
}

impl Source {
    /// As panels, variables and annotations name it.
    pub(super) fn json(self) -> Value {
        let uid = match self {
            Self::Prometheus => "prometheus",
            Self::Runs => "runs",
        };
        json!({"type": "prometheus", "uid": uid})
    }
}

/// A dashboard.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// In the list of dashboards.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Whom its panels ask, unless they say otherwise.
    #[serde(default)]
    pub source: Source,
    /// Choices at its top.
    #[serde(default)]
    pub variable: Vec<Variable>,
    /// Its rows, from the top.
    pub row: Vec<Row>,
}

/// A choice at the top of a dashboard.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// As queries name it: `$phase`.
    pub name: String,
    /// As people see it.
    pub label: String,
    /// `label_values(…)`.
    pub query: String,
    /// Chosen at first; everything when it is left out.
    #[serde(default)]
    pub default: Vec<String>,
    /// Whether several may be chosen.
    #[serde(default)]
    pub multi: bool,
}

/// Panels below a heading.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Heading.
    pub title: String,
    /// From the left.
    pub panel: Vec<Panel>,
}

/// What draws a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Lines.
    #[default]
    Lines,
    /// Lines on top of each other.
    Stack,
    /// A coloured bar a series: `thresholds` say which colour.
    States,
    /// One large number a series, as it was last.
    Number,
    /// A row a run, a column a query.
    Table,
    /// A dot a run: the first query to the right, the second upwards.
    Dots,
    /// A bar a run.
    Bars,
    /// Text, without a query.
    Text,
    /// Alerts that are on.
    Alerts,
}

/// A panel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    /// What it shows.
    pub title: String,
    /// What it means, and where to look next. Of a text panel: the text.
    pub description: String,
    /// What draws it.
    #[serde(default)]
    pub kind: Kind,
    /// Of 24.
    pub width: u32,
    /// Height, in Grafana's steps.
    #[serde(default = "height")]
    pub height: u32,
    /// Grafana's name of the unit.
    #[serde(default)]
    pub unit: String,
    /// Whom it asks, if not whom the dashboard asks.
    pub source: Option<Source>,
    /// Whether the scale is logarithmic.
    #[serde(default)]
    pub log: bool,
    /// The top of the scale.
    pub max: Option<f64>,
    /// Asked for the top of the scale, so that panels beside each other have the same.
    pub max_of: Option<String>,
    /// From this value on: a line, or this colour.
    #[serde(default)]
    pub thresholds: Vec<(f64, String)>,
    /// What a value is called.
    #[serde(default)]
    pub words: BTreeMap<String, String>,
    /// The variable of which each value has a panel of its own, beside each other.
    #[serde(default)]
    pub each: String,
    /// What it asks.
    #[serde(default)]
    pub query: Vec<Query>,
}

fn height() -> u32 {
    8
}

/// A question of a panel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// PromQL.
    pub expr: String,
    /// What a line is called; of a table, the column.
    #[serde(default)]
    pub legend: String,
    /// Its unit, where it is not the panel's: then with an axis of its own, on the right.
    #[serde(default)]
    pub unit: String,
    /// Of dots, whether its scale is logarithmic.
    #[serde(default)]
    pub log: bool,
    /// Whether it is dashed: what is asked or allowed, beside what is.
    #[serde(default)]
    pub dashed: bool,
}

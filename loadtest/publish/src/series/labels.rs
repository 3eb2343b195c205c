//! The labels of a run's series.

use crate::words;
use lab_truth::record::{FaultSeen, Run};
use lab_truth::spec::listed;
use std::fmt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// When the load began, in seconds since 1970.
pub(super) fn started(run: &Run) -> Option<f64> {
    Some(at(run)?.unix_timestamp() as f64)
}

fn at(run: &Run) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(&run.started_at, &Rfc3339).ok()
}

/// By which a person knows a run: `phase3 rush 1M, 27 Nov 17:29:55`. No two began in the same second.
pub(super) fn name(run: &Run) -> String {
    let spec = &run.spec;
    let greedy = if spec.greedy.is_none() { "" } else { " greedy" };
    let what = format!(
        "{} {} {}{greedy}",
        run.system(),
        spec.scenario,
        short(spec.users)
    );
    let format = format_description!("[day] [month repr:short] [hour]:[minute]:[second]");
    let at = at(run).and_then(|at| at.format(format).ok());
    format!("{what}, {}", at.as_deref().unwrap_or(&run.id))
}

/// 1M, 720k, 1500.
fn short(users: u32) -> String {
    match users {
        0 => "0".to_owned(),
        _ if users.is_multiple_of(1_000_000) => format!("{}M", users / 1_000_000),
        _ if users.is_multiple_of(1_000) => format!("{}k", users / 1_000),
        _ => users.to_string(),
    }
}

/// Labels, as they stand between the braces.
pub(super) struct Labels(String);

impl Labels {
    /// By which a run is found, and everything else by which it may be chosen.
    pub(super) fn of_all(run: &Run) -> Self {
        let spec = &run.spec;
        Self::of_course(run)
            .and("id", &run.id)
            .and("system", &run.system())
            .and("scenario", &spec.scenario.to_string())
            .and("load", &spec.load())
            .and("users", &spec.users.to_string())
            // `without` is a word of PromQL.
            .and("left_out", &listed(&spec.without))
            .and("stands_in", &listed(&spec.with))
            .and("budget", &spec.budget.to_string())
            .and("faults", &run.fault_text().unwrap_or_default())
            .and("verdict", words::verdict(run.verdict))
            .and("outcome", words::outcome(run))
            .and("cpu_model", &run.environment.cpu_model)
            .and("day", run.started_at.get(..10).unwrap_or_default())
    }

    pub(super) fn of_course(run: &Run) -> Self {
        Self(format!("run={:?}", name(run))).and("phase", &run.spec.phase.to_string())
    }

    pub(super) fn of_service(run: &Run, service: &str) -> Self {
        Self::of_course(run).and("service", service)
    }

    pub(super) fn of_fault(run: &Run, fault: &FaultSeen) -> Self {
        Self::of_course(run).and("fault", &fault.to_string())
    }

    fn and(mut self, label: &str, value: &str) -> Self {
        let value = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        self.0 += &format!(",{label}=\"{value}\"");
        self
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

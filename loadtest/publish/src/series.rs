//! The runs as time series, for Prometheus: OpenMetrics text of which `promtool tsdb create-blocks-from
//! openmetrics` makes a block.
//!
//! Every run begins at the same instant, so that any of them lie over each other on one time axis. What
//! happened second by second has the labels `run` and `phase` (and `service`) only; what a run was and
//! came to is a sample at the beginning, with all labels: `run_cost_us @ 946684800`.

mod labels;

use crate::words;
use lab_truth::record::{Run, Second, Verdict};
use labels::Labels;
use std::fmt::Write;

/// When every run begins: 2000-01-01T00:00:00Z.
pub const BEGIN: u64 = 946_684_800;

/// A figure of a run as a whole.
type Figure = (&'static str, fn(&Run) -> Option<f64>);

const FIGURES: [Figure; 15] = [
    ("run_asked_per_second", |run| Some(run.load.asked_per_s)),
    ("run_acknowledged_per_second", |run| {
        Some(run.load.achieved_per_s)
    }),
    ("run_acknowledged_share", |run| {
        (run.load.asked_per_s > 0.0).then(|| run.load.achieved_per_s / run.load.asked_per_s)
    }),
    ("run_answer_p50_ms", |run| Some(run.latency_ms.answer.p50)),
    ("run_answer_p99_ms", |run| Some(run.latency_ms.answer.p99)),
    ("run_read_p99_ms", |run| {
        (run.latency_ms.read.count > 0).then_some(run.latency_ms.read.p99)
    }),
    ("run_durable_p99_ms", |run| Some(run.latency_ms.durable.p99)),
    ("run_drain_seconds", |run| Some(run.drain_s)),
    ("run_cost_us", |run| Some(run.cost.cpu_us_per_signup)),
    ("run_times_floor", Run::times_floor),
    ("run_kept", |run| Some(run.ledger.kept as f64)),
    ("run_lost", |run| Some(run.ledger.lost as f64)),
    ("run_verdict", |run| {
        Some(match run.verdict {
            Verdict::Valid => 0.0,
            Verdict::Suspect => 1.0,
            Verdict::Invalid => 2.0,
        })
    }),
    ("run_carried", |run| {
        let outcome = words::usable_outcome(run)?;
        Some(f64::from(u8::from(outcome.carried)))
    }),
    ("run_started_seconds", |run| labels::started(run)),
];

/// What happened in a second of a run. No latency where nothing was answered: a gap, not a fast answer.
type Course = (&'static str, fn(&Second) -> Option<f64>);

const COURSES: [Course; 9] = [
    ("run_asked", |s| Some(s.asked as f64)),
    ("run_acknowledged", |s| Some(s.acked as f64)),
    ("run_recorded", |s| s.recorded.map(|rows| rows as f64)),
    ("run_refused", |s| Some(s.refused as f64)),
    ("run_failed", |s| Some(s.failed as f64)),
    ("run_p50_ms", |s| positive(s.p50_ms)),
    ("run_p99_ms", |s| positive(s.p99_ms)),
    ("run_p99_from_send_ms", |s| positive(s.p99_from_send_ms)),
    ("run_backlog", |s| Some(s.backlog as f64)),
];

fn positive(ms: f64) -> Option<f64> {
    (ms > 0.0).then_some(ms)
}

/// All runs as OpenMetrics text.
#[must_use]
pub fn openmetrics(runs: &[Run]) -> String {
    let mut text = String::new();
    for (metric, of) in FIGURES {
        family(&mut text, metric);
        for run in runs {
            if let Some(value) = of(run) {
                sample(&mut text, metric, &Labels::of_all(run), value, 0);
            }
        }
    }
    for (metric, of) in COURSES {
        family(&mut text, metric);
        for run in runs {
            let labels = Labels::of_course(run);
            for second in &run.timeline {
                if let Some(value) = of(second) {
                    sample(&mut text, metric, &labels, value, second.t_s);
                }
            }
        }
    }
    services(&mut text, runs);
    faults(&mut text, runs);
    text += "# EOF\n";
    text
}

/// Of each container: what it used second by second, its caps, and how often it was stopped by them.
fn services(text: &mut String, runs: &[Run]) {
    family(text, "run_cpus");
    each_service(runs, |labels, run, service| {
        for second in &run.timeline {
            if let Some(cpus) = second.cpus.get(service) {
                sample(text, "run_cpus", labels, *cpus, second.t_s);
            }
        }
    });
    family(text, "run_memory_bytes");
    each_service(runs, |labels, run, service| {
        for second in &run.timeline {
            if let Some(bytes) = second.memory_bytes.get(service) {
                sample(text, "run_memory_bytes", labels, *bytes as f64, second.t_s);
            }
        }
    });
    for (metric, memory) in [("run_cap_cpus", false), ("run_cap_memory_bytes", true)] {
        family(text, metric);
        each_service(runs, |labels, run, service| {
            if let Some(cap) = run.caps.iter().find(|cap| cap.service == service) {
                let cap = if memory {
                    cap.memory_bytes as f64
                } else {
                    cap.cpus
                };
                sample(text, metric, labels, cap, 0);
            }
        });
    }
    family(text, "run_throttled_ratio");
    each_service(runs, |labels, run, service| {
        let ratio = run.cost.per_service[service].throttled_ratio;
        sample(text, "run_throttled_ratio", labels, ratio, 0);
    });
}

fn each_service(runs: &[Run], mut write: impl FnMut(&Labels, &Run, &str)) {
    for run in runs {
        for service in run.cost.per_service.keys() {
            write(&Labels::of_service(run, service), run, service);
        }
    }
}

/// 1 in each second in which a fault was on.
fn faults(text: &mut String, runs: &[Run]) {
    family(text, "run_fault");
    for run in runs {
        for fault in &run.faults {
            let labels = Labels::of_fault(run, fault);
            let before = |second: &u32| f64::from(*second) + 1.0 <= fault.begin_s;
            let on = |second: &u32| f64::from(*second) <= fault.end_s;
            for second in (0..).skip_while(before).take_while(on) {
                sample(text, "run_fault", &labels, 1.0, second);
            }
        }
    }
}

fn family(text: &mut String, metric: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# TYPE {metric} gauge");
}

fn sample(text: &mut String, metric: &str, labels: &Labels, value: f64, second: u32) {
    let at = BEGIN + u64::from(second);
    let _ = writeln!(text, "{metric}{{{labels}}} {value} {at}");
}

#[cfg(test)]
mod tests;

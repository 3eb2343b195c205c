//! Two sets of runs against each other: medians, ranges, and whether a difference is more than what
//! repeats of the same run differ by.
//!
//! A set is one question asked several times. With one run a side nothing is known about the noise, so
//! nothing is told from it.

mod limit;

use crate::record::Run;
pub use limit::Limit;

/// A figure that two runs are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Signups acknowledged a second.
    Rate,
    /// Median time to the answer, in ms.
    P50,
    /// 99th percentile of it, in ms.
    P99,
    /// 99th percentile of the time to the commit, in ms.
    DurableP99,
    /// CPU time of the phase for a durable signup, in µs.
    Cost,
    /// The same as a multiple of the floor of its run: comparable over machines.
    TimesFloor,
    /// Most memory of all containers together, in bytes.
    Memory,
}

impl Figure {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 7] = [
        Self::Rate,
        Self::P50,
        Self::P99,
        Self::DurableP99,
        Self::Cost,
        Self::TimesFloor,
        Self::Memory,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::DurableP99 => "durable-p99",
            Self::Cost => "cost",
            Self::TimesFloor => "times-floor",
            Self::Memory => "memory",
        }
    }

    /// Its value in a run; `None` where it was not measured, or of nothing.
    #[must_use]
    pub fn of(self, run: &Run) -> Option<f64> {
        let latency = &run.latency_ms;
        let value = match self {
            Self::Rate => run.load.achieved_per_s,
            Self::P50 => latency.answer.p50,
            Self::P99 => latency.answer.p99,
            Self::DurableP99 => latency.durable.p99,
            Self::Cost => run.cost.cpu_us_per_signup,
            Self::TimesFloor => run.times_floor()?,
            Self::Memory => {
                let services = run.cost.per_service.values();
                services
                    .map(|service| service.peak_memory_bytes as f64)
                    .sum()
            }
        };
        (value.is_finite() && value > 0.0).then_some(value)
    }
}

/// What repeats of one question gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// How many runs have the figure.
    pub runs: usize,
    /// The one in the middle, or the mean of the two there.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    fn of(figure: Figure, runs: &[Run]) -> Option<Self> {
        let mut values: Vec<f64> = runs.iter().filter_map(|run| figure.of(run)).collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let half = values.len() / 2;
        let median = match values.len() % 2 {
            1 => values[half],
            _ => f64::midpoint(values[half - 1], values[half]),
        };
        Some(Self {
            runs: values.len(),
            median,
            min,
            max,
        })
    }
}

/// What a difference is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Every run of one side is on the same side of every run of the other.
    Apart,
    /// The ranges of the two overlap: repeats differ by as much.
    Within,
    /// A side has one run only, or none with this figure: the noise is not known.
    Unknown,
}

/// One figure of two sets of runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// Which figure.
    pub figure: Figure,
    /// Of the runs compared with.
    pub a: Option<Spread>,
    /// Of the runs that are compared.
    pub b: Option<Spread>,
    /// By which share the median of `b` is above (below, when negative) that of `a`.
    pub change: Option<f64>,
    /// Whether that is more than noise.
    pub told: Told,
}

/// Compares the runs `b` with the runs `a`, figure by figure.
#[must_use]
pub fn compare(a: &[Run], b: &[Run]) -> Vec<Compared> {
    let compared = |figure| {
        let (a, b) = (Spread::of(figure, a), Spread::of(figure, b));
        let both = a.zip(b);
        Compared {
            figure,
            a,
            b,
            change: both.map(|(a, b)| b.median / a.median - 1.0),
            told: match both {
                Some((a, b)) if a.runs > 1 && b.runs > 1 => {
                    let apart = b.min > a.max || b.max < a.min;
                    if apart { Told::Apart } else { Told::Within }
                }
                _ => Told::Unknown,
            },
        }
    };
    Figure::ALL.map(compared).to_vec()
}

/// Something about a run in words.
type Fact = fn(&Run) -> String;

/// In what the questions of the two sets, their programs and their machines differ, as `name: a, b`.
/// What differs within a set is said, too: then it is not one question.
#[must_use]
pub fn differences(a: &[Run], b: &[Run]) -> Vec<String> {
    let facts: [(&str, Fact); 9] = [
        ("system", Run::system),
        ("load", |run| run.spec.load()),
        ("users", |run| run.spec.users.to_string()),
        ("seed", |run| run.spec.seed.to_string()),
        ("faults", |run| {
            run.fault_text().unwrap_or_else(|| "none".into())
        }),
        ("monitoring", |run| {
            if run.spec.monitoring { "on" } else { "off" }.into()
        }),
        ("commit", |run| run.git_sha.clone()),
        ("CPU", |run| run.environment.cpu_model.clone()),
        ("caps", |run| caps(run)),
    ];
    let differs = |(name, of): &(&str, Fact)| {
        let (a, b) = (several(a, of), several(b, of));
        (a != b || a.contains(" or ")).then(|| format!("{name}: {a} against {b}"))
    };
    facts.iter().filter_map(differs).collect()
}

fn several(runs: &[Run], of: &Fact) -> String {
    let mut values: Vec<String> = runs.iter().map(of).collect();
    values.sort();
    values.dedup();
    values.join(" or ")
}

fn caps(run: &Run) -> String {
    let caps = run.caps.iter();
    let each: Vec<String> = caps
        .map(|cap| format!("{} {}", cap.service, cap.cpus))
        .collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::spec::Part;

    /// Runs that cost so much each.
    fn costing(costs: &[f64]) -> Vec<Run> {
        let run = |cost: &f64| {
            let mut run = fixtures::rush();
            run.cost.cpu_us_per_signup = *cost;
            run
        };
        costs.iter().map(run).collect()
    }

    fn cost(a: &[f64], b: &[f64]) -> Compared {
        let all = compare(&costing(a), &costing(b));
        *all.iter().find(|row| row.figure == Figure::Cost).unwrap()
    }

    #[test]
    fn repeats_have_a_median_and_a_range() {
        let row = cost(&[110.0, 100.0, 130.0], &[220.0, 240.0]);
        let (a, b) = (row.a.unwrap(), row.b.unwrap());
        assert_eq!((a.runs, a.median, a.min, a.max), (3, 110.0, 100.0, 130.0));
        assert_eq!((b.runs, b.median), (2, 230.0));
        assert!((row.change.unwrap() - 230.0 / 110.0 + 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_difference_is_told_from_the_noise_of_repeats() {
        assert_eq!(cost(&[100.0, 110.0], &[111.0, 120.0]).told, Told::Apart);
        assert_eq!(cost(&[111.0, 120.0], &[100.0, 110.0]).told, Told::Apart);
        assert_eq!(cost(&[100.0, 110.0], &[109.0, 120.0]).told, Told::Within);
        // However large it is.
        assert_eq!(cost(&[100.0], &[900.0, 910.0]).told, Told::Unknown);
    }

    #[test]
    fn what_was_not_measured_is_not_compared() {
        let mut without = costing(&[100.0, 110.0]);
        for run in &mut without {
            run.floor = None;
        }
        let rows = compare(&without, &without);
        let floor = rows
            .iter()
            .find(|row| row.figure == Figure::TimesFloor)
            .unwrap();
        assert_eq!(
            (floor.a, floor.change, floor.told),
            (None, None, Told::Unknown)
        );
    }

    #[test]
    fn the_differences_of_two_questions_are_named() {
        let (a, mut b) = (costing(&[1.0, 1.0]), costing(&[1.0, 1.0]));
        assert_eq!(differences(&a, &b), [""; 0]);
        for run in &mut b {
            run.spec.without = [Part::Batch].into();
        }
        b[1].spec.users = 2;
        assert_eq!(
            differences(&a, &b),
            [
                "system: phase1 against phase1 without batch",
                "users: 1000 against 1000 or 2"
            ]
        );
    }
}

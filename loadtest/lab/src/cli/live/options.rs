//! How to load what is up: the options of `lab load`, and the load they make.

use anyhow::ensure;
use clap::Args;
use lab_publish::format::count;
use lab_truth::assemble::LoadAsked;
use lab_truth::spec::{Arrivals, PUBLISHED_WINDOW_S, SLOTS, Scenario, StepSpec};
use signup_domain::LAUNCH_DAY;
use std::path::{Path, PathBuf};

/// Each request is kept in memory, 72 bytes of it, until all are looked for.
const MOST_USERS: u64 = 10_000_000;

/// How to load what is up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docker compose --profile phase1 up --detach
  lab load --rate 100,500,1000 --each 30s
                        three steps on phase 1; look at it in Grafana meanwhile
  lab load http://127.0.0.1:8080 --users 1000 --report goose.html --out target/load
                        1,000 participants in 100 s, with goose's own report and a record

What is up stays up, also after Ctrl-C: that ends the load, and what was acknowledged until then is still
looked for; a second Ctrl-C ends the looking. Requests go to the URL as it is: through the published port
they pass the engine's port proxy, which `lab run` avoids. Caps and durability are not checked, so the
numbers are SUSPECT at best: `lab run` makes those that may be quoted.")]
pub(crate) struct LiveOptions {
    /// Base URL of the service [default: the public port of the lab on this machine].
    pub(super) url: Option<String>,

    /// Participants who come a second, one step each.
    #[arg(
        long,
        value_name = "PARTICIPANTS,…",
        value_delimiter = ',',
        default_value = "100",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    rate: Vec<u32>,

    /// How long each step is: 30s, 2m, or a number of seconds.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = seconds)]
    each: u32,

    /// Participants who come in all, in one step of --window seconds, instead of --rate.
    #[arg(long, conflicts_with_all = ["rate", "each"], value_parser = clap::value_parser!(u32).range(1..))]
    users: Option<u32>,

    /// Within which time --users come: 100s, 2m, or a number of seconds [default: 100s].
    #[arg(long, value_name = "TIME", requires = "users", value_parser = seconds)]
    window: Option<u32>,

    /// What they do.
    #[arg(long, value_enum, default_value = "rush")]
    scenario: Scenario,

    /// How they come within a step.
    #[arg(long, value_enum, default_value = "flat")]
    arrivals: Arrivals,

    /// Fixes the whole schedule: the same seed is the same load.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Most requests in flight at once. One that finds no free slot is sent late, and counted.
    #[arg(long, default_value_t = SLOTS, value_parser = clap::value_parser!(u32).range(1..))]
    slots: u32,

    /// The event they sign up for; it must be open.
    #[arg(long, value_name = "ID", default_value_t = LAUNCH_DAY.to_string())]
    pub(super) event: String,

    /// Keep the record as `DIR/<time>-load-…/load.json`.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,

    /// Have goose write its own report, too. Its response times count from the intended start.
    #[arg(long, value_name = "FILE.html", value_parser = html)]
    pub(super) report: Option<PathBuf>,

    /// Load a host that is not this machine, because whoever runs it has agreed.
    #[arg(long)]
    pub(super) yes_i_may_load_this_host: bool,
}

impl LiveOptions {
    /// The load.
    pub(super) fn asked(&self) -> anyhow::Result<LoadAsked> {
        let steps: Vec<(u64, u32)> = match self.users {
            Some(users) => vec![(users.into(), self.window.unwrap_or(PUBLISHED_WINDOW_S))],
            None => {
                let users = |rate: &u32| u64::from(*rate) * u64::from(self.each);
                self.rate
                    .iter()
                    .map(|rate| (users(rate), self.each))
                    .collect()
            }
        };
        let all = steps.iter().map(|(users, _)| users).sum::<u64>();
        ensure!(
            all <= MOST_USERS,
            "{} participants are more than the {} that are kept in memory at once: shorter steps, or several \
             loads",
            count(all),
            count(MOST_USERS)
        );
        let step = |(users, window_s)| {
            let users = u32::try_from(users)?;
            anyhow::Ok(StepSpec { users, window_s })
        };
        Ok(LoadAsked {
            steps: steps.into_iter().map(step).collect::<anyhow::Result<_>>()?,
            scenario: self.scenario,
            arrivals: self.arrivals,
            seed: self.seed,
            slots: self.slots,
        })
    }
}

/// `30s`, `2m` or `30`, in seconds.
fn seconds(text: &str) -> Result<u32, String> {
    let (number, factor) = match text.strip_suffix('m') {
        Some(minutes) => (minutes, 60),
        None => (text.strip_suffix('s').unwrap_or(text), 1),
    };
    let seconds = number
        .parse::<u32>()
        .ok()
        .and_then(|n| n.checked_mul(factor));
    seconds
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| "a time is 30s, 2m, or a number of seconds".to_owned())
}

/// A file that goose takes for HTML, in a folder that is there.
fn html(text: &str) -> Result<PathBuf, String> {
    let file = PathBuf::from(text);
    let is_html = file.extension().is_some_and(|ending| ending == "html");
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    match (is_html, folder.is_none_or(Path::is_dir)) {
        (false, _) => Err("its name must end in .html".to_owned()),
        (true, false) => Err("there is no such folder".to_owned()),
        (true, true) => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: LiveOptions,
    }

    fn steps(line: &str) -> Option<Vec<(u32, u32)>> {
        let line = Line::try_parse_from(line.split(' ')).ok()?;
        let steps = line.options.asked().ok()?.steps;
        Some(
            steps
                .iter()
                .map(|step| (step.users, step.window_s))
                .collect(),
        )
    }

    #[test]
    fn rates_are_steps_and_users_are_one() {
        for (line, wanted) in [
            ("load", vec![(3_000, 30)]),
            (
                "load --rate 100,500 --each 10s",
                vec![(1_000, 10), (5_000, 10)],
            ),
            ("load localhost:1 --rate 7 --each 2m", vec![(840, 120)]),
            ("load --each 5", vec![(500, 5)]),
            ("load --users 1000", vec![(1_000, 100)]),
            ("load --users 1000 --window 20s", vec![(1_000, 20)]),
        ] {
            assert_eq!(steps(line), Some(wanted), "{line}");
        }
    }

    #[test]
    fn what_is_no_load_is_refused() {
        for line in [
            "load --rate 0",
            "load --rate 10,,20",
            "load --each 0s",
            "load --each 5h",
            "load --each 99999999999m",
            "load --users 10 --rate 10",
            "load --window 10",
            "load --slots 0",
            // More than fit into memory.
            "load --rate 100000 --each 2m",
            "load --report goose.pdf",
            "load --report no-such-folder/goose.html",
        ] {
            assert_eq!(steps(line), None, "{line}");
        }
    }
}

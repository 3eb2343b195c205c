//! How much a phase carries: each rate that is tried is a run of its own, phases take turns, and what was
//! tried is written down after each run, so that a campaign of an hour can be gone on with.

use super::written::Written;
use crate::run::{Need, Setting, pilot};
use anyhow::ensure;
use lab_truth::capacity::{Capacity, Next, System, Tried, rung};
use lab_truth::record::Verdict;
use lab_truth::spec::{PhaseName, Scenario};

/// The kind of the campaign, and so the name of its file.
pub const KIND: &str = "capacity";

/// The nearest container may need so much of its cap: the limit, less what a rate that is drawn at random
/// goes above its mean.
const OF_CAP: f64 = 0.90;

/// Participants a second of the pilot that tells where to begin: near the limit of a fast machine, because what
/// a signup costs falls with the rate.
fn pilot_per_s(phase: PhaseName, scenario: Scenario) -> f64 {
    match (phase, scenario) {
        (PhaseName::Phase1, Scenario::Rush) => 1_000.0,
        (PhaseName::Phase2, Scenario::Rush) => 6_000.0,
        (PhaseName::Phase3, Scenario::Rush) => 12_000.0,
        (PhaseName::Phase1, Scenario::Visit) => 150.0,
        (PhaseName::Phase2 | PhaseName::Phase3, Scenario::Visit) => 800.0,
    }
}

/// The rate at which the nearest container is at its limit, when `per_s` need so much.
fn limit(per_s: f64, need: &Need) -> f64 {
    per_s * OF_CAP / need.of_cap.max(f64::EPSILON)
}

impl Written<Capacity> {
    /// Tries what is left to be tried, or up to a run that is INVALID. Returns the worst verdict of those made
    /// now.
    ///
    /// # Errors
    /// When a run could not be made or kept; what was tried before is written down.
    pub async fn go_on(&mut self, setting: &Setting<'_>) -> anyhow::Result<Verdict> {
        let mut worst = Verdict::Valid;
        let turns: Vec<_> = self.record.turns().collect();
        for (system, repeat) in turns {
            // What was tried before decides from here on.
            let from = match self.record.search(&system, repeat).tried.is_empty() {
                true => self.start(&system, setting).await?,
                false => 0,
            };
            while let Next::Try(rung) = self.record.search(&system, repeat).next(from) {
                let verdict = self.try_one(&system, repeat, rung, setting).await?;
                worst = worst.max(verdict);
                if verdict == Verdict::Invalid {
                    return Ok(worst);
                }
            }
        }
        Ok(worst)
    }

    /// Where to begin: at what was found before, or where a pilot says the limit is.
    async fn start(&self, system: &System, setting: &Setting<'_>) -> anyhow::Result<i32> {
        if let Some(found) = self.record.median(system) {
            return Ok(found.rung);
        }
        let per_s = pilot_per_s(system.phase, self.record.scenario);
        setting.steps.step(&format!("a pilot of {system}"));
        let spec = self.record.spec(system, rung(per_s));
        let need = pilot(&spec, setting).await?;
        // What a pilot says may be far off: the search goes on from wherever it begins.
        let limit = limit(spec.users_per_s(), &need);
        Ok(rung(limit.min(4.0 * spec.users_per_s())))
    }

    async fn try_one(
        &mut self,
        system: &System,
        repeat: u32,
        rung: i32,
        setting: &Setting<'_>,
    ) -> anyhow::Result<Verdict> {
        let spec = self.record.spec(system, rung);
        let run = self.make(&spec, setting).await?;
        let measured = &mut self.record.git_sha;
        if measured.is_empty() {
            measured.clone_from(&run.git_sha);
        }
        ensure!(
            *measured == run.git_sha,
            "the campaign measured {measured}, and this is {}: begin another one",
            run.git_sha
        );
        let tried = Tried::of(rung, &run);
        let word = match (tried.verdict, tried.carried) {
            (Verdict::Valid, true) => "carried",
            (Verdict::Valid, false) => "missed",
            _ => "not to be believed",
        };
        setting.steps.note(&format!(
            "{system}, repeat {repeat}: {:.0} participants a second {word}, p99 {:.0} ms, {:.0} CPU-µs",
            spec.users_per_s(),
            tried.p99_ms,
            tried.cpu_us_per_signup
        ));
        self.record.search(system, repeat).tried.push(tried);
        self.write()?;
        Ok(run.verdict)
    }
}

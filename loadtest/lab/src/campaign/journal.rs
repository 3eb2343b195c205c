//! Runs from a list, each kept in the folder of the campaign as soon as it is made.

use super::written::Written;
use crate::run::Setting;
use lab_truth::journal::Journal;
use lab_truth::record::{Run, Verdict};
use lab_truth::store;

/// What a run takes beside its window, in seconds.
pub const AROUND_S: u32 = 50;

impl Written<Journal> {
    /// Makes what is left to be made, or up to a run that is INVALID: nothing beside it is worth measuring
    /// until somebody has looked, and then it goes on after it. Returns the worst verdict of those made now.
    ///
    /// # Errors
    /// When a run could not be made or kept.
    pub async fn go_on(&mut self, setting: &Setting<'_>) -> anyhow::Result<Verdict> {
        let mut worst = Verdict::Valid;
        while worst != Verdict::Invalid
            && let Some(spec) = self.record.next()
        {
            let number = self.record.runs.len() + 1;
            setting.steps.note(&format!(
                "run {number} of {}: {}, {} users, {} (about {} min left)",
                self.record.specs.len(),
                spec.system(),
                spec.users,
                spec.load(),
                self.record.left_s(AROUND_S).div_ceil(60)
            ));
            let run = self.make(spec, setting).await?;
            self.record.enter(&run);
            self.write()?;
            worst = worst.max(run.verdict);
        }
        Ok(worst)
    }

    /// What was made.
    ///
    /// # Errors
    /// When a run cannot be read.
    pub fn runs(&self) -> anyhow::Result<Vec<Run>> {
        let runs = self.record.runs.iter();
        runs.map(|id| store::read_run(&self.folder.join(id)))
            .collect()
    }
}

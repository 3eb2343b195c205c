//! A list of runs to be made, one after the other, and how far it is: written after each run, so that what
//! takes an hour can be gone on with.

use crate::record::Run;
use crate::spec::RunSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is asked, and what was made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// `<UTC time>-<kind>`; also the name of the folder, in which the runs are.
    pub id: String,
    /// The command line that was run.
    pub command: String,
    /// The questions, in the order in which they are asked.
    pub specs: Vec<RunSpec>,
    /// The ids of the runs that were made of the first of them.
    pub runs: Vec<String>,
}

impl Journal {
    /// What is to be asked next.
    #[must_use]
    pub fn next(&self) -> Option<&RunSpec> {
        self.specs.get(self.runs.len())
    }

    /// Enters a run: the answer to what was next.
    pub fn enter(&mut self, run: &Run) {
        self.runs.push(run.id.clone());
    }

    /// How long what is left takes, in seconds, when each run takes `around_s` beside its window.
    #[must_use]
    pub fn left_s(&self, around_s: u32) -> u64 {
        let left = self.specs.iter().skip(self.runs.len());
        left.map(|spec| u64::from(spec.window_s + around_s)).sum()
    }
}

/// These questions `repeats` times, forwards and backwards in turn (ABBA), so that a machine that grows
/// faster or slower meanwhile favours none.
#[must_use]
pub fn interleaved(specs: &[RunSpec], repeats: u32) -> Vec<RunSpec> {
    let turn = |repeat: u32| {
        let mut turn = specs.to_vec();
        if !repeat.is_multiple_of(2) {
            turn.reverse();
        }
        turn
    };
    (0..repeats).flat_map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::spec::PhaseName;

    #[test]
    fn what_was_entered_is_not_asked_again() {
        let specs = [PhaseName::Phase1, PhaseName::Phase2].map(RunSpec::of);
        let mut journal = Journal {
            id: "20261128T120000Z-matrix".into(),
            command: "lab matrix".into(),
            specs: interleaved(&specs, 2),
            runs: Vec::new(),
        };
        let mut asked = Vec::new();
        assert_eq!(journal.left_s(50), 600);
        while let Some(spec) = journal.next() {
            asked.push(spec.phase.to_string());
            journal.enter(&fixtures::rush());
        }
        assert_eq!(asked, ["phase1", "phase2", "phase2", "phase1"]);
        assert_eq!(journal.left_s(50), 0);
        let json = serde_json::to_string(&journal).unwrap();
        assert_eq!(serde_json::from_str::<Journal>(&json).unwrap(), journal);
    }
}

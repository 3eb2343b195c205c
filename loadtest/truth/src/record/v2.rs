//! Schema 2: that of today, but for one word. Phase 3 had a balancer as its own part, which could be left
//! out; now it has none, and one can be put there.

use super::{Run, SCHEMA};
use crate::spec::{Other, Part, PhaseName};

/// The run in the words of today.
#[must_use]
pub fn upgraded(mut run: Run) -> Run {
    run.schema = SCHEMA;
    let spec = &mut run.spec;
    if spec.phase == PhaseName::Phase3 && !spec.without.remove(&Part::Balancer) {
        spec.with.insert(Other::Balancer);
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn what_phase_3_had_by_itself_now_stands_in() {
        let mut run = fixtures::rush();
        let mut system = |phase, without: &[Part]| {
            run.spec.phase = phase;
            run.spec.without = without.iter().copied().collect();
            upgraded(run.clone()).system()
        };
        let queue = [Part::Queue];
        let neither = [Part::Queue, Part::Balancer];
        let words = [
            system(PhaseName::Phase3, &queue),
            system(PhaseName::Phase3, &neither),
            system(PhaseName::Phase2, &[Part::Balancer]),
        ];
        let today = [
            "phase3 with balancer without queue",
            "phase3 without queue",
            "phase2 without balancer",
        ];
        assert_eq!(words, today);
    }
}

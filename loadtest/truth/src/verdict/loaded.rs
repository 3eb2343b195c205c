//! What is said of a load that was sent to something already up: of each step whether it was carried,
//! and of the whole why its numbers are SUSPECT at best.

use super::believed::MAX_STEAL;
use super::{carried, generator};
use crate::record::{Loaded, Miss, Outcome, Reason, Step, Verdict};
use crate::spec::Goal;

/// Looked at by `lab run` only, which has brought up what it measures.
const UNCHECKED: &str = "caps and durability";

/// Answers both, and writes the answers into the record.
pub fn judge_load(loaded: &mut Loaded) {
    for step in &mut loaded.steps {
        if step.outcome.is_some() {
            step.outcome = Some(outcome(&loaded.goal, step));
        }
    }
    let invalid = why_invalid(loaded);
    loaded.verdict = match invalid.is_empty() {
        true => Verdict::Suspect,
        false => Verdict::Invalid,
    };
    loaded.reasons = invalid.into_iter().chain(why_suspect(loaded)).collect();
}

fn outcome(goal: &Goal, step: &Step) -> Outcome {
    let rates = (step.asked_per_s, step.acknowledged_per_s);
    let answers = [step.acknowledged, step.refused, step.failed];
    let missed = [
        carried::rate(goal, rates, step.window_s),
        carried::turned_away(goal, answers),
        carried::p99(goal, &step.answer),
        (step.over_2_s > 0).then_some(Miss::LateAnswers {
            requests: step.over_2_s,
        }),
    ];
    let missed: Vec<Miss> = missed.into_iter().flatten().collect();
    Outcome {
        carried: missed.is_empty(),
        missed,
    }
}

fn why_invalid(loaded: &Loaded) -> Vec<Reason> {
    let receipts = [
        ("receipts not found", loaded.receipts.not_found),
        ("receipts altered", loaded.receipts.altered),
    ];
    let ledger = loaded.databases.iter().flat_map(|of| of.violations());
    let unclean = receipts
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .chain(ledger);
    let mut reasons: Vec<Reason> = unclean
        .map(|(class, number)| Reason::Unclean {
            class: class.to_owned(),
            number,
        })
        .collect();
    if !loaded.stopped && loaded.steps.iter().all(|step| step.acknowledged == 0) {
        reasons.push(Reason::NothingAcknowledged);
    }
    reasons
}

fn why_suspect(loaded: &Loaded) -> Vec<Reason> {
    let not_checked = |what: String| Reason::NotChecked { what };
    let mut reasons = vec![not_checked(UNCHECKED.to_owned())];
    let receipts = loaded.receipts;
    let open = receipts.waiting + receipts.not_known;
    if open > 0 {
        let all = receipts.all();
        reasons.push(not_checked(format!("{open} of {all} receipts")));
    }
    let unread = loaded.databases_unread.as_ref();
    reasons.extend(unread.map(|why| not_checked(format!("the databases ({why})"))));
    if loaded.stopped {
        reasons.push(Reason::Interrupted);
    }
    reasons.extend(generator::doubts(&loaded.load, &loaded.timeline));
    let share = loaded.cpu_steal_share;
    if share > MAX_STEAL {
        reasons.push(Reason::Stolen { share });
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::record::{Ledger, Percentiles};

    fn judged(change: impl FnOnce(&mut Loaded)) -> Loaded {
        let mut loaded = fixtures::loaded();
        change(&mut loaded);
        judge_load(&mut loaded);
        loaded
    }

    #[test]
    fn a_load_with_everything_found_is_suspect_all_the_same() {
        let loaded = judged(|_| {});
        assert_eq!(loaded.verdict, Verdict::Suspect);
        let what = UNCHECKED.to_owned();
        assert_eq!(loaded.reasons, [Reason::NotChecked { what }]);
        let carried = |step: &Step| step.outcome.as_ref().unwrap().carried;
        assert!(loaded.steps.iter().all(carried));
    }

    #[test]
    fn a_receipt_or_a_row_that_is_lost_makes_it_invalid() {
        let lost = Ledger {
            lost: 1,
            ..Ledger::default()
        };
        for loaded in [
            judged(|loaded| loaded.receipts.not_found = 1),
            judged(|loaded| loaded.receipts.altered = 1),
            judged(|loaded| loaded.databases = Some(lost)),
            judged(|loaded| loaded.steps.iter_mut().for_each(|s| s.acknowledged = 0)),
        ] {
            assert_eq!(loaded.verdict, Verdict::Invalid, "{:?}", loaded.reasons);
        }
    }

    #[test]
    fn what_is_not_known_is_said_and_held_against_nobody() {
        let loaded = judged(|loaded| {
            loaded.receipts.waiting = 2;
            loaded.receipts.not_known = 1;
            loaded.databases_unread = Some("no password".to_owned());
            loaded.stopped = true;
            loaded.cpu_steal_share = 0.05;
        });
        assert_eq!(loaded.verdict, Verdict::Suspect);
        assert_eq!(loaded.reasons.len(), 5, "{:?}", loaded.reasons);
        assert!(loaded.reasons.contains(&Reason::Interrupted));
    }

    #[test]
    fn a_step_is_missed_by_the_goal_of_a_run() {
        type Change = fn(&mut Step);
        let changes: [Change; 4] = [
            |step| step.acknowledged_per_s = 90.0,
            |step| step.refused = 50,
            |step| {
                step.answer = Percentiles {
                    count: 10,
                    p99: 251.0,
                    ..Percentiles::default()
                };
            },
            |step| step.over_2_s = 1,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let loaded = judged(|loaded| change(&mut loaded.steps[1]));
            let outcome = |step: usize| loaded.steps[step].outcome.clone().unwrap();
            assert!(outcome(0).carried && !outcome(1).carried, "{index}");
            assert_eq!(outcome(1).missed.len(), 1, "{index}");
        }
        // A step that was broken off is not judged.
        let loaded = judged(|loaded| loaded.steps[1].outcome = None);
        assert_eq!(loaded.steps[1].outcome, None);
    }
}

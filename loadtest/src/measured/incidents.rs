//! What happened to the containers that nobody ordered.

use crate::containers::Inspected;
use crate::verdict::Incidents;
use std::collections::BTreeMap;

/// Compares what inspection says `before` and `after` the load. `ordered` are the services that were
/// to be started anew, with how often the engine had started each by itself until then.
pub(super) fn between(
    before: &BTreeMap<String, Inspected>,
    after: &BTreeMap<String, Inspected>,
    ordered: &BTreeMap<String, u64>,
) -> Incidents {
    let mut incidents = Incidents::default();
    for (service, before) in before {
        let Some(after) = after.get(service).filter(|after| after.running) else {
            incidents.ended.push(service.clone());
            continue;
        };
        // An ordered start excuses another life, and no crash before or after it.
        let crashed = match ordered.get(service) {
            Some(earlier) => earlier + after.revivals > before.revivals,
            None => after.life != before.life,
        };
        if crashed {
            incidents.restarted.push(service.clone());
        }
    }
    let killed = after.iter().filter(|(_, after)| after.oom_killed);
    incidents.oom_killed = killed.map(|(service, _)| service.clone()).collect();
    incidents
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "phase2-server-1";

    fn inspected(life: &str, revivals: u64) -> Inspected {
        Inspected {
            cpus: 0.15,
            memory_bytes: 64 << 20,
            image: String::new(),
            life: life.to_owned(),
            revivals,
            running: true,
            oom_killed: false,
        }
    }

    fn one<T>(found: T) -> BTreeMap<String, T> {
        BTreeMap::from([(SERVER.to_owned(), found)])
    }

    #[test]
    fn an_ordered_start_excuses_itself_and_no_crash_besides() {
        let nothing = BTreeMap::new();
        for (before, ordered, after, crashed) in [
            (inspected("a", 0), nothing.clone(), inspected("a", 0), false),
            (inspected("a", 0), nothing.clone(), inspected("b", 1), true),
            (inspected("a", 0), nothing, inspected("b", 0), true),
            (inspected("a", 0), one(0), inspected("b", 0), false),
            // It crashed after it was started as ordered, or before.
            (inspected("a", 0), one(0), inspected("c", 1), true),
            (inspected("a", 0), one(1), inspected("c", 0), true),
            // It crashed before the load already, and the ordered start made the engine forget.
            (inspected("a", 2), one(2), inspected("b", 0), false),
            (inspected("a", 2), one(2), inspected("c", 1), true),
        ] {
            let told = format!("{before:?} {ordered:?} {after:?}");
            let incidents = between(&one(before), &one(after), &ordered);
            let expected: &[&str] = if crashed { &[SERVER] } else { &[] };
            assert_eq!(incidents.restarted, expected, "{told}");
        }
    }

    #[test]
    fn what_has_ended_or_ran_out_of_memory_is_named() {
        let mut dead = inspected("a", 0);
        (dead.running, dead.oom_killed) = (false, true);
        let incidents = between(&one(inspected("a", 0)), &one(dead), &one(0));
        assert_eq!((incidents.ended.len(), incidents.oom_killed.len()), (1, 1));
        let gone = between(&one(inspected("a", 0)), &BTreeMap::new(), &one(0));
        assert_eq!(gone.ended, [SERVER]);
    }
}

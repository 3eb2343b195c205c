//! What happened to the containers that nobody ordered.

use crate::evidence::Inspected;
use crate::record::Incidents;
use std::collections::BTreeMap;

/// Compares what inspection says `before` and `after` the load. `ordered` are the services that were
/// to be started anew, with how often the engine had started each by itself until then.
#[must_use]
pub fn incidents(
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
        // A life that was ordered to end took its processes with it.
        if after.life == before.life {
            let lost = lost(before, after);
            if !lost.is_empty() {
                incidents.lost_processes.insert(service.clone(), lost);
            }
        }
    }
    let killed = after.iter().filter(|(service, after)| {
        let earlier = before.get(*service).and_then(|before| before.oom_kills);
        // In a new life the kernel counts from nothing again.
        let more = after.oom_kills.unwrap_or(0) > earlier.unwrap_or(0);
        after.oom_killed || more
    });
    incidents.oom_killed = killed.map(|(service, _)| service.clone()).collect();
    incidents
}

/// Names of the processes that were to live as long as their container, and did not.
fn lost(before: &Inspected, after: &Inspected) -> Vec<String> {
    // Where they cannot be seen any more, nothing is known of them.
    if after.processes.is_empty() {
        return Vec::new();
    }
    let gone = before.processes.iter();
    gone.filter(|(process, _)| !after.processes.contains_key(*process))
        .map(|(_, name)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::CapSource;

    const SERVER: &str = "phase2-server-1";

    fn inspected(life: &str, revivals: u64) -> Inspected {
        Inspected {
            cpus: 0.15,
            memory_bytes: 64 << 20,
            caps_from: CapSource::Kernel,
            image: String::new(),
            build_profile: None,
            life: life.to_owned(),
            revivals,
            running: true,
            oom_killed: false,
            oom_kills: Some(0),
            processes: BTreeMap::new(),
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
            let found = incidents(&one(before), &one(after), &ordered);
            let expected: &[&str] = if crashed { &[SERVER] } else { &[] };
            assert_eq!(found.restarted, expected, "{told}");
        }
    }

    #[test]
    fn what_has_ended_or_ran_out_of_memory_is_named() {
        let mut dead = inspected("a", 0);
        (dead.running, dead.oom_killed) = (false, true);
        let found = incidents(&one(inspected("a", 0)), &one(dead), &one(0));
        assert_eq!((found.ended.len(), found.oom_killed.len()), (1, 1));
        let gone = incidents(&one(inspected("a", 0)), &BTreeMap::new(), &one(0));
        assert_eq!(gone.ended, [SERVER]);
    }

    #[test]
    fn a_process_that_died_inside_a_container_that_went_on_is_an_incident() {
        let mut before = inspected("a", 0);
        let process = |id: &str, name: &str| (id.to_owned(), name.to_owned());
        before.processes = [process("1 5", "postgres"), process("7 9", "checkpointer")].into();
        let mut after = before.clone();
        after.processes = [process("1 5", "postgres"), process("8 99", "checkpointer")].into();
        let found = incidents(&one(before.clone()), &one(after.clone()), &BTreeMap::new());
        assert_eq!(found.lost_processes[SERVER], ["checkpointer"]);
        assert!(found.restarted.is_empty());
        // In another life, or where they cannot be seen, nothing is held against it.
        after.life = "b".into();
        let found = incidents(&one(before.clone()), &one(after), &one(0));
        assert!(found.lost_processes.is_empty());
        let unseen = incidents(&one(before.clone()), &one(inspected("a", 0)), &one(0));
        assert!(unseen.lost_processes.is_empty());
        let mut starved = before.clone();
        starved.oom_kills = Some(1);
        let found = incidents(&one(before), &one(starved), &BTreeMap::new());
        assert_eq!(found.oom_killed, [SERVER]);
    }
}

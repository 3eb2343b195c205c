//! The processes inside a container that are to live as long as it does. One that is gone later died: a
//! crash that the container outlived, and that its restart policy never saw.

use std::collections::BTreeMap;
use std::fs;

/// What PostgreSQL calls those of its processes that come with it and go with it. Others come and go:
/// sessions, and workers for vacuum or parallel plans.
const LASTING_OF_POSTGRES: [&str; 3] = ["checkpointer", "background writer", "walwriter"];

/// Of these process ids those that are to last: id and start → name.
pub(super) fn lasting(ids: &[u32]) -> BTreeMap<String, String> {
    let found = ids.iter().filter_map(|id| {
        let command = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let name = name(&String::from_utf8_lossy(&command), &stat)?;
        Some((format!("{id} {}", started(&stat)?), name))
    });
    found.collect()
}

/// A process's name, if it is one that is to last.
fn name(command: &str, stat: &str) -> Option<String> {
    let command = command.trim_matches(['\0', ' ']);
    if let Some(title) = command.strip_prefix("postgres: ") {
        let lasting = LASTING_OF_POSTGRES
            .iter()
            .find(|lasting| title.contains(*lasting));
        return lasting.map(|name| (*name).to_owned());
    }
    // The kernel's name for it, in brackets.
    let (start, end) = (stat.find('(')?, stat.rfind(')')?);
    let name = stat.get(start + 1..end)?;
    // Short-lived helpers: a shell, or a question that was asked inside the container.
    let passing = ["sh", "bash", "psql", "redis-cli", "pg_basebackup"];
    (!passing.contains(&name)).then(|| name.to_owned())
}

/// When it was started, in the kernel's ticks: an id alone may be another process's by now.
fn started(stat: &str) -> Option<&str> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_is_told_from_what_lasts() {
        let stat =
            |name: &str| format!("7 ({name}) S 1 1 1 0 -1 4194560 0 0 0 0 1 2 0 0 20 0 1 0 4711 0");
        for (command, kernel, expected) in [
            (
                "postgres: checkpointer \0\0",
                "postgres",
                Some("checkpointer"),
            ),
            ("postgres: walwriter \0", "postgres", Some("walwriter")),
            (
                "postgres: signup signup 172.18.0.5(4711) idle\0",
                "postgres",
                None,
            ),
            ("postgres: autovacuum worker signup\0", "postgres", None),
            (
                "postgres\0-c\0config_file=x\0",
                "postgres",
                Some("postgres"),
            ),
            (
                "/phase2-replicated\0",
                "phase2-replicat",
                Some("phase2-replicat"),
            ),
            ("sh\0-c\0probe\0", "sh", None),
        ] {
            assert_eq!(
                name(command, &stat(kernel)).as_deref(),
                expected,
                "{command}"
            );
        }
        assert_eq!(started(&stat("a) b")), Some("4711"));
    }

    #[test]
    fn this_very_process_lasts() {
        let id = std::process::id();
        let found = lasting(&[id]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found.keys().all(|key| key.starts_with(&format!("{id} "))));
        assert_eq!(found, lasting(&[id, u32::MAX]));
    }
}

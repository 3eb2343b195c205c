//! A container that ends as often as it is started: what it said last is the cause.

use super::Containers;
use bollard::container::LogOutput;
use bollard::models::{ContainerState, ContainerStateStatusEnum};
use bollard::query_parameters::LogsOptionsBuilder;
use futures::TryStreamExt;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Restarts by the engine from which on it is hopeless. It waits twice as long each time, from 0.1 s: these
/// take about three seconds.
const RESTARTS: i64 = 4;

/// A program that lived longer had at least begun its work: services wait this long, and longer, for a
/// database that is not up yet.
const SHORT_LIFE: Duration = Duration::from_secs(5);

impl Containers {
    /// A service of the phase that ends again and again at once, with its last words.
    pub async fn gives_up(&self) -> Option<String> {
        for (service, container) in self.all.iter() {
            let Ok(answer) = self.docker.inspect_container(&container.id, None).await else {
                continue;
            };
            let state = answer.state.unwrap_or_default();
            if is_hopeless(answer.restart_count.unwrap_or_default(), &state) {
                let words = self.last_words(&container.id).await;
                return Some(format!("{service} ends as often as it starts: {words}"));
            }
        }
        None
    }

    async fn last_words(&self, id: &str) -> String {
        let options = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .tail("3");
        let lines: Result<Vec<LogOutput>, _> = self
            .docker
            .logs(id, Some(options.build()))
            .try_collect()
            .await;
        let lines = lines.unwrap_or_default();
        let lines: Vec<String> = lines
            .iter()
            .map(|l| l.to_string().trim().to_owned())
            .collect();
        match lines.join("\n") {
            words if words.is_empty() => "it says nothing".to_owned(),
            words => words,
        }
    }
}

/// Only while the engine waits to start it again: then both times are of the same life.
fn is_hopeless(restarts: i64, state: &ContainerState) -> bool {
    let at = |time: &Option<String>| OffsetDateTime::parse(time.as_deref()?, &Rfc3339).ok();
    let life = at(&state.started_at).zip(at(&state.finished_at));
    restarts >= RESTARTS
        && state.status == Some(ContainerStateStatusEnum::RESTARTING)
        && life.is_some_and(|(started, finished)| finished - started < SHORT_LIFE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(status: ContainerStateStatusEnum, finished: &str) -> ContainerState {
        ContainerState {
            status: Some(status),
            started_at: Some("2026-11-28T12:00:00.123456789Z".to_owned()),
            finished_at: Some(finished.to_owned()),
            ..ContainerState::default()
        }
    }

    #[test]
    fn only_what_ends_at_once_and_often_is_hopeless() {
        use ContainerStateStatusEnum::{RESTARTING, RUNNING};
        let (soon, late) = ("2026-11-28T12:00:00.9Z", "2026-11-28T12:01:00Z");
        assert!(is_hopeless(RESTARTS, &state(RESTARTING, soon)));
        // Waited a minute for its database.
        assert!(!is_hopeless(RESTARTS, &state(RESTARTING, late)));
        assert!(!is_hopeless(1, &state(RESTARTING, soon)));
        assert!(!is_hopeless(RESTARTS, &state(RUNNING, soon)));
        assert!(!is_hopeless(RESTARTS, &ContainerState::default()));
    }
}

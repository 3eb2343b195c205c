//! Logs: one JSON object a line, without personal data, and never a flood.

use std::sync::Mutex;
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Lines a second for failed requests: a dead database at 10,000 requests a second must not become
/// 10,000 lines a second, of which each costs more than the refusal it reports.
const LINES_PER_SECOND: u32 = 20;

/// Writes logs as JSON to standard output, filtered by `RUST_LOG` (`info` when unset).
pub fn init_logging() {
    write_json(filter());
}

/// The same, but for these modules, which write nothing whatever `RUST_LOG` says: a library may log
/// what it carries, and with it personal data.
///
/// # Errors
/// When one of them is not the path of a module.
pub fn init_logging_without(modules: &[&str]) -> Result<(), ParseError> {
    let mut filter = filter();
    for module in modules {
        filter = filter.add_directive(format!("{module}=off").parse()?);
    }
    write_json(filter);
    Ok(())
}

fn filter() -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"))
}

fn write_json(filter: EnvFilter) {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .init();
}

/// Lets so many lines a second pass and counts the rest.
#[derive(Debug)]
pub(crate) struct LogBudget(Mutex<Window>);

#[derive(Debug)]
struct Window {
    began: Instant,
    lines: u32,
    suppressed: u64,
}

impl Default for LogBudget {
    fn default() -> Self {
        Self(Mutex::new(Window {
            began: Instant::now(),
            lines: 0,
            suppressed: 0,
        }))
    }
}

impl LogBudget {
    /// Whether a line may be written now, and how many were suppressed since the last one.
    pub(crate) fn take(&self) -> Option<u64> {
        let mut window = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if window.began.elapsed() >= Duration::from_secs(1) {
            window.began = Instant::now();
            window.lines = 0;
        }
        if window.lines == LINES_PER_SECOND {
            window.suppressed += 1;
            return None;
        }
        window.lines += 1;
        Some(std::mem::take(&mut window.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_is_cut_and_counted() {
        let budget = LogBudget::default();
        let passed = (0..1_000).filter(|_| budget.take().is_some()).count();
        assert_eq!(passed, LINES_PER_SECOND as usize);
        budget.0.lock().unwrap().began -= Duration::from_secs(1);
        assert_eq!(budget.take(), Some(1_000 - u64::from(LINES_PER_SECOND)));
        assert_eq!(budget.take(), Some(0));
    }
}

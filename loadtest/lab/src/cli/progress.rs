//! Progress of a run for the person who waits: a line that moves on a terminal, plain lines in a
//! pipe. On standard error, so that standard output holds results only.

use crate::load::Progress;
use crate::output::note;
use crate::run::Steps;
use indicatif::{ProgressBar, ProgressStyle};
use std::any::Any;
use std::io::IsTerminal;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How often the line moves on a terminal, and how often one is written to a pipe.
const TERMINAL_EVERY: Duration = Duration::from_millis(250);
const PIPE_EVERY: Duration = Duration::from_secs(10);

/// Says what a run is doing.
pub(super) struct Reporter {
    /// Hidden when standard error is no terminal.
    bar: ProgressBar,
    terminal: bool,
    /// When a line was last written to a pipe.
    written: Mutex<Instant>,
}

/// Reports a load for as long as it lives.
struct Watching(JoinHandle<()>);

impl Reporter {
    /// A reporter on standard error.
    #[must_use]
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]") {
            bar.set_style(style);
        }
        let terminal = std::io::stderr().is_terminal();
        if terminal {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        let written = Mutex::new(Instant::now());
        Self {
            bar,
            terminal,
            written,
        }
    }

    fn written(&self) -> MutexGuard<'_, Instant> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves the terminal as it was.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Steps for Reporter {
    fn step(&self, what: &str) {
        if self.terminal {
            self.bar.set_message(what.to_owned());
        } else {
            note!("{what} …");
        }
        *self.written() = Instant::now();
    }

    fn say(&self, line: &str) {
        if self.terminal {
            self.bar.set_message(line.to_owned());
            return;
        }
        let mut written = self.written();
        if written.elapsed() >= PIPE_EVERY {
            note!("{line}");
            *written = Instant::now();
        }
    }

    fn note(&self, line: &str) {
        self.bar.suspend(|| note!("{line}"));
    }

    fn watch(
        &self,
        progress: &Arc<Progress>,
        arrivals: usize,
        window: Duration,
    ) -> Box<dyn Any + Send> {
        let (progress, bar, terminal) = (Arc::clone(progress), self.bar.clone(), self.terminal);
        let began = Instant::now();
        Box::new(Watching(tokio::spawn(async move {
            let every = if terminal { TERMINAL_EVERY } else { PIPE_EVERY };
            loop {
                tokio::time::sleep(every).await;
                let line = line(&progress, began.elapsed(), arrivals, window);
                if terminal {
                    bar.set_message(line)
                } else {
                    note!("{line}")
                }
            }
        })))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn line(progress: &Progress, elapsed: Duration, arrivals: usize, window: Duration) -> String {
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    format!(
        "load {:>3}/{} s: sent {} of {arrivals}, acknowledged {}, refused {}, failed {}, in flight {}",
        elapsed.as_secs().min(window.as_secs()),
        window.as_secs(),
        read(&progress.sent),
        read(&progress.acked),
        read(&progress.refused),
        read(&progress.failed),
        read(&progress.in_flight),
    )
}

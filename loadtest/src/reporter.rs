//! Progress of a run for the person who waits: a line that moves on a terminal, plain lines in a
//! pipe. On standard error, so that standard output holds results only.

use crate::generator::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How often the line moves on a terminal, and how often one is written to a pipe.
const TERMINAL_EVERY: Duration = Duration::from_millis(250);
const PIPE_EVERY: Duration = Duration::from_secs(10);

/// Says what a run is doing.
pub struct Reporter {
    /// Hidden when standard error is no terminal.
    bar: ProgressBar,
    terminal: bool,
}

/// Reports something that is waited for.
pub struct Waiter<'a> {
    reporter: &'a Reporter,
    /// When a line was last written to a pipe.
    written: Instant,
}

/// Reports a load for as long as it lives.
pub struct Watching(JoinHandle<()>);

impl Reporter {
    /// A reporter on standard error.
    #[must_use]
    pub fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]") {
            bar.set_style(style);
        }
        let terminal = std::io::stderr().is_terminal();
        if terminal {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self { bar, terminal }
    }

    /// What begins now.
    pub fn step(&self, what: &str) {
        if self.terminal {
            self.bar.set_message(what.to_owned());
        } else {
            eprintln!("{what} …");
        }
    }

    /// Begins to wait for something, which is said like any step.
    #[must_use]
    pub fn wait(&self, what: &str) -> Waiter<'_> {
        self.step(what);
        Waiter {
            reporter: self,
            written: Instant::now(),
        }
    }

    /// Reports the load until what is returned is dropped.
    #[must_use]
    pub fn watch(&self, progress: &Arc<Progress>, arrivals: usize, window: Duration) -> Watching {
        let (progress, bar, terminal) = (Arc::clone(progress), self.bar.clone(), self.terminal);
        let began = Instant::now();
        Watching(tokio::spawn(async move {
            let every = if terminal { TERMINAL_EVERY } else { PIPE_EVERY };
            loop {
                tokio::time::sleep(every).await;
                let line = line(&progress, began.elapsed(), arrivals, window);
                if terminal {
                    bar.set_message(line)
                } else {
                    eprintln!("{line}")
                }
            }
        }))
    }

    /// Leaves the terminal as it was.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Waiter<'_> {
    /// How far it is. On a terminal it is seen at once, in a pipe now and then.
    pub fn say(&mut self, line: &str) {
        if self.reporter.terminal {
            self.reporter.bar.set_message(line.to_owned());
        } else if self.written.elapsed() >= PIPE_EVERY {
            eprintln!("{line}");
            self.written = Instant::now();
        }
    }
}

impl Default for Reporter {
    fn default() -> Self {
        Self::new()
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

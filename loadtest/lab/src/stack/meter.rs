//! Meters the containers of a phase, once a second, for as long as a run takes.

use super::engine::Containers;
use lab_truth::evidence::{Reading, Usage};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often the counters are read.
const INTERVAL: Duration = Duration::from_secs(1);

/// A running meter. Dropping it stops it.
pub struct Meter {
    containers: Containers,
    log: Arc<Mutex<Log>>,
    stop: CancellationToken,
}

#[derive(Default)]
struct Log {
    readings: Vec<Reading>,
    /// The last counters of each container as they were read.
    raw: BTreeMap<String, Usage>,
}

impl Meter {
    /// Starts to meter.
    ///
    /// # Errors
    /// When no counters can be read.
    pub async fn start(containers: Containers) -> anyhow::Result<Self> {
        let meter = Self {
            containers,
            log: Arc::default(),
            stop: CancellationToken::new(),
        };
        meter.read().await?;
        let (containers, log) = (meter.containers.clone(), Arc::clone(&meter.log));
        let stop = meter.stop.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(INTERVAL);
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = stop.cancelled() => return,
                }
                // A failed reading is a gap in a chart; the last one, which counts, is not taken here.
                if let Ok(usage) = containers.usage().await {
                    lock(&log).push(usage);
                }
            }
        });
        Ok(meter)
    }

    /// Takes a reading now.
    ///
    /// # Errors
    /// When no counters can be read.
    pub async fn read(&self) -> anyhow::Result<Reading> {
        let usage = self.containers.usage().await?;
        Ok(lock(&self.log).push(usage))
    }

    /// All readings so far.
    #[must_use]
    pub fn readings(&self) -> Vec<Reading> {
        lock(&self.log).readings.clone()
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    /// Adds a reading. Counters that fell belong to a container that was started anew: what its
    /// earlier life used is kept. A container that is away keeps its last counters.
    fn push(&mut self, raw: BTreeMap<String, Usage>) -> Reading {
        let mut usage = self
            .readings
            .last()
            .map(|last| last.usage.clone())
            .unwrap_or_default();
        for (service, now) in raw {
            let before = self.raw.insert(service.clone(), now).unwrap_or_default();
            let restarted = now.cpu_ns < before.cpu_ns;
            let before = if restarted { Usage::default() } else { before };
            let total = usage.entry(service).or_default();
            total.cpu_ns += now.cpu_ns - before.cpu_ns;
            total.periods += now.periods.saturating_sub(before.periods);
            total.throttled += now.throttled.saturating_sub(before.throttled);
            total.memory_bytes = now.memory_bytes;
        }
        let reading = Reading {
            at: Instant::now(),
            usage,
        };
        self.readings.push(reading.clone());
        reading
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::figures::cost_between;

    fn raw(cpu_ns: u64) -> BTreeMap<String, Usage> {
        let usage = Usage {
            cpu_ns,
            memory_bytes: cpu_ns,
            periods: 10,
            throttled: 1,
        };
        BTreeMap::from([("server".to_owned(), usage)])
    }

    #[test]
    fn a_restart_does_not_lose_what_was_used_before() {
        let mut log = Log::default();
        let begin = log.push(raw(1_000));
        log.push(raw(5_000));
        log.push(BTreeMap::new());
        let end = log.push(raw(300));
        assert_eq!(
            end.usage["server"].cpu_ns - begin.usage["server"].cpu_ns,
            4_300
        );
        let cost = cost_between(&log.readings, &begin, &end);
        assert_eq!(cost["server"].peak_memory_bytes, 5_000);
        assert!((cost["server"].cpu_s - 4.3e-6).abs() < 1e-12);
    }
}

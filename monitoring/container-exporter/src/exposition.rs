//! Samples as text in Prometheus' format, with the names and labels cAdvisor uses under Docker.

use prometheus::{
    CounterVec, Encoder, Gauge, GaugeVec, Opts, Registry, TEXT_FORMAT, TextEncoder,
    core::{Collector, GenericCounter, GenericGauge},
};

use crate::{engine::Readings, sample::Sample};

/// The content type of [`encode`]'s text.
pub(crate) const CONTENT_TYPE: &str = TEXT_FORMAT;

/// On every metric; the last two are what the dashboards select by.
const LABELS: [&str; 5] = [
    "id",
    "image",
    "name",
    "container_label_com_docker_compose_project",
    "container_label_com_docker_compose_service",
];

/// Renders one scrape.
///
/// # Errors
/// If two metrics of this module had one name: a mistake in it, not in the samples.
pub(crate) fn encode(readings: &Readings) -> prometheus::Result<String> {
    // New at each scrape: a container that is gone leaves nothing behind.
    let metrics = Metrics::new()?;
    for sample in &readings.samples {
        metrics.set(sample);
    }
    metrics
        .scrape_error
        .set(f64::from(u8::from(readings.failed)));
    let mut text = Vec::new();
    TextEncoder::new().encode(&metrics.registry.gather(), &mut text)?;
    String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
}

struct Metrics {
    registry: Registry,
    scrape_error: Gauge,
    cpu_seconds: CounterVec,
    cpu_periods: CounterVec,
    cpu_throttled_periods: CounterVec,
    cpu_quota: GaugeVec,
    cpu_period: GaugeVec,
    memory_usage: GaugeVec,
    memory_working_set: GaugeVec,
    memory_limit: GaugeVec,
    received: CounterVec,
    transmitted: CounterVec,
    written: CounterVec,
}

impl Metrics {
    fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let r = &registry;
        let interface = Some("interface");
        Ok(Self {
            scrape_error: register(
                r,
                Gauge::new(
                    "container_scrape_error",
                    "1 if a container could not be read.",
                ),
            )?,
            cpu_seconds: counter(r, "cpu_usage_seconds_total", "CPU time used.", Some("cpu"))?,
            cpu_periods: counter(r, "cpu_cfs_periods_total", "Scheduling periods.", None)?,
            cpu_throttled_periods: counter(
                r,
                "cpu_cfs_throttled_periods_total",
                "Scheduling periods in which the CPU cap stopped the container.",
                None,
            )?,
            cpu_quota: gauge(
                r,
                "spec_cpu_quota",
                "CPU time allowed in a period, microseconds.",
            )?,
            cpu_period: gauge(r, "spec_cpu_period", "Length of a period, microseconds.")?,
            memory_usage: gauge(
                r,
                "memory_usage_bytes",
                "Memory in use, page cache included.",
            )?,
            memory_working_set: gauge(
                r,
                "memory_working_set_bytes",
                "Memory in use without the inactive page cache.",
            )?,
            memory_limit: gauge(r, "spec_memory_limit_bytes", "The memory cap; 0 for none.")?,
            received: counter(
                r,
                "network_receive_bytes_total",
                "Bytes received.",
                interface,
            )?,
            transmitted: counter(r, "network_transmit_bytes_total", "Bytes sent.", interface)?,
            written: counter(
                r,
                "fs_writes_bytes_total",
                "Bytes written to disks.",
                Some("device"),
            )?,
            registry,
        })
    }

    fn set(&self, sample: &Sample) {
        self.set_cpu(sample);
        let labels = labels(sample);
        gauge_at(&self.memory_usage, &labels).set(sample.memory_usage as f64);
        gauge_at(&self.memory_working_set, &labels).set(sample.memory_working_set as f64);
        gauge_at(&self.memory_limit, &labels).set(sample.memory_limit as f64);
        for (interface, (received, transmitted)) in &sample.network {
            let labels = with(&labels, interface);
            counter_at(&self.received, &labels).inc_by(*received as f64);
            counter_at(&self.transmitted, &labels).inc_by(*transmitted as f64);
        }
        if let Some(written) = sample.written {
            // The engine gives device numbers, cAdvisor paths; all of them together need neither.
            counter_at(&self.written, &with(&labels, "")).inc_by(written as f64);
        }
    }

    /// Like cAdvisor, a container without a cap has neither a quota nor throttling.
    fn set_cpu(&self, sample: &Sample) {
        let labels = labels(sample);
        counter_at(&self.cpu_seconds, &with(&labels, "total")).inc_by(sample.cpu_seconds);
        let Some(limit) = sample.cpu_limit else {
            return;
        };
        gauge_at(&self.cpu_quota, &labels).set(limit.quota as f64);
        gauge_at(&self.cpu_period, &labels).set(limit.period as f64);
        counter_at(&self.cpu_periods, &labels).inc_by(sample.cpu_periods as f64);
        let throttled = counter_at(&self.cpu_throttled_periods, &labels);
        throttled.inc_by(sample.cpu_throttled_periods as f64);
    }
}

fn labels(sample: &Sample) -> Vec<&str> {
    vec![
        &sample.id,
        &sample.image,
        &sample.name,
        &sample.project,
        &sample.service,
    ]
}

fn with<'a>(labels: &[&'a str], further: &'a str) -> Vec<&'a str> {
    labels.iter().copied().chain([further]).collect()
}

fn counter_at(
    counters: &CounterVec,
    labels: &[&str],
) -> GenericCounter<prometheus::core::AtomicF64> {
    counters.with_label_values(labels)
}

fn gauge_at(gauges: &GaugeVec, labels: &[&str]) -> GenericGauge<prometheus::core::AtomicF64> {
    gauges.with_label_values(labels)
}

fn register<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<M>,
) -> prometheus::Result<M> {
    let metric = metric?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn counter(
    registry: &Registry,
    name: &str,
    help: &str,
    further: Option<&str>,
) -> prometheus::Result<CounterVec> {
    let labels: Vec<&str> = LABELS.into_iter().chain(further).collect();
    register(
        registry,
        CounterVec::new(Opts::new(format!("container_{name}"), help), &labels),
    )
}

fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<GaugeVec> {
    register(
        registry,
        GaugeVec::new(Opts::new(format!("container_{name}"), help), &LABELS),
    )
}

#[cfg(test)]
mod tests;

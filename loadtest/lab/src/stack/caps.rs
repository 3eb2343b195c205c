//! The caps of a phase: what `docker compose config` claims, and the same divided to stand in for a
//! slower machine.

use super::phases::Phase;
use anyhow::{Context, ensure};
use lab_truth::evidence::ClaimedCap;
use lab_truth::spec::Slowdown;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use tempfile::NamedTempFile;

/// The engine takes no smaller share of a CPU: the kernel's least quota is 1 ms of 100 ms.
const LEAST_CPUS: f64 = 0.01;

/// A Compose file that is laid over the others, with every CPU cap divided. It is gone when this is
/// dropped.
#[derive(Debug)]
pub struct SlowedDown(NamedTempFile);

impl SlowedDown {
    /// Writes the file for caps that are already divided; `None` when nothing is slowed down.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(caps: &[ClaimedCap], slower: Slowdown) -> anyhow::Result<Option<Self>> {
        if slower.is_none() {
            return Ok(None);
        }
        let mut file = tempfile::Builder::new()
            .prefix("signup-lab-slower-")
            .suffix(".yaml")
            .tempfile()?;
        writeln!(file, "services:")?;
        for ClaimedCap { service, cpus, .. } in caps {
            writeln!(
                file,
                "  {service}: {{ deploy: {{ resources: {{ limits: {{ cpus: \"{cpus}\" }} }} }} }}"
            )?;
        }
        file.flush()?;
        Ok(Some(Self(file)))
    }

    /// Where it is.
    #[must_use]
    pub fn file(&self) -> &Path {
        self.0.path()
    }
}

/// A CPU cap divided by a slowdown, to the thousandth, as the engine takes it.
#[must_use]
pub fn divided(cpus: f64, slower: Slowdown) -> f64 {
    if slower.is_none() {
        return cpus;
    }
    let divided = (cpus / slower.factor() * 1_000.0).round() / 1_000.0;
    divided.max(LEAST_CPUS)
}

/// The part of `docker compose config` that is read.
#[derive(Deserialize)]
struct Configuration {
    services: BTreeMap<String, ServiceSettings>,
}

#[derive(Deserialize)]
struct ServiceSettings {
    deploy: Option<Deploy>,
}

#[derive(Deserialize)]
struct Deploy {
    resources: Option<Resources>,
}

#[derive(Deserialize)]
struct Resources {
    limits: Option<Limits>,
}

#[derive(Deserialize)]
struct Limits {
    /// A number or a text, by the version of Compose.
    cpus: Option<serde_json::Value>,
    memory: Option<String>,
}

/// The caps of the services of `phase`, from the configuration in JSON.
///
/// # Errors
/// When it is not understood, or a service of the phase has no cap.
pub fn claimed(json: &[u8], phase: &Phase) -> anyhow::Result<Vec<ClaimedCap>> {
    let configuration: Configuration =
        serde_json::from_slice(json).context("cannot read what `docker compose config` says")?;
    let mut services = configuration.services;
    services.retain(|service, _| phase.owns(service));
    ensure!(
        !services.is_empty(),
        "the Compose files have no service of {}",
        phase.name
    );
    let caps = services.into_iter();
    caps.map(|(service, settings)| claimed_cap(service, settings))
        .collect()
}

fn claimed_cap(service: String, settings: ServiceSettings) -> anyhow::Result<ClaimedCap> {
    let resources = settings.deploy.and_then(|deploy| deploy.resources);
    let limits = resources.and_then(|resources| resources.limits);
    let limits = limits.with_context(|| format!("{service} has no cap"))?;
    let cpus = limits
        .cpus
        .and_then(|cpus| cpus.as_f64().or_else(|| cpus.as_str()?.parse().ok()));
    let memory = limits.memory.and_then(|memory| memory.parse().ok());
    Ok(ClaimedCap {
        cpus: cpus.with_context(|| format!("{service} has no CPU cap"))?,
        memory_bytes: memory.with_context(|| format!("{service} has no memory cap"))?,
        service,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::phases::phase;
    use lab_truth::spec::PhaseName;

    #[test]
    fn caps_are_read_as_a_number_or_a_text_and_only_of_the_phase() {
        let json = br#"{"services": {
            "phase2-redis": {"deploy": {"resources": {"limits": {"cpus": 0.1, "memory": "67108864"}}}},
            "phase2-primary": {"deploy": {"resources": {"limits": {"cpus": "0.55", "memory": "1024"}}}},
            "prometheus": {}}}"#;
        let caps = claimed(json, &phase(PhaseName::Phase2)).unwrap();
        let caps: Vec<_> = caps
            .iter()
            .map(|cap| (cap.service.as_str(), cap.cpus, cap.memory_bytes))
            .collect();
        assert_eq!(
            caps,
            [
                ("phase2-primary", 0.55, 1_024),
                ("phase2-redis", 0.1, 67_108_864)
            ]
        );
    }

    #[test]
    fn a_service_without_a_cap_is_an_error() {
        let json = br#"{"services": {"phase2-redis": {"deploy": {"resources": {"limits": {}}}}}}"#;
        let error = claimed(json, &phase(PhaseName::Phase2)).unwrap_err();
        assert_eq!(error.to_string(), "phase2-redis has no CPU cap");
        assert!(claimed(br#"{"services": {}}"#, &phase(PhaseName::Phase2)).is_err());
    }

    #[test]
    fn a_slower_machine_has_a_fraction_of_every_cap_and_no_less_than_the_kernel_can_give() {
        let slower: Slowdown = "2.8".parse().unwrap();
        assert_eq!(divided(0.5, slower), 0.179);
        assert_eq!(divided(0.02, slower), LEAST_CPUS);
        assert_eq!(divided(0.5, Slowdown::default()), 0.5);
        let cap = ClaimedCap {
            service: "phase2-redis".into(),
            cpus: 0.179,
            memory_bytes: 1,
        };
        let file = SlowedDown::write(std::slice::from_ref(&cap), slower)
            .unwrap()
            .unwrap();
        let text = std::fs::read_to_string(file.file()).unwrap();
        let expected = "services:\n  phase2-redis: \
                        { deploy: { resources: { limits: { cpus: \"0.179\" } } } }\n";
        assert_eq!(text, expected);
        let none = SlowedDown::write(&[cap], Slowdown::default()).unwrap();
        assert!(none.is_none());
    }
}

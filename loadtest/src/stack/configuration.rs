//! What `docker compose config` says of a phase: the caps it claims.

use crate::phases::Phase;
use anyhow::{Context, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What the Compose files claim for one service.
#[derive(Debug, Clone)]
pub struct ClaimedCap {
    /// Compose service.
    pub service: String,
    /// CPUs.
    pub cpus: f64,
    /// Memory in bytes.
    pub memory_bytes: u64,
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
pub(super) fn claimed_caps(json: &[u8], phase: &Phase) -> anyhow::Result<Vec<ClaimedCap>> {
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
    use crate::phases::PhaseName;

    #[test]
    fn caps_are_read_as_a_number_or_a_text_and_only_of_the_phase() {
        let json = br#"{"services": {
            "phase2-redis": {"deploy": {"resources": {"limits": {"cpus": 0.1, "memory": "67108864"}}}},
            "phase2-primary": {"deploy": {"resources": {"limits": {"cpus": "0.55", "memory": "1024"}}}},
            "prometheus": {}}}"#;
        let caps = claimed_caps(json, &PhaseName::Phase2.phase()).unwrap();
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
        let error = claimed_caps(json, &PhaseName::Phase2.phase()).unwrap_err();
        assert_eq!(error.to_string(), "phase2-redis has no CPU cap");
        assert!(claimed_caps(br#"{"services": {}}"#, &PhaseName::Phase2.phase()).is_err());
    }
}

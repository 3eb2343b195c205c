//! What is a phase's own of the Compose project, and goes with it.

use super::phases::Phase;
use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Services and volumes of one phase.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Own {
    /// Compose services, also the one that looks whether the phase is alone.
    pub(super) services: Vec<String>,
    /// Volumes, by the engine's names for them.
    pub(super) volumes: Vec<String>,
}

/// The part of `docker compose config` that is read.
#[derive(Deserialize)]
struct Configuration {
    services: BTreeMap<String, Value>,
    #[serde(default)]
    volumes: BTreeMap<String, Volume>,
}

#[derive(Deserialize)]
struct Volume {
    name: String,
}

impl Own {
    /// Of `phase`, from the configuration in JSON.
    ///
    /// # Errors
    /// When it is not understood.
    pub(super) fn of(json: &[u8], phase: &Phase) -> anyhow::Result<Self> {
        let configuration: Configuration = serde_json::from_slice(json)
            .context("cannot read what `docker compose config` says")?;
        let gate = format!("only-{}-is-up", phase.name);
        let services = configuration.services.into_keys();
        let volumes = configuration.volumes.into_iter();
        Ok(Self {
            services: services
                .filter(|service| phase.owns(service) || *service == gate)
                .collect(),
            volumes: volumes
                .filter(|(key, _)| phase.owns(key))
                .map(|(_, volume)| volume.name)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::phases::phase;
    use lab_truth::spec::PhaseName;

    #[test]
    fn a_phase_takes_its_own_with_it_and_nothing_of_monitoring() {
        let json = br#"{
            "services": {"grafana": {}, "only-phase2-is-up": {}, "phase2-redis": {}, "prometheus": {}},
            "volumes": {"grafana": {"name": "signup-lab_grafana"},
                        "phase2-primary": {"name": "signup-lab_phase2-primary"},
                        "phase22-primary": {"name": "signup-lab_phase22-primary"},
                        "prometheus": {"name": "signup-lab_prometheus"}}}"#;
        let own = Own::of(json, &phase(PhaseName::Phase2)).unwrap();
        let expected = Own {
            services: vec!["only-phase2-is-up".to_owned(), "phase2-redis".to_owned()],
            volumes: vec!["signup-lab_phase2-primary".to_owned()],
        };
        assert_eq!(own, expected);
    }
}

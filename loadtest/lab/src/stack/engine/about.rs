//! What the engine says of itself.

use super::endpoint::Endpoint;
use anyhow::Context;
use bollard::models::SystemInfo;

/// The engine.
#[derive(Debug, Clone)]
pub struct About {
    /// Its version.
    pub version: String,
    /// `v1` or `v2` of control groups.
    pub cgroup: String,
    /// Where it is: `unix://…` or `tcp://…`.
    pub endpoint: String,
    /// Whether it can cap the CPU and the memory of a container; a rootless one often cannot.
    pub caps: bool,
    /// Whether SELinux decides what its containers may read.
    pub selinux: bool,
}

/// Asks the engine.
///
/// # Errors
/// When it does not answer.
pub async fn about() -> anyhow::Result<About> {
    let endpoint = Endpoint::current().await?;
    let info = endpoint.client()?.info().await;
    let info = info.with_context(|| format!("the Docker engine at {endpoint} does not answer"))?;
    Ok(of(info, endpoint.to_string()))
}

fn of(info: SystemInfo, endpoint: String) -> About {
    let cgroup = match info.cgroup_version {
        None => "unknown",
        Some(version) if version.to_string() == "2" => "v2",
        Some(_) => "v1",
    };
    let options = info.security_options.unwrap_or_default();
    About {
        version: info.server_version.unwrap_or_default(),
        cgroup: cgroup.to_owned(),
        endpoint,
        caps: info.cpu_cfs_quota != Some(false) && info.memory_limit != Some(false),
        selinux: options.iter().any(|option| option.contains("name=selinux")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_without_the_cpu_controller_cannot_cap() {
        let able = |cpu_cfs_quota| {
            let info = SystemInfo {
                cpu_cfs_quota,
                memory_limit: Some(true),
                ..SystemInfo::default()
            };
            of(info, String::new()).caps
        };
        assert!(able(Some(true)) && able(None) && !able(Some(false)));
    }

    #[test]
    fn selinux_is_one_of_its_security_options() {
        let has = |options: &[&str]| {
            let options = options.iter().map(|option| (*option).to_owned());
            let info = SystemInfo {
                security_options: Some(options.collect()),
                ..SystemInfo::default()
            };
            of(info, String::new()).selinux
        };
        assert!(has(&["name=seccomp,profile=builtin", "name=selinux"]));
        assert!(!has(&["name=seccomp,profile=default"]));
    }
}

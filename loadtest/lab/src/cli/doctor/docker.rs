//! Checks of Docker: Compose and the engine.

use super::check::{Check, State, check};
use crate::stack::engine::{self, About};
use rustix::fs::getxattr;
use std::path::Path;
use std::process::Command;

/// The first Compose that reads compose/.env beside the .env that names the files.
const LEAST_COMPOSE: (u64, u64, u64) = (2, 24, 6);

/// The SELinux type of files that containers may read.
const READABLE: &str = "container_file_t";

pub(super) fn compose() -> Check {
    let output = Command::new("docker")
        .args(["compose", "version", "--short"])
        .output();
    match output {
        Ok(output) if output.status.success() => {
            compose_of(String::from_utf8_lossy(&output.stdout).trim())
        }
        _ => check(
            "compose",
            State::Bad("run `make setup`"),
            "`docker compose` (version 2) does not run".into(),
        ),
    }
}

fn compose_of(version: &str) -> Check {
    match numbers(version) {
        Some(numbers) if numbers >= LEAST_COMPOSE => {
            check("compose", State::Good, version.to_owned())
        }
        Some(_) => check(
            "compose",
            State::Bad("run `make setup` as root, or install a newer docker-compose-plugin"),
            format!("{version} is too old: 2.24.6 or newer is needed"),
        ),
        None => check(
            "compose",
            State::Doubtful,
            format!("{version:?} is no version that can be compared with 2.24.6"),
        ),
    }
}

/// `v2.26.1-4` is 2, 26, 1.
fn numbers(version: &str) -> Option<(u64, u64, u64)> {
    let mut numbers = version
        .trim_start_matches('v')
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some((next()?, next()?, next()?))
}

pub(super) async fn engine(root: &Path) -> Vec<Check> {
    match engine::about().await {
        Ok(about) => {
            let label = label_of(&root.join("compose/secrets"));
            let mut checks = vec![engine_of(&about)];
            checks.extend(selinux(&about, label.as_deref()));
            checks
        }
        Err(error) => vec![check(
            "engine",
            State::Bad("start the Docker engine, or run `make setup` as root"),
            format!("{error:#}"),
        )],
    }
}

fn engine_of(about: &About) -> Check {
    let About {
        version,
        cgroup,
        endpoint,
        ..
    } = about;
    let found = format!("Docker {version}, cgroup {cgroup}, {endpoint}");
    if about.caps {
        return check("engine", State::Good, found);
    }
    check(
        "engine",
        State::Bad(
            "give it the controllers (rootless: `Delegate=cpu cpuset io memory pids` in \
             /etc/systemd/system/user@.service.d/delegate.conf, then log in again)",
        ),
        format!("{found}: it cannot cap CPU or memory"),
    )
}

/// Nothing where SELinux does not decide.
fn selinux(about: &About, label: Option<&str>) -> Option<Check> {
    about.selinux.then(|| match label {
        Some(label) if label.contains(READABLE) => check(
            "selinux",
            State::Good,
            "containers may read the configuration".into(),
        ),
        _ => check(
            "selinux",
            State::Bad(
                "run `make setup`, or `chcon -R -t container_file_t compose monitoring results`",
            ),
            "containers may not read the configuration".into(),
        ),
    })
}

/// The SELinux label of a file, if it has one.
fn label_of(path: &Path) -> Option<String> {
    let mut label = [0_u8; 256];
    let length = getxattr(path, "security.selinux", &mut label).ok()?;
    String::from_utf8(label.get(..length)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(caps: bool, selinux: bool) -> About {
        About {
            version: "28.2.2".to_owned(),
            cgroup: "v2".to_owned(),
            endpoint: "unix:///run/user/1000/docker.sock".to_owned(),
            caps,
            selinux,
        }
    }

    #[test]
    fn a_compose_that_reads_no_second_env_is_too_old() {
        for good in ["2.24.6", "2.26.1-4", "v2.40.3", "5.0.0-desktop.1"] {
            assert!(matches!(compose_of(good).state, State::Good), "{good}");
        }
        for old in ["2.24.5", "2.20.2+ds1-0ubuntu1", "1.29.2"] {
            assert!(matches!(compose_of(old).state, State::Bad(_)), "{old}");
        }
        assert!(matches!(compose_of("dev").state, State::Doubtful));
    }

    #[test]
    fn an_engine_that_cannot_cap_is_told_what_it_lacks() {
        assert!(matches!(engine_of(&about(true, false)).state, State::Good));
        let lacking = engine_of(&about(false, false));
        assert!(matches!(lacking.state, State::Bad(mend) if mend.contains("Delegate=cpu")));
        assert!(lacking.found.contains("unix:///run/user/1000"));
    }

    #[test]
    fn selinux_is_spoken_of_where_it_decides() {
        assert!(selinux(&about(true, false), None).is_none());
        let label = |label| selinux(&about(true, true), label).unwrap().state;
        assert!(matches!(label(None), State::Bad(mend) if mend.contains("chcon")));
        assert!(matches!(label(Some("u:r:user_home_t:s0")), State::Bad(_)));
        assert!(matches!(
            label(Some("u:r:container_file_t:s0\0")),
            State::Good
        ));
    }
}

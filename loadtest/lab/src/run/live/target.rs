//! What is behind a URL: whether it may be loaded, and whether it is a phase of the lab.

use crate::run::Steps;
use crate::stack::ports::Ports;
use crate::stack::project::Project;
use crate::stack::{engine, http};
use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use lab_truth::spec::PhaseName;
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// The public port, unless `compose/.env` names another.
const PUBLIC_PORT: u16 = 8080;

/// How long a phase that is just coming up is waited for.
const COMING_UP: Duration = Duration::from_secs(120);

/// How long a stranger's service may refuse before it is believed.
const BUSY: Duration = Duration::from_secs(10);

/// Containers of the lab that run: address and Compose service.
type Running = [(IpAddr, String)];

/// Where a load goes.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) base: Url,
    pub(super) phase: Option<PhaseName>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
}

impl Target {
    /// Refuses a host that is not this machine, unless it `may` be loaded: nothing is sent to it before.
    pub(super) async fn find(
        url: Option<&str>,
        project: &Project,
        may: bool,
    ) -> anyhow::Result<Self> {
        let port = Ports::of(project).number(PUBLIC_PORT);
        let base = base(url, port)?;
        let addresses = base.socket_addrs(|| None);
        let addresses = addresses.with_context(|| format!("{base} has no address"))?;
        // Without an engine there are no containers of the lab.
        let running = engine::addresses().await.unwrap_or_default();
        let here = addresses.iter().all(|at| is_here(at.ip(), &running));
        ensure!(
            may || here,
            "{base} is not on this machine, and a load can take down what others need. If whoever runs it \
             agrees, say --yes-i-may-load-this-host"
        );
        let phase = phase(&addresses, port, &running);
        Ok(Self { base, phase })
    }

    /// Asks for the event before anybody signs up for it; waits for a phase that is coming up.
    pub(super) async fn ask_for(&self, event: &str, steps: &dyn Steps) -> anyhow::Result<()> {
        let (base, client) = (&self.base, http::client());
        let url = base.join(&format!("/v1/events/{event}"))?;
        let began = Instant::now();
        loop {
            let asked = client.get(url.clone()).timeout(Duration::from_secs(5));
            let (problem, patience) = match asked.send().await {
                Ok(answer) if answer.status() == StatusCode::OK => {
                    let found = answer.json::<Event>().await.map(|event| event.id);
                    ensure!(
                        found.is_ok_and(|id| id == event),
                        "{url} answers, and not as the lab's contract says: is this the base URL of a phase?"
                    );
                    return Ok(());
                }
                Ok(answer) if answer.status().is_client_error() && answer.status() != 429 => {
                    bail!(
                        "{url} says {}: name an event that is open with --event, or the right URL",
                        answer.status()
                    );
                }
                Ok(answer) => (format!("it says {}", answer.status()), BUSY),
                Err(error) if error.is_connect() => {
                    ("nobody listens there".to_owned(), Duration::ZERO)
                }
                Err(error) => (format!("{error}"), BUSY),
            };
            let patience = self.phase.map_or(patience, |_| COMING_UP);
            ensure!(
                began.elapsed() < patience,
                "{base} does not answer ({problem}). Bring a phase up first \
                 (`docker compose --profile phase1 up -d`, or `lab up phase1`), or name another URL"
            );
            steps.say(&format!("waiting until {base} answers ({problem})"));
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, phase } = self;
        match phase {
            Some(phase) => write!(f, "{base}, which is {phase} of the lab"),
            None => write!(f, "{base}, which is no phase of the lab on this machine"),
        }
    }
}

/// The base URL that was typed, also as `host:port`.
fn base(url: Option<&str>, port: u16) -> anyhow::Result<Url> {
    let typed = match url {
        Some(url) if url.contains("://") => url.to_owned(),
        Some(host) => format!("http://{host}"),
        None => format!("http://127.0.0.1:{port}"),
    };
    let base = Url::parse(&typed).with_context(|| format!("{typed} is no URL"))?;
    ensure!(base.scheme() == "http", "{base} is not an http:// URL");
    ensure!(
        matches!(base.path(), "" | "/") && base.query().is_none(),
        "{base} has a path: give the base URL, which is all before /v1"
    );
    Ok(base)
}

/// Loopback, in every spelling, or a container of the lab.
fn is_here(address: IpAddr, running: &Running) -> bool {
    let address = address.to_canonical();
    let contained = running.iter().any(|(own, _)| *own == address);
    address.is_loopback() || address.is_unspecified() || contained
}

/// The phase of the container with this address, or behind the public port of this machine.
fn phase(addresses: &[SocketAddr], public: u16, running: &Running) -> Option<PhaseName> {
    let of = |service: &str| PhaseName::from_str(service.split_once('-')?.0, false).ok();
    let contained = |(own, _): &&(IpAddr, String)| addresses.iter().any(|at| at.ip() == *own);
    if let Some((_, service)) = running.iter().find(contained) {
        return of(service);
    }
    let published = |at: &SocketAddr| at.port() == public && is_here(at.ip(), &[]);
    let up: BTreeSet<PhaseName> = running
        .iter()
        .filter_map(|(_, service)| of(service))
        .collect();
    let only = up.first().filter(|_| up.len() == 1);
    only.copied().filter(|_| addresses.iter().all(published))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> Vec<(IpAddr, String)> {
        let one = |address: &str, service: &str| (address.parse().unwrap(), service.to_owned());
        vec![
            one("172.18.0.2", "phase2-balancer"),
            one("172.18.0.3", "phase2-primary"),
            one("172.18.0.4", "prometheus"),
        ]
    }

    #[test]
    fn only_this_machine_is_loaded_without_a_word() {
        for (address, here) in [
            ("127.0.0.1", true),
            ("127.8.9.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("0.0.0.0", true),
            ("172.18.0.2", true),
            // Another container's, a colleague's machine, and the world.
            ("172.18.0.9", false),
            ("192.168.1.10", false),
            ("10.0.0.1", false),
            ("203.0.113.5", false),
            ("2001:db8::1", false),
        ] {
            let found = is_here(address.parse().unwrap(), &running());
            assert_eq!(found, here, "{address}");
        }
    }

    #[tokio::test]
    async fn a_stranger_is_refused_before_anything_is_sent_and_told_how_to_agree() {
        // Of a network that is for documentation: nobody is there.
        let url = Some("http://192.0.2.7:8080");
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new(folder.path());
        let error = Target::find(url, &project, false).await.unwrap_err();
        assert!(
            error.to_string().contains("--yes-i-may-load-this-host"),
            "{error}"
        );
        let agreed = Target::find(url, &project, true).await.unwrap();
        assert_eq!(agreed.phase, None);
    }

    #[test]
    fn a_phase_is_known_by_its_container_or_by_the_public_port() {
        let phase = |address: &str, running: &Running| {
            super::phase(&[address.parse().unwrap()], 8080, running)
        };
        let phase2 = Some(PhaseName::Phase2);
        assert_eq!(phase("172.18.0.2:8080", &running()), phase2);
        assert_eq!(phase("127.0.0.1:8080", &running()), phase2);
        // Something else of this machine, of the lab, and of the world.
        assert_eq!(phase("127.0.0.1:9000", &running()), None);
        assert_eq!(phase("172.18.0.4:9090", &running()), None);
        assert_eq!(phase("192.0.2.7:8080", &running()), None);
        // Nothing is up, or one cannot tell which is meant.
        assert_eq!(phase("127.0.0.1:8080", &[]), None);
        let mut two = running();
        two.push(("172.18.0.7".parse().unwrap(), "phase1-server".to_owned()));
        assert_eq!(phase("127.0.0.1:8080", &two), None);
    }

    #[test]
    fn a_base_url_may_be_typed_short_and_has_no_path() {
        let text = |url| base(url, 8081).map(|url| url.to_string()).ok();
        assert_eq!(text(None).unwrap(), "http://127.0.0.1:8081/");
        assert_eq!(text(Some("localhost:80")).unwrap(), "http://localhost/");
        assert_eq!(
            text(Some("http://a.example/")).unwrap(),
            "http://a.example/"
        );
        for wrong in [
            "https://a.example",
            "http://a.example/v1",
            "http://a b",
            "ftp://a",
        ] {
            assert_eq!(text(Some(wrong)), None, "{wrong}");
        }
    }
}

//! Which engine: the one that `docker`, and with it Compose, speaks to, by its context or `DOCKER_HOST`.

use super::super::project;
use anyhow::{Context, bail, ensure};
use bollard::{API_DEFAULT_VERSION, Docker};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// How long the engine may take for an answer, in seconds: bollard's own default.
const TIMEOUT_SECONDS: u64 = 120;

/// Where the engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The path of a Unix socket.
    Socket(String),
    /// Host and port on this machine.
    Tcp(String),
}

/// One element of what `docker context inspect` prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextOfDocker {
    endpoints: BTreeMap<String, EndpointOfDocker>,
    /// Names of certificates and keys, by endpoint.
    #[serde(default, rename = "TLSMaterial")]
    tls: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EndpointOfDocker {
    host: String,
}

impl Endpoint {
    /// The one of the current context. `docker` is asked, because it knows best: `DOCKER_HOST` goes before
    /// `DOCKER_CONTEXT`, and that before its configuration.
    ///
    /// # Errors
    /// When `docker` cannot say, or the lab cannot use what it says.
    pub(super) async fn current() -> anyhow::Result<Self> {
        let asked = project::docker().args(["context", "inspect"]).output();
        let answer = asked
            .await
            .context("cannot run `docker`: run `make setup`")?;
        let errors = String::from_utf8_lossy(&answer.stderr);
        ensure!(
            answer.status.success(),
            "`docker context inspect` failed: {}",
            errors.trim()
        );
        let tls = std::env::var_os("DOCKER_TLS_VERIFY").is_some_and(|value| !value.is_empty());
        Self::of(&answer.stdout, tls)
    }

    /// From what `docker context inspect` printed; `tls` when the shell asks for TLS.
    fn of(printed: &[u8], tls: bool) -> anyhow::Result<Self> {
        let contexts: Vec<ContextOfDocker> = serde_json::from_slice(printed)
            .context("cannot read what `docker context inspect` says")?;
        let context = contexts.into_iter().next();
        let context =
            context.context("there is no Docker context: `docker context use default`")?;
        let endpoint = context.endpoints.get("docker");
        let host = endpoint.map_or("nowhere", |endpoint| endpoint.host.as_str());
        let tls = tls || context.tls.values().any(|files| !files.is_empty());
        match host.split_once("://") {
            Some(("unix", path)) => Ok(Self::Socket(path.to_owned())),
            Some(("tcp", address)) if !tls && is_here(address) => {
                Ok(Self::Tcp(address.trim_end_matches('/').to_owned()))
            }
            _ => bail!(
                "the current Docker context is at {host}{}: the lab reads containers and their ports on \
                 its own machine, by unix://… or by tcp://127.0.0.1:… without TLS; choose such a context \
                 with `docker context use`, or run the lab where that engine is",
                if tls { ", with TLS" } else { "" }
            ),
        }
    }

    /// A client of it, which has not connected yet.
    ///
    /// # Errors
    /// When there is no such socket.
    pub(super) fn client(&self) -> anyhow::Result<Docker> {
        let client = match self {
            Self::Socket(path) => {
                Docker::connect_with_unix(path, TIMEOUT_SECONDS, API_DEFAULT_VERSION)
            }
            Self::Tcp(address) => {
                Docker::connect_with_http(address, TIMEOUT_SECONDS, API_DEFAULT_VERSION)
            }
        };
        client
            .with_context(|| format!("cannot reach the Docker engine at {self}: run `lab doctor`"))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "unix://{path}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// Whether `address`, with or without a port, is this machine's loopback.
fn is_here(address: &str) -> bool {
    let address = address.trim_end_matches('/');
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(host: &str, tls: &str) -> anyhow::Result<Endpoint> {
        let printed = format!(
            r#"[{{"Name": "a", "Metadata": {{}}, "TLSMaterial": {tls},
                "Endpoints": {{"docker": {{"Host": "{host}", "SkipTLSVerify": false}}}}}}]"#
        );
        Endpoint::of(printed.as_bytes(), false)
    }

    #[test]
    fn an_engine_on_this_machine_is_used_wherever_its_socket_is() {
        for host in [
            "unix:///var/run/docker.sock",
            "unix:///run/user/1000/docker.sock",
            "tcp://127.0.0.1:2375",
            "tcp://localhost:2375",
            "tcp://[::1]:2375",
        ] {
            assert_eq!(of(host, "{}").unwrap().to_string(), host);
        }
    }

    #[test]
    fn an_engine_that_cannot_be_read_from_here_is_refused_in_a_sentence() {
        let with_tls = r#"{"docker": ["ca.pem", "cert.pem", "key.pem"]}"#;
        for (host, tls) in [
            ("ssh://me@elsewhere", "{}"),
            ("tcp://192.0.2.1:2375", "{}"),
            ("npipe:////./pipe/docker_engine", "{}"),
            ("", "{}"),
            ("tcp://127.0.0.1:2376", with_tls),
        ] {
            let error = of(host, tls).unwrap_err().to_string();
            assert!(
                error.contains(host) && error.contains("docker context use"),
                "{error}"
            );
            assert!(!error.contains('\n'), "{error}");
        }
        assert!(Endpoint::of(b"[]", false).is_err());
    }
}

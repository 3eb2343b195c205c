//! The ports of the stacks on this machine. The Compose files publish each under a variable, as in
//! `${PROMETHEUS_PORT:-9090}`; a line in `compose/.env` gives it another number.

use super::phases::{DatabaseAddress, Phase, QueueAddress};
use super::project::Project;
use std::fs;

/// The ports that the stacks publish.
#[derive(Debug, Default)]
pub struct Ports(Vec<Port>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The variable that names it.
    pub variable: String,
    /// What it is unless `compose/.env` says something else; by this the rest of the lab knows it.
    pub default: u16,
    /// What it is here.
    pub number: u16,
}

impl Ports {
    /// Those of the project's Compose files; none where there are no files.
    #[must_use]
    pub fn of(project: &Project) -> Self {
        let mut ports: Vec<Port> = Vec::new();
        let files = fs::read_dir(project.root().join("compose"));
        for file in files.into_iter().flatten().flatten() {
            let path = file.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                let text = fs::read_to_string(path).unwrap_or_default();
                ports.extend(named(&text));
            }
        }
        ports.sort_by_key(|port| port.default);
        ports.dedup();
        for port in &mut ports {
            let here = project.setting(&port.variable);
            port.number = here
                .and_then(|here| here.parse().ok())
                .unwrap_or(port.default);
        }
        Self(ports)
    }

    /// All of them, by their defaults.
    pub fn all(&self) -> impl Iterator<Item = &Port> {
        self.0.iter()
    }

    /// What the port with this default is here.
    #[must_use]
    pub fn number(&self, default: u16) -> u16 {
        let found = self.0.iter().find(|port| port.default == default);
        found.map_or(default, |port| port.number)
    }

    /// The phase at its ports here.
    #[must_use]
    pub fn of_phase(&self, phase: Phase) -> Phase {
        if self.0.iter().all(|port| port.number == port.default) {
            return phase;
        }
        // Leaked: a few short texts of a program that ends with its command.
        let operations = phase.operations.iter().map(|url| self.url(url));
        let databases = phase.databases.iter().map(|address| DatabaseAddress {
            port: self.number(address.port),
            ..*address
        });
        Phase {
            url: self.url(phase.url),
            operations: Vec::leak(operations.collect()),
            databases: Vec::leak(databases.collect()),
            queue: phase.queue.map(|queue| QueueAddress {
                port: self.number(queue.port),
                writer: self.url(queue.writer),
                ..queue
            }),
            ..phase
        }
    }

    fn url(&self, url: &'static str) -> &'static str {
        match url
            .rsplit_once(':')
            .map(|(host, port)| (host, port.parse()))
        {
            Some((host, Ok(port))) => format!("{host}:{}", self.number(port)).leak(),
            _ => url,
        }
    }
}

/// What `text` names as `${…_PORT:-number}`.
fn named(text: &str) -> impl Iterator<Item = Port> {
    text.split("${").skip(1).filter_map(|rest| {
        let (variable, default) = rest.split_once('}')?.0.split_once(":-")?;
        let default = default.parse().ok()?;
        variable.ends_with("_PORT").then(|| Port {
            variable: variable.to_owned(),
            default,
            number: default,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::phases::phase;
    use clap::ValueEnum;
    use lab_truth::spec::PhaseName;
    use std::path::Path;

    fn repository() -> Project {
        Project::new(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
    }

    #[test]
    fn the_compose_files_name_every_port_that_the_lab_knows() {
        let ports = Ports::of(&repository());
        let known = |port: u16| ports.all().any(|known| known.default == port);
        for name in PhaseName::value_variants() {
            let phase = phase(*name);
            let writer = phase.queue.iter().map(|queue| queue.writer);
            let urls = phase.operations.iter().copied().chain(writer);
            for url in urls.chain([phase.url]) {
                let port = url.rsplit(':').next().unwrap();
                assert!(known(port.parse().unwrap()), "{url}");
            }
            let queue = phase.queue.iter().map(|queue| queue.port);
            let databases = phase.databases.iter().map(|database| database.port);
            queue
                .chain(databases)
                .for_each(|port| assert!(known(port), "{port}"));
        }
        for port in [3000, 9090, 9101] {
            assert!(known(port), "{port}");
        }
        let mut defaults: Vec<u16> = ports.all().map(|port| port.default).collect();
        let all = defaults.len();
        defaults.dedup();
        assert_eq!(defaults.len(), all, "a port has two names");
    }

    #[test]
    fn a_phase_is_looked_for_where_env_puts_it() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("compose")).unwrap();
        let files = "ports: [\"${PUBLIC_PORT:-8080}:8080\", \"${W_PORT:-9123}:9100\", \"${Q_PORT:-15604}:1\"]\n\
                     image: ${REDIS_IMAGE:-redis:8}\n";
        std::fs::write(root.path().join("compose/a.yaml"), files).unwrap();
        let env = "PUBLIC_PORT=8081\nW_PORT=9200\nQ_PORT=none\nREDIS_IMAGE=1\n";
        std::fs::write(root.path().join("compose/.env"), env).unwrap();
        let ports = Ports::of(&Project::new(root.path()));
        assert_eq!(ports.all().count(), 3);
        let phase = ports.of_phase(phase(PhaseName::Phase3));
        assert_eq!(phase.url, "http://127.0.0.1:8081");
        let queue = phase.queue.unwrap();
        assert_eq!(queue.writer, "http://127.0.0.1:9200");
        // Not a number, so as it was; and one that the files do not name.
        assert_eq!(queue.port, 15604);
        assert_eq!(phase.operations[0], "http://127.0.0.1:9121");
        assert_eq!(ports.number(9090), 9090);
    }
}

//! What inspection says of one container.

use bollard::models::ContainerInspectResponse;

/// What inspection says of one container.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// CPUs the engine set.
    pub cpus: f64,
    /// Memory the engine set, in bytes.
    pub memory_bytes: u64,
    /// Image, with its id.
    pub image: String,
    /// Process id and start time: another pair is another life.
    pub life: String,
    /// How often the engine started it again by itself since it was last told to start it.
    pub revivals: u64,
    /// Whether it runs.
    pub running: bool,
    /// Whether the kernel killed it for memory.
    pub oom_killed: bool,
}

impl Inspected {
    pub(super) fn of(answer: ContainerInspectResponse) -> Self {
        let host = answer.host_config.unwrap_or_default();
        let state = answer.state.unwrap_or_default();
        let name = answer
            .config
            .and_then(|config| config.image)
            .unwrap_or_default();
        let image = answer.image.unwrap_or_default();
        #[expect(
            clippy::cast_precision_loss,
            reason = "nano-CPUs of a few CPUs are exact in a double"
        )]
        let cpus = host.nano_cpus.unwrap_or_default() as f64 / 1e9;
        Self {
            cpus,
            memory_bytes: host.memory.unwrap_or_default().unsigned_abs(),
            image: format!("{name}@{image}"),
            life: format!("{:?} {:?}", state.pid, state.started_at),
            revivals: answer.restart_count.unwrap_or_default().unsigned_abs(),
            running: state.running.unwrap_or_default(),
            oom_killed: state.oom_killed.unwrap_or_default(),
        }
    }
}

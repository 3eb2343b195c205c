//! What inspection says of one container: the engine what it was told, the kernel what it enforces.

use super::cgroup::Cgroup;
use super::processes;
use bollard::models::ContainerInspectResponse;
use lab_truth::evidence::Inspected;
use lab_truth::record::CapSource;

/// The label of the lab's own images that says with which cargo profile the program was built.
const BUILD_PROFILE: &str = "signup-lab.profile";

/// Of a container, whose control group is `cgroup` if its files can be read from here.
pub(super) fn of(answer: ContainerInspectResponse, cgroup: Option<&Cgroup>) -> Inspected {
    let host = answer.host_config.unwrap_or_default();
    let state = answer.state.unwrap_or_default();
    let config = answer.config.unwrap_or_default();
    let image = answer.image.unwrap_or_default();
    let running = state.running.unwrap_or_default();
    #[expect(
        clippy::cast_precision_loss,
        reason = "nano-CPUs of a few CPUs are exact in a double"
    )]
    let told = (
        host.nano_cpus.unwrap_or_default() as f64 / 1e9,
        host.memory.unwrap_or_default().unsigned_abs(),
    );
    // The engine says what it was told; only the kernel knows what is so.
    let enforced = cgroup.filter(|_| running).and_then(Cgroup::caps);
    let (cpus, memory_bytes) = enforced.unwrap_or(told);
    Inspected {
        cpus,
        memory_bytes,
        caps_from: match enforced {
            Some(_) => CapSource::Kernel,
            None => CapSource::Engine,
        },
        image: format!("{}@{image}", config.image.unwrap_or_default()),
        build_profile: config
            .labels
            .and_then(|mut labels| labels.remove(BUILD_PROFILE)),
        life: format!("{:?} {:?}", state.pid, state.started_at),
        revivals: answer.restart_count.unwrap_or_default().unsigned_abs(),
        running,
        oom_killed: state.oom_killed.unwrap_or_default(),
        oom_kills: cgroup.and_then(Cgroup::oom_kills),
        processes: cgroup
            .map(|c| processes::lasting(&c.processes()))
            .unwrap_or_default(),
    }
}

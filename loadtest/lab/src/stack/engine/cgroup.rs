//! A container's counters as the kernel keeps them, in the files of its control group.
//!
//! Asking the engine instead wakes it, containerd and a shim for each container, some ms of CPU
//! each, beside a load on the same cores. It is still asked where these files are not to be seen:
//! when the engine runs in a virtual machine of its own, or this process in a container.

use lab_truth::evidence::Usage;
use std::fs;
use std::path::{Path, PathBuf};

/// Where control groups are mounted.
const MOUNT: &str = "/sys/fs/cgroup";

/// The files of one control group.
#[derive(Debug, Clone)]
pub(super) enum Cgroup {
    /// One folder for each controller.
    V1 {
        cpuacct: PathBuf,
        cpu: PathBuf,
        memory: PathBuf,
    },
    /// One folder for all.
    V2(PathBuf),
}

impl Cgroup {
    /// The control group of the container `id`, whose first process is `pid`; `None` when its
    /// counters cannot be read from here.
    pub(super) fn of(pid: i64, id: &str) -> Option<Self> {
        let membership = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        // Where process ids mean something else than to the engine, this is another process.
        let cgroup = Self::parse(&membership).filter(|cgroup| cgroup.is_named(id))?;
        cgroup.read().map(|_| cgroup)
    }

    /// From the lines of `/proc/PID/cgroup`, `number:controllers:path`.
    fn parse(membership: &str) -> Option<Self> {
        let lines = || {
            membership.lines().filter_map(|line| {
                let (_, rest) = line.split_once(':')?;
                rest.split_once(':')
            })
        };
        let v1 = |controller: &str| {
            let has = |(controllers, _): &(&str, &str)| {
                controllers.split(',').any(|name| name == controller)
            };
            let (_, path) = lines().find(has)?;
            Some(below(Path::new(MOUNT).join(controller), path))
        };
        if let (Some(cpuacct), Some(cpu), Some(memory)) = (v1("cpuacct"), v1("cpu"), v1("memory")) {
            return Some(Self::V1 {
                cpuacct,
                cpu,
                memory,
            });
        }
        let (_, path) = lines().find(|(controllers, _)| controllers.is_empty())?;
        Some(Self::V2(below(PathBuf::from(MOUNT), path)))
    }

    /// Whether its folder is named after the container, as `docker/ID` or `docker-ID.scope`.
    fn is_named(&self, id: &str) -> bool {
        let (Self::V1 { cpu: folder, .. } | Self::V2(folder)) = self;
        let name = folder.file_name().and_then(|name| name.to_str());
        !id.is_empty() && name.is_some_and(|name| name.contains(id))
    }

    /// The counters now; `None` when the container does not run.
    pub(super) fn read(&self) -> Option<Usage> {
        match self {
            Self::V1 {
                cpuacct,
                cpu,
                memory,
            } => {
                let stat = text(cpu, "cpu.stat")?;
                let used = number(memory, "memory.usage_in_bytes")?;
                let cached = field(&text(memory, "memory.stat")?, "total_inactive_file")?;
                Some(Usage {
                    cpu_ns: number(cpuacct, "cpuacct.usage")?,
                    memory_bytes: used.saturating_sub(cached),
                    periods: field(&stat, "nr_periods")?,
                    throttled: field(&stat, "nr_throttled")?,
                })
            }
            Self::V2(folder) => {
                let stat = text(folder, "cpu.stat")?;
                let used = number(folder, "memory.current")?;
                let cached = field(&text(folder, "memory.stat")?, "inactive_file")?;
                Some(Usage {
                    cpu_ns: field(&stat, "usage_usec")? * 1_000,
                    memory_bytes: used.saturating_sub(cached),
                    periods: field(&stat, "nr_periods")?,
                    throttled: field(&stat, "nr_throttled")?,
                })
            }
        }
    }
}

impl Cgroup {
    /// CPUs and bytes of memory that the kernel lets it use; `None` where there is no limit, or it
    /// cannot be read.
    pub(super) fn caps(&self) -> Option<(f64, u64)> {
        let cpus = |quota: f64, period: f64| (quota > 0.0 && period > 0.0).then(|| quota / period);
        match self {
            Self::V1 { cpu, memory, .. } => {
                let number = |file| text(cpu, file)?.trim().parse::<f64>().ok();
                let cpus = cpus(number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)?;
                Some((cpus, self::number(memory, "memory.limit_in_bytes")?))
            }
            Self::V2(folder) => {
                let max = text(folder, "cpu.max")?;
                let (quota, period) = max.trim().split_once(' ')?;
                let cpus = cpus(quota.parse().ok()?, period.parse().ok()?)?;
                Some((cpus, number(folder, "memory.max")?))
            }
        }
    }

    /// How many of its processes the kernel has killed for memory since it was made.
    pub(super) fn oom_kills(&self) -> Option<u64> {
        match self {
            Self::V1 { memory, .. } => field(&text(memory, "memory.oom_control")?, "oom_kill"),
            Self::V2(folder) => field(&text(folder, "memory.events")?, "oom_kill"),
        }
    }

    /// The ids of its processes, as this machine counts them.
    pub(super) fn processes(&self) -> Vec<u32> {
        let (Self::V1 { cpu: folder, .. } | Self::V2(folder)) = self;
        let ids = text(folder, "cgroup.procs").unwrap_or_default();
        ids.lines().filter_map(|id| id.parse().ok()).collect()
    }
}

/// `folder` with an absolute path put below it.
fn below(folder: PathBuf, path: &str) -> PathBuf {
    folder.join(path.trim_start_matches('/'))
}

fn text(folder: &Path, file: &str) -> Option<String> {
    fs::read_to_string(folder.join(file)).ok()
}

fn number(folder: &Path, file: &str) -> Option<u64> {
    text(folder, file)?.trim().parse().ok()
}

/// The value after `name` in lines of `name value`.
fn field(text: &str, name: &str) -> Option<u64> {
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    text.lines().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f3c";

    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
    }

    #[test]
    fn both_versions_are_found_and_another_process_is_not() {
        let v1 = "9:name=systemd:/docker/0f3c\n4:memory:/docker/0f3c\n\
                  2:cpu,cpuacct:/docker/0f3c\n0::/docker/0f3c\n";
        match Cgroup::parse(v1) {
            Some(Cgroup::V1 { cpuacct, .. }) => {
                assert_eq!(cpuacct, Path::new("/sys/fs/cgroup/cpuacct/docker/0f3c"));
            }
            other => panic!("{other:?}"),
        }
        let v2 = "0::/system.slice/docker-0f3c.scope\n";
        for membership in [v1, v2] {
            let cgroup = Cgroup::parse(membership).unwrap();
            assert!(cgroup.is_named(ID) && !cgroup.is_named("9a9a") && !cgroup.is_named(""));
        }
        assert!(Cgroup::parse("").is_none() && Cgroup::of(0, ID).is_none());
        assert!(Cgroup::of(i64::from(std::process::id()), ID).is_none());
    }

    #[test]
    fn both_versions_count_the_same() {
        let (v1, v2) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let stat = "nr_periods 40\nnr_throttled 3\nthrottled_time 9\n";
        write(
            v1.path(),
            &[
                ("cpuacct.usage", "7000\n"),
                ("cpu.stat", stat),
                ("memory.usage_in_bytes", "4096\n"),
                ("memory.stat", "inactive_file 1\ntotal_inactive_file 96\n"),
            ],
        );
        write(
            v2.path(),
            &[
                ("cpu.stat", &format!("usage_usec 7\nuser_usec 5\n{stat}")),
                ("memory.current", "4096\n"),
                ("memory.stat", "anon 9\ninactive_file 96\n"),
            ],
        );
        let one = v1.path().to_owned();
        let cgroup = Cgroup::V1 {
            cpuacct: one.clone(),
            cpu: one.clone(),
            memory: one,
        };
        let usage = Usage {
            cpu_ns: 7_000,
            memory_bytes: 4_000,
            periods: 40,
            throttled: 3,
        };
        assert_eq!(cgroup.read(), Some(usage));
        assert_eq!(Cgroup::V2(v2.path().to_owned()).read(), Some(usage));
        assert_eq!(Cgroup::V2(v1.path().to_owned()).read(), None);
    }

    #[test]
    fn both_versions_say_what_is_enforced() {
        let (v1, v2) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(
            v1.path(),
            &[
                ("cpu.cfs_quota_us", "25000\n"),
                ("cpu.cfs_period_us", "100000\n"),
                ("memory.limit_in_bytes", "134217728\n"),
                (
                    "memory.oom_control",
                    "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
                ),
                ("cgroup.procs", "7\n9\n"),
            ],
        );
        write(
            v2.path(),
            &[
                ("cpu.max", "25000 100000\n"),
                ("memory.max", "134217728\n"),
                ("memory.events", "low 0\noom 1\noom_kill 2\n"),
                ("cgroup.procs", "7\n9\n"),
            ],
        );
        let one = v1.path().to_owned();
        let v1 = Cgroup::V1 {
            cpuacct: one.clone(),
            cpu: one.clone(),
            memory: one.clone(),
        };
        let v2 = Cgroup::V2(v2.path().to_owned());
        for cgroup in [&v1, &v2] {
            assert_eq!(cgroup.caps(), Some((0.25, 128 << 20)));
            assert_eq!(cgroup.oom_kills(), Some(2));
            assert_eq!(cgroup.processes(), [7, 9]);
        }
        write(&one, &[("cpu.cfs_quota_us", "-1\n")]);
        assert_eq!(v1.caps(), None, "no limit is no cap");
    }
}

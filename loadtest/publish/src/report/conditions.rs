//! The sections of a report on what a run cost and what its figures are only true under: cost,
//! caps, durability and environment.

use crate::format::{NONE, mib, number, percent, setting};
use crate::markdown::{section, table};
use lab_truth::record::{CapSource, Run};

pub(super) fn cost(run: &Run) -> String {
    let cap = |service: &str| run.caps.iter().find(|cap| cap.service == service);
    let each = run.cost.per_service.iter().map(|(service, cost)| {
        [
            service.clone(),
            number(cost.cpu_us_per_signup),
            number(cost.cpu_s),
            mib(cost.peak_memory_bytes),
            cap(service).map_or_else(|| NONE.to_owned(), |cap| mib(cap.memory_bytes)),
            percent(cost.throttled_ratio),
        ]
    });
    let services = run.cost.per_service.values();
    let all = [
        "**all**".to_owned(),
        format!("**{}**", number(run.cost.cpu_us_per_signup)),
        number(services.map(|cost| cost.cpu_s).sum()),
        String::new(),
        String::new(),
        String::new(),
    ];
    let head = [
        "Container",
        "CPU-µs a signup",
        "CPU s",
        "Peak memory, MiB",
        "Cap, MiB",
        "Throttled periods",
    ];
    let align = ["---", "---:", "---:", "---:", "---:", "---:"];
    let idle = format!(
        "Before the load, the phase used {} CPU.",
        number(run.cost.idle_cpus)
    );
    let bottleneck = run.bottleneck.as_ref().map_or_else(
        || "No container stood at its cap.".to_owned(),
        |b| {
            format!(
                "Nearest to its {}: {} ({}).",
                b.resource, b.service, b.evidence
            )
        },
    );
    let text = format!(
        "{}\n\n{}{idle} {bottleneck}",
        table(head, &align, each.chain([all])),
        floor(run),
    );
    section("Cost", &text)
}

/// What no signup can cost less than, in a sentence; empty in a run from before it was measured.
fn floor(run: &Run) -> String {
    let (Some(floor), Some(times)) = (run.floor, run.times_floor()) else {
        return String::new();
    };
    format!(
        "The floor in this run was {} CPU-µs: {} for an answer of an axum server that does nothing else, \
         and {} for a row of a large insert into the phase's database. A signup cost **{}** times that.\n\n",
        number(floor.answer_cpu_us + floor.row_cpu_us),
        number(floor.answer_cpu_us),
        number(floor.row_cpu_us),
        number(times),
    )
}

pub(super) fn caps(run: &Run) -> String {
    let rows = run.caps.iter().map(|cap| {
        let same = cap.found().all(|found| cap.is_claimed(found));
        let after = |found: Option<String>| found.unwrap_or_else(|| NONE.to_owned());
        [
            cap.service.clone(),
            setting(cap.cpus),
            setting(cap.inspected_cpus),
            after(cap.after_cpus.map(setting)),
            mib(cap.memory_bytes),
            mib(cap.inspected_memory_bytes),
            after(cap.after_memory_bytes.map(mib)),
            if same {
                "yes".to_owned()
            } else {
                "**no**".to_owned()
            },
        ]
    });
    let head = [
        "Container",
        "CPUs claimed",
        "before",
        "after",
        "MiB claimed",
        "before",
        "after",
        "Same",
    ];
    let align = ["---", "---:", "---:", "---:", "---:", "---:", "---:", "---"];
    let by_kernel = run
        .caps
        .iter()
        .all(|cap| cap.read_from == CapSource::Kernel);
    let by = match by_kernel {
        true => "Found in the kernel's own files, before the load and after it.",
        false => "Found by asking the engine what it was told.",
    };
    section("Caps", &format!("{by}\n\n{}", table(head, &align, rows)))
}

pub(super) fn durability(run: &Run) -> String {
    let settings = run.durability.iter().map(|(name, value)| {
        let value = if value.is_empty() { NONE } else { value };
        [format!("`{name}`"), value.to_owned()]
    });
    let body = table(
        ["Read back from the running servers", "Value"],
        &["---", "---"],
        settings,
    );
    section("Durability", &body)
}

pub(super) fn environment(run: &Run) -> String {
    let e = &run.environment;
    let fdatasync = match e.fdatasync_us {
        us if us > 0.0 => number(us) + " µs, median of an 8 kB write",
        _ => "not measured".to_owned(),
    };
    let fixed = [
        ["Commit".to_owned(), format!("`{}`", run.git_sha)],
        ["Began".to_owned(), run.started_at.clone()],
        [
            "Machine".to_owned(),
            format!(
                "{}, {} cores, {} MiB",
                e.cpu_model,
                e.cores,
                mib(e.memory_bytes)
            ),
        ],
        [
            "Kernel".to_owned(),
            format!("{}, cgroup {}", e.kernel, e.cgroup),
        ],
        [
            "Docker".to_owned(),
            format!("engine {}, Compose {}", e.docker, e.compose),
        ],
        ["fdatasync".to_owned(), fdatasync],
        [
            "CPU stolen during the load".to_owned(),
            percent(e.cpu_steal_share),
        ],
    ];
    let built = run.build.iter().map(|build| {
        let (services, lab) = (&build.services, &build.lab);
        let profiles = format!("services with profile `{services}`, the lab with `{lab}`");
        ["Build".to_owned(), profiles]
    });
    let images = e
        .images
        .iter()
        .map(|(s, image)| [format!("Image of {s}"), format!("`{image}`")]);
    let rows = fixed.into_iter().chain(built).chain(images);
    section(
        "Environment",
        &table(["Environment", ""], &["---", "---"], rows),
    )
}

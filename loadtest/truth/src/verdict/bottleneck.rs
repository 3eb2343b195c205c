//! What was in the way.

use crate::record::{Bottleneck, Run};

/// A container throttled in more than this share of its periods is at its cap.
const AT_CAP: f64 = 0.10;

/// The container nearest to its cap, if one was throttled.
pub(super) fn bottleneck(run: &Run) -> Option<Bottleneck> {
    let throttled = run
        .cost
        .per_service
        .iter()
        .filter(|(_, cost)| cost.throttled_ratio > AT_CAP);
    let (service, cost) =
        throttled.max_by(|(_, a), (_, b)| a.throttled_ratio.total_cmp(&b.throttled_ratio))?;
    let cap = run.caps.iter().find(|cap| cap.service == *service)?;
    Some(Bottleneck {
        service: service.clone(),
        resource: "cpu cap".into(),
        evidence: format!(
            "throttled in {:.0} % of its periods at {:.2} of {:.2} CPU",
            cost.throttled_ratio * 100.0,
            cost.cpu_s / (run.window_s() + run.drain_s),
            cap.cpus,
        ),
    })
}

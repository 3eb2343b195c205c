//! `lab load`: a load on what is already up, and what came of it.

mod options;

use super::colour::colours_wanted;
use super::exit::{COULD_NOT_RUN, INVALID};
use super::progress::Reporter;
use crate::load::stop_on_interrupt;
use crate::output::out;
use crate::run::Lock;
use crate::run::live::{self, LiveSetting, Wanted};
use anyhow::Context;
use lab_publish::format::{count, number};
use lab_publish::{tables, words};
use lab_truth::record::{Loaded, Receipts, Verdict};
use lab_truth::store;
pub(super) use options::LiveOptions;
use std::path::Path;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// Loads, prints, and keeps what is to be kept.
pub(super) async fn load(root: &Path, options: LiveOptions) -> anyhow::Result<ExitCode> {
    let asked = options.asked()?;
    let what = ["lab load"].into_iter().chain(options.url.as_deref());
    let _lock = Lock::take(&what.collect::<Vec<_>>().join(" "))?;
    // Better known before the load than after it.
    if let Some(folder) = &options.out {
        std::fs::create_dir_all(folder).with_context(|| format!("--out {}", folder.display()))?;
    }
    let (stop, give_up) = (CancellationToken::new(), CancellationToken::new());
    stop_on_interrupt(vec![stop.clone(), give_up.clone()])?;
    let reporter = Reporter::new();
    let setting = LiveSetting {
        root,
        steps: &reporter,
        stop,
        give_up,
    };
    let wanted = Wanted {
        url: options.url,
        event: options.event,
        asked,
        report: options.report.clone(),
        may_load: options.yes_i_may_load_this_host,
    };
    let loaded = live::load(wanted, &setting).await;
    reporter.finish();
    let loaded = loaded?;
    print(&loaded);
    if let Some(report) = &options.report {
        out!("goose's report: {}", report.display());
    }
    if let Some(folder) = &options.out {
        let record = store::write_load(folder, &loaded)?;
        out!("record: {}", record.display());
    }
    Ok(code(&loaded).map_or(ExitCode::SUCCESS, ExitCode::from))
}

fn print(loaded: &Loaded) {
    out!("{}", tables::steps(loaded, colours_wanted()));
    out!("receipts: {}", receipts(&loaded.receipts));
    if let Some(ledger) = &loaded.databases {
        out!(
            "databases: {} rows of this load, {} lost, {} duplicated",
            count(ledger.kept),
            count(ledger.lost),
            count(ledger.duplicated)
        );
    }
    if let Some(cost) = loaded.cpu_us_per_signup() {
        out!("cost: {} CPU-µs a signup, of all containers", number(cost));
    }
    let reasons = words::reasons_of_load(loaded);
    out!("{}: {}", words::verdict(loaded.verdict), reasons.join("; "));
}

fn receipts(receipts: &Receipts) -> String {
    let others = [
        ("altered", receipts.altered),
        ("not found", receipts.not_found),
        ("still waiting to be recorded", receipts.waiting),
        ("not known", receipts.not_known),
    ];
    let mut text = format!("{} found", count(receipts.found));
    for (class, number) in others.into_iter().filter(|(_, number)| *number > 0) {
        text += &format!(", {} {class}", count(number));
    }
    text
}

/// What is lost is an error, also of a load that was stopped.
fn code(loaded: &Loaded) -> Option<u8> {
    match loaded.verdict {
        Verdict::Invalid => Some(INVALID),
        _ => loaded.stopped.then_some(COULD_NOT_RUN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::fixtures;

    #[test]
    fn only_what_is_lost_or_broken_off_is_an_error() {
        let mut loaded = fixtures::loaded();
        loaded.verdict = Verdict::Suspect;
        assert_eq!(code(&loaded), None);
        loaded.stopped = true;
        assert_eq!(code(&loaded), Some(1));
        loaded.verdict = Verdict::Invalid;
        assert_eq!(code(&loaded), Some(11));
    }

    #[test]
    fn a_class_of_receipts_that_is_empty_is_not_printed() {
        let mut some = fixtures::loaded().receipts;
        assert_eq!(receipts(&some), "6,000 found");
        (some.not_found, some.not_known) = (1, 2);
        assert_eq!(receipts(&some), "6,000 found, 1 not found, 2 not known");
    }
}

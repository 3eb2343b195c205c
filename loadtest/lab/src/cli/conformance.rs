//! `lab conformance`: the contract, case by case, against any URL.

use super::colour::Style;
use crate::output::out;
use crate::stack::project::Project;
use anyhow::Context;
use signup_conformance::{Target, Verdict};
use std::path::PathBuf;

/// What to check, and where.
#[derive(Debug, clap::Args)]
pub(super) struct ConformanceOptions {
    /// Base URL of the public port.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Base URL of the operations port; without it the cases that need it are left out.
    #[arg(long)]
    operations_url: Option<String>,
    /// File with the organiser's token [default: compose/secrets/organiser_token].
    #[arg(long)]
    organiser_token_file: Option<PathBuf>,
    /// Only cases whose name contains this.
    #[arg(long)]
    filter: Option<String>,
}

/// Checks every case and prints a line for each; whether all that were tried hold. the organiser's
/// token is a secret of the `project` unless `options` name another file.
///
/// # Errors
/// When the token cannot be read.
pub(super) async fn check(project: &Project, options: ConformanceOptions) -> anyhow::Result<bool> {
    let file = options
        .organiser_token_file
        .unwrap_or_else(|| project.root().join("compose/secrets/organiser_token"));
    let token = std::fs::read_to_string(&file).with_context(|| {
        format!(
            "cannot read {}; name another with --organiser-token-file",
            file.display()
        )
    })?;
    let target = Target::new(options.url, options.operations_url, token.trim_end())?;
    let style = Style::of_stdout();
    let summary = signup_conformance::run(&target, options.filter.as_deref(), |outcome| {
        let name = outcome.name;
        match &outcome.verdict {
            Verdict::Passed => out!("{} {name}", style.good("ok     ")),
            Verdict::Failed(error) => {
                out!("{} {name}\n        {error:#}", style.bad("FAILED "))
            }
            Verdict::Skipped => {
                out!("{} {name} (needs --operations-url)", style.warn("skipped"))
            }
        }
    })
    .await;
    out!(
        "{} passed, {} failed, {} skipped",
        summary.passed,
        summary.failed,
        summary.skipped
    );
    Ok(summary.failed == 0)
}

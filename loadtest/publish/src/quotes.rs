//! Numbers quoted in texts. A quoted number is a link to the field it comes from,
//! `[37 ms](results/<id>/run.json#latency_ms.answer.p99)`, and is checked against it.

use anyhow::{Context, Result, bail};
use fs_err as fs;
use lab_truth::record::Run;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// How to quote a number, for the people who write the texts.
pub const CONVENTION: &str = "\
To quote a number in README.md or NOTES.md, link it to its field:\n\
`[37 ms](results/<id>/run.json#latency_ms.answer.p99)`. The field is named by its path in `run.json`,\n\
its parts joined by dots. A test compares the first number in the link with the field, rounded to the digits quoted;\n\
`%` stands for hundredths of a share, and kB, MB, GB, kiB, MiB, GiB for their number of bytes. A word such as\n\
`[VALID](results/<id>/run.json#verdict)` must be the same.\n";

/// A number with the field it was taken from.
#[derive(Debug, PartialEq, Eq)]
struct Quote<'a> {
    text: &'a str,
    run: &'a str,
    field: &'a str,
}

/// Every quote that is not what its run says, in the texts that quote runs: `README.md`,
/// `NOTES.md`, `phases/README.md` and the source files of the phases.
///
/// # Errors
/// When a text cannot be read.
pub fn wrong(root: &Path, runs: &[Run]) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for file in texts(root)? {
        let text = fs::read_to_string(root.join(&file))?;
        for quote in quotes(&text) {
            if let Err(why) = check(&quote, runs) {
                complaints.push(format!("{}: [{}] {why:#}", file.display(), quote.text));
            }
        }
    }
    Ok(complaints)
}

pub(crate) fn texts(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = ["README.md", "NOTES.md", "phases/README.md"]
        .into_iter()
        .map(PathBuf::from)
        .collect();
    let phases = root.join("phases");
    let folders = if phases.is_dir() {
        fs::read_dir(&phases)?.collect::<Result<_, _>>()?
    } else {
        vec![]
    };
    for folder in folders {
        let sources = folder.path().join("src");
        if sources.is_dir() {
            for source in fs::read_dir(&sources)? {
                files.push(source?.path().strip_prefix(root)?.to_path_buf());
            }
        }
    }
    files.retain(|file| root.join(file).is_file());
    files.sort();
    Ok(files)
}

/// The links of a text that lead to a field of a run.
fn quotes(text: &str) -> Vec<Quote<'_>> {
    let mut quotes = Vec::new();
    let mut rest = text;
    while let Some(middle) = rest.find("](") {
        let (before, link) = rest.split_at(middle);
        rest = &link[2..];
        let target = rest.find(')').map_or("", |end| &rest[..end]);
        let shown = before.rfind('[').map_or("", |start| &before[start + 1..]);
        if let Some((file, field)) = target.split_once("/run.json#") {
            let run = file.rsplit('/').next().unwrap_or_default();
            // `<id>` stands for a run where the convention is explained.
            if run != "<id>" {
                quotes.push(Quote {
                    text: shown,
                    run,
                    field,
                });
            }
        }
    }
    quotes
}

fn check(quote: &Quote<'_>, runs: &[Run]) -> Result<()> {
    let Some(run) = runs.iter().find(|run| run.id == quote.run) else {
        bail!("quotes {}, which is no published run", quote.run);
    };
    let record = serde_json::to_value(run)?;
    match field(&record, quote.field) {
        Some(Value::Number(value)) => check_number(quote, value.as_f64().unwrap_or(f64::NAN)),
        Some(Value::String(value)) if value == quote.text => Ok(()),
        Some(Value::String(value)) => bail!("is \"{value}\" in {}#{}", quote.run, quote.field),
        Some(_) => bail!(
            "quotes {}, which is neither a number nor a text",
            quote.field
        ),
        None => bail!("quotes {}, which {} does not have", quote.field, quote.run),
    }
}

fn field<'a>(record: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(record, |value, part| match value {
        Value::Array(entries) => entries.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    })
}

/// The quoted number must be the field's value, in the quoted unit, rounded to the quoted digits.
fn check_number(quote: &Quote<'_>, value: f64) -> Result<()> {
    let digits = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
    let start = quote
        .text
        .find(|c: char| c.is_ascii_digit())
        .context("holds no number")?;
    let number = &quote.text[start..];
    let (number, unit) = number.split_at(number.find(|c| !digits(c)).unwrap_or(number.len()));
    let quoted = number.trim_end_matches(['.', ',']).replace(',', "");
    let decimals = quoted
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    let value = value / size_of_unit(unit);
    let found = format!("{value:.decimals$}");
    if found != quoted {
        bail!("is {found}{unit} in {}#{}", quote.run, quote.field);
    }
    Ok(())
}

/// What one of the quoted unit is in the unit of the field; 1 where they are the same.
fn size_of_unit(unit: &str) -> f64 {
    match unit.split_whitespace().next().unwrap_or_default() {
        "%" => 0.01,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "kiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::fixtures;

    fn complaint(text: &str, field: &str) -> Option<String> {
        let run = fixtures::rush();
        let text = format!(
            "before [a](b) [{text}](results/{}/run.json#{field}) after",
            run.id
        );
        let quotes = quotes(&text);
        assert_eq!(quotes.len(), 1);
        check(&quotes[0], &[run]).err().map(|why| why.to_string())
    }

    #[test]
    fn a_right_number_passes_in_any_unit() {
        let right = [
            ("1,000 users", "spec.users"),
            ("11.8 ms", "latency_ms.answer.p99"),
            ("12 ms", "latency_ms.answer.p99"),
            ("0", "ledger.lost"),
            ("128 MiB", "caps.0.memory_bytes"),
            (
                "11.8 MB",
                "cost.per_service.phase1-server.peak_memory_bytes",
            ),
            ("1.2 %", "cost.per_service.phase1-server.throttled_ratio"),
            ("VALID", "verdict"),
            ("**968** µs", "cost.cpu_us_per_signup"),
        ];
        for (text, field) in right {
            assert_eq!(complaint(text, field), None, "{text} {field}");
        }
    }

    #[test]
    fn a_wrong_number_is_found() {
        let wrong = [
            ("1,001 users", "spec.users"),
            ("11.7 ms", "latency_ms.answer.p99"),
            ("11 ms", "latency_ms.answer.p99"),
            ("1", "ledger.lost"),
            ("128 MB", "caps.0.memory_bytes"),
            ("INVALID", "verdict"),
            ("no number", "spec.users"),
            ("12", "latency_ms.answer.p98"),
            ("12", "latency_ms.answer"),
            ("12", "timeline.1000.asked"),
        ];
        for (text, field) in wrong {
            assert!(complaint(text, field).is_some(), "{text} {field}");
        }
    }

    #[test]
    fn a_run_that_is_not_published_may_not_be_quoted() {
        let text = "[12 ms](results/no-such-run/run.json#latency_ms.answer.p99)";
        assert!(check(&quotes(text)[0], &[fixtures::rush()]).is_err());
    }
}

//! `report.md`: one run for a person to read. The verdict comes first, because no number below it
//! may be used before it; everything is taken from `run.json`.

mod conditions;
mod measured;
mod promises;
mod reads;
mod recording;

use crate::charts;
use crate::format::{count, number, setting};
use crate::markdown::section;
use crate::words;
use lab_truth::record::{FirstJudgement, Run, Verdict};

/// The report of a run, as Markdown.
#[must_use]
pub fn markdown(run: &Run) -> String {
    let users = count(run.spec.users.into());
    let mut title = format!(
        "# {}, {}, {users} users: {}",
        run.system(),
        run.spec.scenario,
        words::verdict(run.verdict)
    );
    if run.outcome.is_some() && run.verdict != Verdict::Invalid {
        title += &format!(", {}", words::outcome(run));
    }
    let mut sections = vec![
        title,
        format!(
            "Run `{}`, generated from [run.json](run.json) by `lab report`.",
            run.id
        ),
        judgement(run),
        summary(run),
        "## Over time".to_owned(),
    ];
    let charts = charts::files(run).into_iter();
    sections.extend(charts.map(|(file, alt)| format!("![{alt}]({file})")));
    sections.extend([measured::load(run), measured::answers(run)]);
    sections.extend(reads::reads(run));
    sections.push(measured::latency(run));
    sections.extend(recording::recording(run));
    sections.extend([measured::ledger(run), measured::counts(run)]);
    sections.extend(promises::broken(run));
    sections.extend([
        conditions::cost(run),
        conditions::caps(run),
        conditions::durability(run),
        conditions::environment(run),
        reproduce(run),
    ]);
    sections.join("\n\n") + "\n"
}

/// The verdict, what it allows, and why it is not better; then whether the load was carried, and what
/// was in the way.
fn judgement(run: &Run) -> String {
    let allows = match run.verdict {
        Verdict::Valid => "The numbers below may be quoted.",
        Verdict::Suspect => "The numbers below may be looked at, never without these reasons:",
        Verdict::Invalid => "The numbers below may not be used:",
    };
    let believed = format!("**{}.** {allows}", words::verdict(run.verdict));
    let believed = with_list(believed, &words::reasons(run));
    // Of numbers that may not be used nothing follows.
    let usable = run.verdict != Verdict::Invalid;
    let Some(outcome) = run.outcome.as_ref().filter(|_| usable) else {
        return believed;
    };
    let carried = if outcome.carried {
        "**CARRIED.** Every part of the goal was reached."
    } else {
        "**MISSED.** What the phase had to reach and did not:"
    };
    let carried = with_list(carried.to_owned(), &words::missed(run));
    let mut answers = vec![believed, carried];
    if let Some(bottleneck) = &run.bottleneck {
        let (service, evidence) = (&bottleneck.service, &bottleneck.evidence);
        let what = match outcome.carried {
            true => "Nearest to its limit",
            false => "In the way",
        };
        answers.push(format!("{what}: {service}, {evidence}."));
    }
    let otherwise = |first: &&FirstJudgement| first.verdict != run.verdict;
    if let Some(first) = run.judged_first.as_ref().filter(otherwise) {
        let said = words::verdict(first.verdict);
        answers.push(format!(
            "Judged again; the judge of the day said {said}{}",
            first_reasons(&first.reasons)
        ));
    }
    answers.join("\n\n")
}

fn with_list(mut text: String, entries: &[String]) -> String {
    if !entries.is_empty() {
        text.push('\n');
    }
    for entry in entries {
        text.push_str(&format!("\n- {entry}"));
    }
    text
}

fn first_reasons(reasons: &[String]) -> String {
    if reasons.is_empty() {
        return ".".to_owned();
    }
    format!(": {}.", reasons.join("; "))
}

fn summary(run: &Run) -> String {
    let p99 = &run.latency_ms.answer;
    let answered = if p99.count == 0 {
        "no signup was acknowledged".to_owned()
    } else {
        format!(
            "99 % of the acknowledged signups were answered within {} ms",
            number(p99.p99)
        )
    };
    let fault = run
        .fault_text()
        .map(|f| format!(" Fault ordered: {f}."))
        .unwrap_or_default();
    format!(
        "{users} users came to {system} in {window} s ({scenario}, {arrivals} arrivals, seed {seed}, \
         budget `{budget}`): {asked} signup requests a second asked for, {achieved} of them \
         acknowledged. {answered} of their intended start, at {cost} CPU-µs a durable signup over all \
         containers. Of {acked} acknowledged signups, {lost} lost.{recording}{fault}",
        users = count(run.spec.users.into()),
        system = run.system(),
        window = setting(run.window_s()),
        scenario = run.spec.scenario,
        arrivals = run.spec.arrivals,
        seed = run.spec.seed,
        budget = run.spec.budget,
        asked = number(run.load.asked_per_s),
        achieved = number(run.load.achieved_per_s),
        answered = capitalised(&answered),
        cost = number(run.cost.cpu_us_per_signup),
        acked = count(run.ledger.acked),
        lost = if run.ledger.lost == 0 {
            "none is".to_owned()
        } else {
            count(run.ledger.lost) + " are"
        },
        recording = recording::in_brief(run).unwrap_or_default(),
    )
}

fn reproduce(run: &Run) -> String {
    let (sha, dirty) = match run.git_sha.strip_suffix("-dirty") {
        Some(sha) => (
            sha,
            "The tree had changes that were not committed: the commit alone may not repeat it.\n\n",
        ),
        None => (run.git_sha.as_str(), ""),
    };
    let steps = format!(
        "```sh\ngit checkout {sha}\nmake build\n{}\n```",
        run.command
    );
    section("Again", &format!("{dirty}{steps}"))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_truth::fixtures;
    use lab_truth::record::BrokenPromises;
    use lab_truth::spec::Part;

    #[test]
    fn the_verdict_comes_before_any_figure() {
        let report = markdown(&fixtures::lost());
        let verdict = report.find("**INVALID.**").unwrap();
        assert!(
            report
                .find("- 2 acknowledged signups are in no database")
                .unwrap()
                > verdict
        );
        assert!(report.find("## Load").unwrap() > verdict);
        assert!(
            markdown(&fixtures::rush()).contains("**VALID.** The numbers below may be quoted.")
        );
    }

    #[test]
    fn the_figures_of_the_run_are_in_the_report() {
        let report = markdown(&fixtures::rush());
        for figure in [
            "| Arrivals scheduled | 1,000 |",
            "| Signups acknowledged | intended start | 1,047 | 2.51 | 4.90 | 11.8 |",
            "| lost | acknowledged, in no database | 0 | 0 |",
            "| **all** | **968** | 1.01 |",
            "| phase1-server | 0.25 | 0.25 | – | 128 | 128 | – | yes |",
            "| `fsync` | on |",
            "lab run phase1 --users 1000",
            "![CPU of each container against its cap](cpu.svg)",
        ] {
            assert!(report.contains(figure), "{figure}\n{report}");
        }
    }

    #[test]
    fn what_must_be_zero_and_is_not_stands_out() {
        let mut run = fixtures::lost();
        run.caps[0].inspected_cpus = 2.0;
        let report = markdown(&run);
        for figure in [
            "| lost | acknowledged, in no database | **2** | 0 |",
            "**3** apart",
            "| phase1-server | 0.25 | 2 | – | 128 | 128 | – | **no** |",
            "had changes that were not committed",
        ] {
            assert!(report.contains(figure), "{figure}\n{report}");
        }
    }

    #[test]
    fn a_run_that_measured_nothing_has_a_report() {
        let mut run = fixtures::rush();
        run.latency_ms = Default::default();
        run.answers.clear();
        run.cost = Default::default();
        run.caps.clear();
        run.timeline.clear();
        let report = markdown(&run);
        assert!(report.contains("No signup was acknowledged"), "{report}");
        assert!(!report.contains("NaN"));
    }

    #[test]
    fn what_only_some_runs_have_is_shown_only_there() {
        let mut run = fixtures::rush();
        let report = markdown(&run);
        for absent in [
            "## Reads",
            "## Promises",
            "## Recording",
            "replica",
            "without",
        ] {
            assert!(!report.contains(absent), "{absent}\n{report}");
        }
        run.spec.without = [Part::Batch].into();
        run.replica_catch_up_s = Some(0.25);
        run.ledger.replica_differs = 3;
        run.broken_promises = Some(BrokenPromises {
            receipts_denied: 2,
            ..BrokenPromises::default()
        });
        let sources = [("cache/HIT", 995), ("replica/MISS", 5)];
        let sources = sources.map(|(source, number)| (source.to_owned(), number));
        run.reads.insert("count".to_owned(), sources.into());
        let report = markdown(&run);
        for figure in [
            "# phase1 without batch, rush",
            "users came to phase1 without batch in",
            "| Until the replica had caught up after that | 0.25 s |",
            "| replica differs | row not the same on the replica | **3** | 0 |",
            "| `count` | replica | MISS | 5 | 0.5 % |",
            "Answered from a cache: count 99.5 %.",
            "| Requests not answered within 2 s | 0 |",
            "| Receipts that were given, answered 404 | **2** |",
        ] {
            assert!(report.contains(figure), "{figure}\n{report}");
        }
    }
    #[test]
    fn a_run_with_a_queue_tells_when_its_signups_were_recorded() {
        let mut run = fixtures::buffered();
        run.ledger.dead_lettered = 2;
        let report = markdown(&run);
        for figure in [
            "99 % of the signups were recorded within 1,020 ms, at most 19 waited, and the last was \
             recorded 3.20 s after the last answer.",
            "](backlog.svg)",
            "## Recording",
            "| Until durable, p99 | 1,020 ms |",
            "| Largest backlog | 19 signups, in second 4 |",
            "| Backlog when the last participants came | 14 signups |",
            "| dead-lettered | acknowledged, only in the dead-letter queue | **2** | 0 |",
            "| unreadable dead letters | messages there that are no readable signup | 0 | reported |",
            "| Signups kept | participants acknowledged: 1,000 | rows: 1,000 | agree |",
        ] {
            assert!(report.contains(figure), "{figure}\n{report}");
        }
    }
}

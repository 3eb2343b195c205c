//! `report.md`: one run for a person to read. The verdict comes first, because no number below it
//! may be used before it; everything is taken from `run.json`.

mod conditions;
mod greedy;
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
    if words::usable_outcome(run).is_some() {
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
    sections.extend(greedy::greedy(run));
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
    let Some(outcome) = words::usable_outcome(run) else {
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
         containers. Of {acked} acknowledged signups, {lost} lost.{recording}{greedy}{fault}",
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
        greedy = match run.spec.greedy {
            none if none.is_none() => String::new(),
            clients => format!(" Greedy clients held connections beside them: {clients}."),
        },
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
mod tests;

//! What to run: the options of `lab run`, and the question they make.

use clap::Args;
use lab_truth::spec::{
    Arrivals, Budget, FaultSpec, GreedyClients, Other, PUBLISHED_WINDOW_S, Part, PhaseName,
    RunSpec, SLOTS, Scenario, Slowdown,
};
use std::time::Duration;

/// What a run takes beside its load: bringing containers up and down, and looking at them idle.
const AROUND: Duration = Duration::from_secs(50);

/// What to run.
#[derive(Debug, Clone, Args)]
pub struct RunOptions {
    /// The phase to measure.
    pub phase: PhaseName,

    /// Participants who come [default: as many as the phase is built for].
    #[arg(long)]
    pub users: Option<u32>,

    /// Seconds within which they come.
    #[arg(long, default_value_t = PUBLISHED_WINDOW_S)]
    pub window: u32,

    /// What they do.
    #[arg(long, value_enum, default_value = "rush")]
    pub scenario: Scenario,

    /// How they come.
    #[arg(long, value_enum, default_value = "flat")]
    pub arrivals: Arrivals,

    /// Fixes the whole schedule: the same seed is the same load.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Most requests in flight at once. One that finds no free slot is sent late, and counted.
    #[arg(long, default_value_t = SLOTS)]
    pub slots: u32,

    /// Switch a part of the phase off, to see what it buys; may be given several times. The result
    /// says so everywhere and stands for itself. (phase1 has no such part.)
    #[arg(long, value_enum, value_name = "PART")]
    pub without: Vec<Part>,

    /// Put something else in the place of a part, to see what the part is worth; may be given several
    /// times, and the result says so everywhere. A phase that has no such part refuses.
    #[arg(long, value_enum, value_name = "OTHER")]
    pub with: Vec<Other>,

    /// Which caps the containers get. (phase1 has only one set.)
    #[arg(long, value_enum, default_value = "same")]
    pub budget: Budget,

    /// Divide every CPU cap of the phase by this, to stand in for a slower machine. Memory stays.
    #[arg(long, default_value = "1", value_name = "FACTOR")]
    pub slower: Slowdown,

    /// Kill a service (SIGKILL) at a second of the load, and start it again a second later. May be
    /// given several times, like --restart, --pause and --empty; the ledger must stay clean.
    #[arg(long, value_name = "SERVICE@SECOND", value_parser = FaultSpec::kill)]
    pub kill: Vec<FaultSpec>,

    /// Tell a service to stop at a second of the load (SIGTERM, or what its image names instead),
    /// wait until it has ended, and start it again.
    #[arg(long, value_name = "SERVICE@SECOND", value_parser = FaultSpec::restart)]
    pub restart: Vec<FaultSpec>,

    /// Freeze a service at a second of the load for some seconds: phase2-primary@10+30 is away from
    /// the 10th to the 40th. It keeps its connections and answers nothing.
    #[arg(long, value_name = "SERVICE@SECOND+SECONDS", value_parser = FaultSpec::pause)]
    pub pause: Vec<FaultSpec>,

    /// Have a Redis forget everything at a second of the load (FLUSHALL).
    #[arg(long, value_name = "SERVICE@SECOND", value_parser = FaultSpec::empty)]
    pub empty: Vec<FaultSpec>,

    /// Beside the load, hold so many connections on which a request head never ends, a byte every 2 s:
    /// greedy clients, as --slow-bodies and --stalled-readers. They come again when the service ends
    /// one. Honest participants are owed 99.9 % acknowledged, and a p99 at most twice that of the same
    /// run without greedy clients: make both, and compare.
    #[arg(long, value_name = "CLIENTS", default_value_t = 0)]
    pub slow_headers: u32,

    /// Beside the load, hold so many connections on which the body of a signup never ends, a byte every
    /// 2 s. Their addresses are no participant's: a signup kept of one makes the run INVALID.
    #[arg(long, value_name = "CLIENTS", default_value_t = 0)]
    pub slow_bodies: u32,

    /// Beside the load, hold so many connections on which the event is asked for 200 times, with a
    /// small receive buffer, and no answer is read.
    #[arg(long, value_name = "CLIENTS", default_value_t = 0)]
    pub stalled_readers: u32,

    /// Measure without Prometheus, Grafana and the container metrics beside the phase. Those that are up
    /// are stopped, and keep what they have seen.
    #[arg(long)]
    pub no_monitoring: bool,

    /// Leave the phase up after the run, to look at it in Grafana.
    #[arg(long)]
    pub keep: bool,

    /// Take down a phase that is up, with its data, instead of refusing.
    #[arg(long)]
    pub replace: bool,

    /// End with an error when the run is SUSPECT or has MISSED its goal.
    #[arg(long)]
    pub strict: bool,
}

impl RunOptions {
    /// The question.
    #[must_use]
    pub fn spec(&self) -> RunSpec {
        let faults = [&self.kill, &self.restart, &self.pause, &self.empty];
        let mut faults: Vec<FaultSpec> = faults.into_iter().flatten().cloned().collect();
        faults.sort();
        RunSpec {
            phase: self.phase,
            without: self.without.iter().copied().collect(),
            with: self.with.iter().copied().collect(),
            budget: self.budget,
            slower: self.slower,
            scenario: self.scenario,
            arrivals: self.arrivals,
            users: self.users.unwrap_or(self.phase.users()),
            window_s: self.window,
            seed: self.seed,
            slots: self.slots,
            faults,
            greedy: GreedyClients {
                slow_headers: self.slow_headers,
                slow_bodies: self.slow_bodies,
                stalled_readers: self.stalled_readers,
            },
            monitoring: !self.no_monitoring,
        }
    }

    /// How long it will take, about.
    #[must_use]
    pub fn minutes(&self) -> u64 {
        (u64::from(self.window) + AROUND.as_secs()).div_ceil(60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: RunOptions,
    }

    fn spec(line: &str) -> RunSpec {
        Line::parse_from(line.split(' ')).options.spec()
    }

    #[test]
    fn a_bare_phase_is_a_run_at_its_own_scale() {
        assert_eq!(spec("lab phase2"), RunSpec::of(PhaseName::Phase2));
    }

    #[test]
    fn the_order_of_the_words_makes_no_other_question() {
        let one = "lab phase2 --without replica --without batch --without replica \
                   --kill phase2-redis@9 --pause phase2-primary@3+5";
        let other = "lab phase2 --pause phase2-primary@3+5 --without batch --kill phase2-redis@9 \
                     --without replica";
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(spec(&words(one)), spec(&words(other)));
        assert_eq!(spec(&words(one)).faults[0].target, "phase2-primary");
    }

    #[test]
    fn greedy_clients_are_another_question() {
        let line = "lab phase1 --slow-headers 3 --slow-bodies 2 --stalled-readers=1";
        let mut expected = RunSpec::of(PhaseName::Phase1);
        assert_ne!(spec(line), expected);
        expected.greedy = GreedyClients {
            slow_headers: 3,
            slow_bodies: 2,
            stalled_readers: 1,
        };
        assert_eq!(spec(line), expected);
    }

    #[test]
    fn what_is_no_fault_is_refused_on_the_command_line() {
        for line in ["lab phase1 --kill phase1-server", "lab phase1 --pause x@3"] {
            assert!(Line::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}

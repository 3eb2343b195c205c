//! What may be ordered, and what is refused.

use super::*;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    faults: Faults,
}

fn faults(line: &str) -> Result<Faults, clap::Error> {
    Ok(Line::try_parse_from(line.split(' '))?.faults)
}

#[test]
fn several_faults_of_every_kind_may_be_ordered() {
    let faults = faults(
        "lab --kill phase2-redis@4 --kill phase2-server-1@12 --restart phase2-server-2@5 \
         --pause phase2-primary@10+30 --empty phase2-redis@20",
    );
    let faults = faults.unwrap();
    let told: Vec<_> = faults.all().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "kill -9 phase2-redis at 4 s",
            "kill -9 phase2-server-1 at 12 s",
            "restart phase2-server-2 at 5 s",
            "pause phase2-primary at 10 s for 30 s",
            "empty phase2-redis at 20 s",
        ]
    );
    let restarts: Vec<_> = faults.all().map(Fault::restarts).collect();
    assert_eq!(restarts, [true, true, true, false, false]);
}

#[test]
fn what_is_no_fault_is_refused_before_the_load() {
    for line in [
        "lab --kill phase1-server",
        "lab --kill phase1-server@",
        "lab --kill phase1-server@soon",
        "lab --kill @3",
        "lab --kill phase1-server@3+4",
        "lab --restart phase1-server@-1",
        "lab --pause phase1-server@3",
        "lab --pause phase1-server@3+",
        "lab --empty phase2-primary@3",
    ] {
        assert!(faults(line).is_err(), "{line}");
    }
    let services = ["phase1-server", "phase1-database"];
    for (line, complaint) in [
        ("lab --kill phase1-servr@3", "no such service"),
        ("lab --pause phase1-server@20+5", "lasts 20 s"),
    ] {
        let error = faults(line).unwrap().check(&services, 20).unwrap_err();
        assert!(error.to_string().contains(complaint), "{error}");
    }
    let fine = faults("lab --kill phase1-server@19").unwrap();
    assert!(fine.check(&services, 20).is_ok());
    assert!(Faults::default().are_none() && !fine.are_none());
}

#[test]
fn a_service_may_fail_again_only_when_it_is_back() {
    let services = ["phase2-primary", "phase2-redis"];
    for line in [
        "lab --kill phase2-redis@3 --kill phase2-redis@3",
        "lab --kill phase2-redis@4 --kill phase2-redis@3",
        "lab --pause phase2-primary@10+30 --kill phase2-primary@40",
        "lab --pause phase2-primary@10+30 --pause phase2-primary@20+5",
        "lab --restart phase2-primary@10 --kill phase2-primary@70",
    ] {
        let error = faults(line).unwrap().check(&services, 100).unwrap_err();
        assert!(error.to_string().contains("overlap"), "{error}");
    }
    for line in [
        "lab --kill phase2-redis@3 --kill phase2-redis@5",
        "lab --pause phase2-primary@10+30 --kill phase2-primary@41",
        "lab --restart phase2-primary@10 --kill phase2-primary@71",
        "lab --pause phase2-primary@10+30 --kill phase2-redis@20",
    ] {
        assert!(
            faults(line).unwrap().check(&services, 100).is_ok(),
            "{line}"
        );
    }
    let line = "lab --pause phase2-primary@10+30 --kill phase2-primary@12";
    let error = faults(line).unwrap().check(&services, 100).unwrap_err();
    let told = "kill -9 phase2-primary at 12 s and pause phase2-primary at 10 s for 30 s overlap: \
                order the later one at 41 s or after";
    assert_eq!(error.to_string(), told);
}

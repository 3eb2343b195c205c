//! Whether the ports that the stacks publish are free.

use super::check::{Check, State, check};
use crate::stack::engine;
use crate::stack::ports::{Port, Ports};
use crate::stack::project::Project;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

pub(super) async fn ports(root: &Path) -> Check {
    let ports = Ports::of(&Project::new(root));
    let taken: Vec<&Port> = ports.all().filter(|port| is_taken(port.number)).collect();
    // Its own containers are no strangers.
    let lab_is_up = engine::running_services()
        .await
        .is_ok_and(|services| !services.is_empty());
    judged(&taken, lab_is_up)
}

/// On all addresses, as the public port is published.
fn is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_err()
}

fn judged(taken: &[&Port], lab_is_up: bool) -> Check {
    let named = taken
        .iter()
        .map(|port| format!("{} ({})", port.number, port.variable));
    let named = named.collect::<Vec<_>>().join(", ");
    match (taken.is_empty(), lab_is_up) {
        (true, _) => check("ports", State::Good, "all free".into()),
        (false, true) => check(
            "ports",
            State::Doubtful,
            format!(
                "in use: {named}; fine, as something of the lab is up (`lab down` with its name)"
            ),
        ),
        (false, false) => check(
            "ports",
            State::Bad(
                "stop what has them (`ss -ltnp` tells), or write another number into compose/.env: NAME=PORT",
            ),
            format!("in use: {named}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_somebody_has_is_named_with_its_variable() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let number = listener.local_addr().unwrap().port();
        assert!(is_taken(number));
        let port = Port {
            variable: "PHASE1_SERVER_PORT".to_owned(),
            default: 9100,
            number,
        };
        let strangers = judged(&[&port], false);
        assert!(matches!(strangers.state, State::Bad(mend) if mend.contains("compose/.env")));
        assert_eq!(
            strangers.found,
            format!("in use: {number} (PHASE1_SERVER_PORT)")
        );
        assert!(matches!(judged(&[&port], true).state, State::Doubtful));
        assert!(matches!(judged(&[], false).state, State::Good));
    }
}

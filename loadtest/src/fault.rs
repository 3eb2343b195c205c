//! A fault ordered during a load: a service is killed and started again.

use crate::containers::Containers;
use anyhow::Context;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long a killed service stays away.
const AWAY: Duration = Duration::from_secs(1);

/// Kill `service` (SIGKILL) `at` seconds into the load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Compose service.
    pub service: String,
    /// Seconds into the load.
    pub at: u32,
}

impl Fault {
    /// Does it, when its time comes.
    #[must_use]
    pub fn order(self, containers: Containers) -> JoinHandle<anyhow::Result<()>> {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(u64::from(self.at))).await;
            containers.kill(&self.service).await?;
            tokio::time::sleep(AWAY).await;
            containers.start(&self.service).await
        })
    }
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (service, at) = text
            .split_once('@')
            .context("not of the form SERVICE@SECOND")?;
        let at = at.parse().context("the second is not a whole number")?;
        Ok(Self {
            service: service.to_owned(),
            at,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "kill -9 {} at {} s, started again after {} s",
            self.service,
            self.at,
            AWAY.as_secs()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_service_and_a_second() {
        let fault: Fault = "phase1-server@5".parse().unwrap();
        assert_eq!(
            fault,
            Fault {
                service: "phase1-server".into(),
                at: 5
            }
        );
        for text in ["phase1-server", "phase1-server@", "phase1-server@soon"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}

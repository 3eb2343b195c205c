//! A factor by which a phase is slowed down: every CPU cap is divided by it.

use anyhow::{Context, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The factor, in thousandths, so that it can be compared exactly. Never below 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Slowdown(u32);

/// Beyond this no container would start in any reasonable time.
const MOST: f64 = 20.0;

impl Slowdown {
    /// As a number.
    #[must_use]
    pub fn factor(self) -> f64 {
        f64::from(self.0) / 1_000.0
    }

    /// Whether nothing is slowed down.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl Default for Slowdown {
    fn default() -> Self {
        Self(1_000)
    }
}

impl TryFrom<f64> for Slowdown {
    type Error = anyhow::Error;

    fn try_from(factor: f64) -> anyhow::Result<Self> {
        ensure!(
            (1.0..=MOST).contains(&factor),
            "a factor from 1 to {MOST}, not {factor}"
        );
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1,000 and 20,000"
        )]
        Ok(Self((factor * 1_000.0).round() as u32))
    }
}

impl From<Slowdown> for f64 {
    fn from(slowdown: Slowdown) -> Self {
        slowdown.factor()
    }
}

impl FromStr for Slowdown {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Self::try_from(text.parse::<f64>().context("not a number")?)
    }
}

impl fmt::Display for Slowdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.factor().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slowdown_is_at_least_one_and_exact() {
        for wrong in ["0.5", "0", "-2", "21", "NaN", "inf", "x"] {
            assert!(wrong.parse::<Slowdown>().is_err(), "{wrong}");
        }
        let parsed: Slowdown = "2.8".parse().unwrap();
        assert_eq!((parsed.factor(), parsed.to_string().as_str()), (2.8, "2.8"));
        assert!("1".parse::<Slowdown>().unwrap().is_none());
    }
}

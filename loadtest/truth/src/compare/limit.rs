//! How far a figure may have changed: `p99>10%`, `rate<-5%`.

use super::{Compared, Figure, Told};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// What a comparison is held to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    figure: Figure,
    /// On which side of the bound it is exceeded.
    side: Ordering,
    /// The bound, as a share.
    change: f64,
}

impl Limit {
    /// Whether one of `rows` is beyond it, and not by noise: a change within what repeats differ by is
    /// no change. Where the noise is not known, the change counts as it is.
    ///
    /// # Errors
    /// When the figure was not measured on both sides: what cannot be told must not pass.
    pub fn is_exceeded(&self, rows: &[Compared]) -> Result<bool, String> {
        let row = rows.iter().find(|row| row.figure == self.figure);
        let not_measured = || format!("{self} cannot be told: a side has no such figure");
        let (row, change) = row
            .and_then(|row| Some((row, row.change?)))
            .ok_or_else(not_measured)?;
        let beyond = change.partial_cmp(&self.change) == Some(self.side);
        Ok(beyond && row.told != Told::Within)
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let names: Vec<&str> = Figure::ALL.iter().map(|figure| figure.name()).collect();
            format!(
                "a limit is a figure ({}), < or >, and a change in percent, as in p99>10%",
                names.join(", ")
            )
        };
        let at = text.find(['<', '>']).ok_or_else(wrong)?;
        let (name, rest) = text.split_at(at);
        let figure = Figure::ALL
            .iter()
            .find(|figure| figure.name() == name.trim());
        let (side, percent) = match rest.split_at(1) {
            ("<", percent) => (Ordering::Less, percent),
            (_, percent) => (Ordering::Greater, percent),
        };
        let percent = percent.trim().strip_suffix('%').ok_or_else(wrong)?;
        let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
        if !percent.is_finite() {
            return Err(wrong());
        }
        Ok(Self {
            figure: *figure.ok_or_else(wrong)?,
            side,
            change: percent / 100.0,
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.side == Ordering::Less {
            '<'
        } else {
            '>'
        };
        write!(f, "{}{side}{}%", self.figure.name(), self.change * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(change: Option<f64>, told: Told) -> [Compared; 1] {
        [Compared {
            figure: Figure::P99,
            a: None,
            b: None,
            change,
            told,
        }]
    }

    #[test]
    fn a_limit_is_exceeded_by_what_is_beyond_it_and_no_noise() {
        let more: Limit = "p99 > 10%".parse().unwrap();
        let less: Limit = "p99<-5%".parse().unwrap();
        assert_eq!(
            (more.to_string(), less.to_string()),
            ("p99>10%".into(), "p99<-5%".into())
        );
        let slower = row(Some(0.11), Told::Apart);
        assert_eq!(more.is_exceeded(&slower), Ok(true));
        assert_eq!(less.is_exceeded(&slower), Ok(false));
        assert_eq!(more.is_exceeded(&row(Some(0.09), Told::Apart)), Ok(false));
        assert_eq!(more.is_exceeded(&row(Some(0.11), Told::Within)), Ok(false));
        assert_eq!(more.is_exceeded(&row(Some(0.11), Told::Unknown)), Ok(true));
        assert_eq!(less.is_exceeded(&row(Some(-0.06), Told::Apart)), Ok(true));
        assert!(more.is_exceeded(&row(None, Told::Unknown)).is_err());
    }

    #[test]
    fn what_is_no_limit_is_told_what_one_is() {
        for text in ["", "p99", "p98>10%", "p99>10", "p99>%", "p99>NaN%", ">10%"] {
            let error = text.parse::<Limit>().unwrap_err();
            assert!(error.contains("as in p99>10%"), "{text}: {error}");
        }
    }
}

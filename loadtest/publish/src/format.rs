//! How numbers are written in reports, charts and tables: three significant digits, thousands
//! separated, and a dash for what was not measured. One place, so that the same figure reads the
//! same everywhere.

use lab_truth::spec::thousands;

/// What stands where there is no figure.
pub const NONE: &str = "–";

/// A count, exact: `100,000`.
#[must_use]
pub fn count(n: u64) -> String {
    thousands(&n.to_string())
}

/// A measured figure with three significant digits from 1 up (never fewer than its whole part),
/// two below: `1,004`, `37.2`, `2.13`, `0.061`.
#[must_use]
pub fn number(x: f64) -> String {
    if !x.is_finite() {
        return NONE.to_owned();
    }
    let size = x.abs();
    match size {
        _ if size == 0.0 => "0".to_owned(),
        _ if size < 0.0001 => "<0.0001".to_owned(),
        _ if size < 0.001 => format!("{x:.5}"),
        _ if size < 0.01 => format!("{x:.4}"),
        _ if size < 0.1 => format!("{x:.3}"),
        _ if size < 9.995 => format!("{x:.2}"),
        _ if size < 99.95 => format!("{x:.1}"),
        _ => thousands(&format!("{x:.0}")),
    }
}

/// A setting, with only the digits it needs: `100`, `0.25`.
#[must_use]
pub fn setting(x: f64) -> String {
    if !x.is_finite() {
        return NONE.to_owned();
    }
    let text = format!("{x:.3}");
    let trimmed = text.trim_end_matches('0').trim_end_matches('.');
    thousands(trimmed)
}

/// A share between 0 and 1 as a percentage: `0.4 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return NONE.to_owned();
    }
    let x = share * 100.0;
    if x == 0.0 || x.abs() >= 10.0 {
        format!("{x:.0} %")
    } else {
        format!("{x:.1} %")
    }
}

/// Bytes in MiB, without the unit.
#[must_use]
pub fn mib(bytes: u64) -> String {
    number(as_mib(bytes))
}

/// Bytes in MiB.
#[must_use]
pub fn as_mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits_and_separate_thousands() {
        let cases = [
            (0.0, "0"),
            (0.00001, "<0.0001"),
            (0.000_52, "0.00052"),
            (0.0031, "0.0031"),
            (0.061, "0.061"),
            (0.5, "0.50"),
            (2.128, "2.13"),
            (9.999, "10.0"),
            (37.24, "37.2"),
            (99.99, "100"),
            (1003.6, "1,004"),
            (1e9, "1,000,000,000"),
            (-1234.5, "-1,234"),
            (f64::NAN, NONE),
            (f64::INFINITY, NONE),
        ];
        for (x, text) in cases {
            assert_eq!(number(x), text, "{x}");
        }
    }

    #[test]
    fn settings_show_no_digit_too_many() {
        assert_eq!(setting(100.0), "100");
        assert_eq!(setting(0.25), "0.25");
        assert_eq!(setting(3600.0), "3,600");
        assert_eq!(setting(0.0), "0");
    }

    #[test]
    fn counts_and_shares() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.004), "0.4 %");
        assert_eq!(percent(0.973), "97 %");
        assert_eq!(mib(134_217_728), "128");
    }
}

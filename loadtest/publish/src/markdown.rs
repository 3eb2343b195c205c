//! Markdown as reports and tables need it: a section, and a table whose cells cannot break it.

use crate::format::NONE;

/// A section of a report.
pub(super) fn section(title: &str, body: &str) -> String {
    format!("## {title}\n\n{body}")
}

/// A Markdown table; "–" in place of a table without rows.
pub(crate) fn table<const N: usize>(
    head: [&str; N],
    align: &[&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let rows: Vec<String> = rows
        .into_iter()
        // A pipe or line break in a cell would break the table.
        .map(|row| line(&row.map(|cell| cell.replace('|', "\\|").replace('\n', " "))))
        .collect();
    if rows.is_empty() {
        return NONE.to_owned();
    }
    [
        line(&head.map(str::to_owned)),
        line(&align.map(str::to_owned)),
        rows.join("\n"),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_in_a_cell_does_not_end_it() {
        let text = table(["a"], &["---"], [["x|y".to_owned()]]);
        assert_eq!(text, "| a |\n| --- |\n| x\\|y |");
    }
}

//! Colours for people: only on a terminal, never in a pipe, and not when `NO_COLOR` is set.

use std::io::IsTerminal;

/// Whether colours are wanted: standard output is a terminal, and `NO_COLOR` is not set.
#[must_use]
pub(super) fn colours_wanted() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal() && !refused
}

/// How to write to one stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    colours: bool,
}

impl Style {
    /// For standard output.
    #[must_use]
    pub(super) fn of_stdout() -> Self {
        Self {
            colours: colours_wanted(),
        }
    }

    /// Something that is as it should be.
    #[must_use]
    pub(super) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Something to look at.
    #[must_use]
    pub(super) fn warn(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Something that is wrong.
    #[must_use]
    pub(super) fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    fn paint(self, colour: &str, text: &str) -> String {
        if self.colours {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

//! `lab`: brings a phase up, loads it, looks for every acknowledged signup again, and says whether the
//! numbers may be believed and whether the load was carried. All input and output is here; what is
//! true is decided in `lab-truth`, what is read is written in `lab-publish`.
//!
//! Who may use whom: `cli → campaign → run → { stack, load }`, and `cli` and `campaign` publish. A stack
//! knows nothing of loads, and neither of runs.
//!
//! Each writes to its streams through `output` only.
//!
//! Read in this order: [`run`] → [`load`] → [`stack`] → [`campaign`] → [`cli`].

#![warn(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic when the reader goes away"
)]

pub mod campaign;
pub mod cli;
pub mod load;
mod output;
pub mod run;
pub mod stack;

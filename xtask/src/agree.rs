//! `cargo xtask agree`: decides a million generated calls twice, by the engine and by the second
//! evaluator of its tests.

use std::{path::Path, process::Command};

use clap::Args;

use crate::{
    XtaskError,
    check::{status, step},
};

/// Flags of `agree`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How many calls to decide.
    #[arg(long, default_value_t = 1_000_000)]
    calls: u32,
}

/// Runs the test that `cargo test` runs on a smaller part, in release.
///
/// # Errors
/// [`XtaskError::Command`] for the first call about which the two disagree; what is left of it and
/// of its documents, when all that does not matter is taken away, is printed above.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), XtaskError> {
    step(&format!("{} calls (a million takes some minutes)", arguments.calls));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut test = Command::new(cargo);
    test.args([
        "test",
        "--release",
        "-p",
        "portcullis-iam",
        "--test",
        "agreement",
        "--",
        "--nocapture",
    ]);
    test.env("AGREE_CALLS", arguments.calls.to_string()).current_dir(root);
    status(&mut test, "mend the engine or the second evaluator, and add a row to the tests")
}

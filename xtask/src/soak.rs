//! `cargo xtask soak`: builds the released binary and loads it for minutes.

use std::{path::Path, process::Command};

use clap::Args;

use crate::{
    XtaskError,
    check::{cargo, status, step, target},
};

/// Flags of `soak`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Functions: 20 at least.
    #[arg(long, default_value_t = 1000)]
    functions: u32,
    /// Connections, each with one call at a time.
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// How long, in minutes.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
}

/// Builds, then hands over to `portcullis-bench`.
///
/// # Errors
/// [`XtaskError::Command`] when the build fails, or a promise is broken.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), XtaskError> {
    step("the released binary, and the harness");
    let build = ["build", "--release", "-p", "portcullis", "-p", "portcullis-bench"];
    cargo(root, &build, "see the error above")?;
    step("loading it (Ctrl-C ends everything)");
    let built = target(root).join("release");
    let mut soak = Command::new(built.join("portcullis-bench"));
    soak.arg("soak").arg("--server").arg(built.join("portcullis"));
    soak.arg("--work-dir").arg(target(root).join("bench"));
    soak.args(["--functions", &arguments.functions.to_string()]);
    soak.args(["--connections", &arguments.connections.to_string()]);
    soak.args(["--seconds", &arguments.minutes.saturating_mul(60).to_string()]);
    status(&mut soak, "see the error above: what is broken is named")
}

//! `cargo xtask bench`: builds the released binary and measures it.

use std::{path::Path, path::PathBuf, process::Command};

use clap::Args;

use crate::{
    XtaskError,
    check::{cargo, cargo_command, status, step, target},
};

/// Flags of `bench`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// One short run of everything: shows that it works, its figures mean little.
    #[arg(long)]
    quick: bool,
    /// Measures the policy engine instead, in every shape of policies, beside Cedar.
    #[arg(long, conflicts_with_all = ["quick", "json"])]
    decisions: bool,
    /// Write the figures to this file too, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Builds, then hands over to `portcullis-bench`.
///
/// # Errors
/// [`XtaskError::Command`] when the build or the harness fails; a missed goal is not a failure.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), XtaskError> {
    if arguments.decisions {
        step("measuring decisions (Cedar takes some minutes to compile, once)");
        let manifest =
            ["run", "--release", "--locked", "--manifest-path", "benches/cedar/Cargo.toml"];
        return cargo(root, &manifest, "see the error above");
    }
    step("the released binary, and the harness");
    let build = ["build", "--release", "-p", "portcullis", "-p", "portcullis-bench"];
    cargo(root, &build, "see the error above")?;
    let constant = build_constant(root)?;
    let example = build_example(root);
    step("measuring (six minutes at most; Ctrl-C ends everything)");
    let built = target(root).join("release");
    let mut bench = Command::new(built.join("portcullis-bench"));
    bench.arg("measure").arg("--server").arg(built.join("portcullis"));
    bench.arg("--constant-decision-server").arg(constant);
    if let Some(example) = example {
        bench.arg("--example-function").arg(example);
    }
    bench.arg("--work-dir").arg(target(root).join("bench"));
    bench.args(arguments.quick.then_some("--quick"));
    if let Some(file) = &arguments.json {
        bench.arg("--json").arg(file);
    }
    status(&mut bench, "see the error above; nothing else should load the machine")
}

/// Builds the server whose decision is a constant, in a folder of its own, so that nobody takes it
/// for the real one; answers where the binary is.
fn build_constant(root: &Path) -> Result<PathBuf, XtaskError> {
    step("the same binary without decisions, to compare with");
    let folder = target(root).join("bench-constant-decision");
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let mut build = cargo_command(root);
    build.args(["build", "--release", "-p", "portcullis", "--target-dir"]).arg(&folder);
    build.env("RUSTFLAGS", format!("{flags} --cfg portcullis_constant_decision"));
    build.env_remove("CARGO_ENCODED_RUSTFLAGS");
    status(&mut build, "see the error above")?;
    Ok(folder.join("release").join("portcullis"))
}

/// Builds the example function with AWS's runtime crate, which has dependencies of its own; answers
/// where the binary is, or says why it is not measured.
fn build_example(root: &Path) -> Option<PathBuf> {
    step("the example function in Rust, with AWS's runtime crate (a minute, once)");
    let folder = target(root).join("bench-example");
    let mut build = cargo_command(root);
    build.args(["build", "--release", "--locked", "--manifest-path"]);
    build.arg(root.join("examples/provided-rust/Cargo.toml")).arg("--target-dir").arg(&folder);
    let remedy = "its crates come from crates.io: run `cargo fetch --manifest-path \
                  examples/provided-rust/Cargo.toml` once where that can be reached";
    match status(&mut build, remedy) {
        Ok(()) => Some(folder.join("release").join("bootstrap")),
        Err(error) => {
            eprintln!("{error}\nFunctions with `lambda_runtime` are not measured.");
            None
        }
    }
}

//! `cargo xtask fuzz`: runs the fuzz targets of `fuzz/`, one after the other.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Args;

use crate::{
    XtaskError,
    check::{status, step, target},
};

/// Longest that one input may take, in seconds.
const INPUT_SECONDS_MAX: u32 = 10;

/// Flags of `fuzz`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The target to run: a file name in `fuzz/fuzz_targets`, without `.rs`. All of them if absent.
    target: Option<String>,
    /// How long to run each target, in minutes; 0 only runs what is in its corpus.
    #[arg(long, default_value_t = 3)]
    minutes: u32,
}

/// Runs one target or all of them; what they find in addition to their corpus goes to the target
/// folder.
///
/// # Errors
/// [`XtaskError::Command`] for the first target that fails (the failing input is named above), for
/// one that is not there, and when the nightly toolchain or cargo-fuzz cannot be installed.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), XtaskError> {
    let targets = chosen(targets(root)?, arguments.target.as_deref())?;
    install()?;
    for target in targets {
        step(&format!("fuzz target {target}"));
        fuzz(root, &target, arguments.minutes)?;
    }
    Ok(())
}

/// The target of this name, or all of them.
fn chosen(all: Vec<String>, name: Option<&str>) -> Result<Vec<String>, XtaskError> {
    let Some(name) = name else { return Ok(all) };
    if all.iter().any(|target| target == name) {
        return Ok(vec![name.to_owned()]);
    }
    Err(XtaskError::Command {
        command: format!("fuzz {name}"),
        why: "there is no such target".to_owned(),
        remedy: format!("choose one of {}", all.join(", ")),
    })
}

/// Installs cargo-fuzz, unless it is there.
fn install() -> Result<(), XtaskError> {
    if nightly(&["fuzz", "--version"]).output().is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    step("installing cargo-fuzz (once)");
    let remedy = "rustup toolchain install nightly --profile minimal";
    status(&mut nightly(&["install", "cargo-fuzz", "--locked"]), remedy)
}

/// Cargo of the nightly toolchain, which has the sanitizers.
fn nightly(arguments: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo"]).args(arguments);
    command
}

/// The names of all targets, in order.
fn targets(root: &Path) -> Result<Vec<String>, XtaskError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

fn fuzz(root: &Path, name: &str, minutes: u32) -> Result<(), XtaskError> {
    let built = target(root).join("fuzz");
    let found: PathBuf = built.join("corpus").join(name);
    fs::create_dir_all(&found)?;
    let mut command = nightly(&["fuzz", "run", "--fuzz-dir", "fuzz", "--target-dir"]);
    command.arg(&built).arg(name).arg(found).arg(format!("fuzz/corpus/{name}")).arg("--");
    command.arg(format!("-timeout={INPUT_SECONDS_MAX}"));
    command.arg(match minutes {
        0 => "-runs=0".to_owned(),
        minutes => format!("-max_total_time={}", minutes.saturating_mul(60)),
    });
    status(command.current_dir(root), "mend the crate, and add a row with the input to its tests")
}

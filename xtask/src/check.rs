//! `cargo xtask test`: every test of the project, with all of its set-up.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{XtaskError, tidy};

/// What the end-to-end tests use, pinned.
const PYTHON_PACKAGES: &[&str] =
    &["pytest==9.2.0", "boto3==1.44.8", "botocore==1.44.8", "awscli==1.46.3", "h2==4.3.0"];

/// Runs every check in the order in which a failure is cheapest to find.
///
/// # Errors
/// The first check that fails, with what it printed above, or the remedy when a tool is missing.
pub(crate) fn run(root: &Path) -> Result<(), XtaskError> {
    step("house rules (tidy)");
    tidy::run(root)?;
    step("formatting");
    cargo(root, &["fmt", "--all", "--check"], "rustup component add rustfmt")?;
    step("generated code is fresh");
    cargo(root, &["xtask", "codegen", "--check"], "run `cargo xtask codegen`")?;
    step("lints");
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo(root, &clippy, "rustup component add clippy")?;
    step("unit, property and integration tests");
    cargo(root, &["test", "--workspace", "--no-fail-fast"], "see the failing test above")?;
    step("the binary for the end-to-end tests");
    cargo(root, &["build", "--bin", "portcullis"], "see the error above")?;
    end_to_end(root)
}

/// Real clients against the real binary.
fn end_to_end(root: &Path) -> Result<(), XtaskError> {
    let packages = python_packages(root)?;
    step("end to end: boto3 and the AWS CLI");
    let mut pytest = Command::new("python3");
    pytest
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/e2e"])
        .current_dir(root)
        .env("PYTHONPATH", &packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PORTCULLIS_BINARY", target(root).join("debug/portcullis"));
    status(&mut pytest, "see the failing test above")
}

/// The packages that the end-to-end tests import, installed once into the target folder.
fn python_packages(root: &Path) -> Result<PathBuf, XtaskError> {
    let folder = target(root).join(format!("e2e-python-{}", fingerprint()));
    if folder.is_dir() {
        return Ok(folder);
    }
    step("installing boto3, the AWS CLI and pytest (once)");
    let draft = folder.with_extension("draft");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
        .arg(&draft)
        .args(PYTHON_PACKAGES);
    status(&mut pip, "install Python 3.10 or newer with pip (Debian: apt install python3-pip)")?;
    std::fs::rename(&draft, &folder)?;
    Ok(folder)
}

/// Changes with the pinned packages, so that a new pin makes a new folder.
fn fingerprint() -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    PYTHON_PACKAGES.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Where cargo builds.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Says what happens next.
pub(crate) fn step(what: &str) {
    eprintln!("\n==> {what}");
}

/// Runs cargo itself.
pub(crate) fn cargo(root: &Path, arguments: &[&str], remedy: &str) -> Result<(), XtaskError> {
    status(cargo_command(root).args(arguments), remedy)
}

/// cargo itself, yet without arguments.
pub(crate) fn cargo_command(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    cargo
}

/// Runs `command` to its end; anything but success is an error that names the remedy.
pub(crate) fn status(command: &mut Command, remedy: &str) -> Result<(), XtaskError> {
    let shown = format!("{command:?}");
    let failed = |why: String| XtaskError::Command {
        command: shown.clone(),
        why,
        remedy: remedy.to_owned(),
    };
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(status.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

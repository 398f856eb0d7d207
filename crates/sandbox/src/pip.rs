//! Packages of the index that pip is configured for: each in a folder of its own that holds what was
//! tried and works, or is not there.

use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Told what is being done, a line at a time.
pub(crate) type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Why a package cannot be had. Displays with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum PipError {
    /// The interpreter has no pip.
    #[error(
        "{interpreter} has no pip, which installs what functions run by. Install it (Debian: \
         `apt-get install python3-pip`; elsewhere: `{interpreter} -m ensurepip`)"
    )]
    NoPip {
        /// The interpreter.
        interpreter: String,
    },
    /// pip could not install the package, or what it installed does not work.
    #[error(
        "pip could not install {package}. It needs the network or a mirror (set PIP_INDEX_URL). \
         Its last words:\n{output}"
    )]
    Install {
        /// The package and its version.
        package: String,
        /// The end of pip's output.
        output: String,
    },
    /// The folder cannot be written, or a program not be run.
    #[error("cannot install into {dir}: {source}")]
    Io {
        /// The folder.
        dir: String,
        /// The system's reason.
        source: io::Error,
    },
}

/// A package, and where it comes.
#[derive(Clone, Copy)]
pub(crate) struct Package<'a> {
    /// Whose pip installs it.
    pub(crate) interpreter: &'a Path,
    /// Its name and version (`awslambdaric==4.2.2`); several are separated by spaces.
    pub(crate) requirement: &'a str,
    /// The folder that will hold it.
    pub(crate) dir: &'a Path,
}

impl Package<'_> {
    /// Installs into a temporary folder, tries what is there by a command that must succeed, and
    /// renames: a folder of this name always holds what works. Blocking.
    ///
    /// # Errors
    /// [`PipError`]; nothing is left then.
    pub(crate) fn install(
        &self,
        progress: Progress<'_>,
        trial: impl Fn(&Path) -> Command,
    ) -> Result<(), PipError> {
        let Self { interpreter, requirement, dir } = *self;
        let failed = io_error(dir);
        check(interpreter)?;
        progress(&format!("Installing {requirement} for {}", interpreter.display()));
        let parent = dir.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(&failed)?;
        let temporary = tempfile::Builder::new().prefix(".install-").tempdir_in(parent);
        let temporary = temporary.map_err(&failed)?;
        let target = temporary.path().join("package");
        self.run_pip(&target, progress)?;
        // Workers are other users, whatever the server's own files are like.
        make_readable(&target).map_err(&failed)?;
        self.check_works(trial(&target))?;
        match fs::rename(&target, dir) {
            // Another process was faster; its package was tried, too.
            Err(_) if dir.is_dir() => Ok(()),
            renamed => renamed.map_err(failed),
        }
    }

    fn run_pip(&self, target: &Path, progress: Progress<'_>) -> Result<(), PipError> {
        let mut command = Command::new(self.interpreter);
        command.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"]);
        // Only ready-made builds: building one needs a C++ compiler and cmake, and minutes.
        command.args(["--only-binary", ":all:", "--progress-bar", "off"]);
        // pip warns root about the system's packages; these go into a folder of their own.
        command.args(["--root-user-action", "ignore", "--target"]).arg(target);
        command.args(self.requirement.split_whitespace());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = io_error(target);
        let child = command.spawn().map_err(&failed)?;
        let (success, output) = follow(child, progress).map_err(failed)?;
        if success { Ok(()) } else { Err(self.failed(output)) }
    }

    fn check_works(&self, mut trial: Command) -> Result<(), PipError> {
        let output = trial.stdin(Stdio::null()).output().map_err(io_error(self.dir))?;
        if output.status.success() {
            return Ok(());
        }
        Err(self.failed(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    fn failed(&self, output: String) -> PipError {
        PipError::Install { package: self.requirement.to_owned(), output }
    }
}

fn io_error(dir: &Path) -> impl Fn(io::Error) -> PipError {
    let dir = dir.display().to_string();
    move |source| PipError::Io { dir: dir.clone(), source }
}

/// Whether an interpreter has pip: asked without running it, which takes ten times as long.
///
/// # Errors
/// [`PipError::NoPip`].
pub(crate) fn check(interpreter: &Path) -> Result<(), PipError> {
    let mut command = Command::new(interpreter);
    command.args(["-c", "import pip"]).stdin(Stdio::null());
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(PipError::NoPip { interpreter: interpreter.display().to_string() }),
    }
}

/// Lets everybody read a folder and all below it, and execute what is a program. Follows no link.
fn make_readable(path: &Path) -> io::Result<()> {
    let data = fs::symlink_metadata(path)?;
    if data.is_symlink() {
        return Ok(());
    }
    let mode = data.permissions().mode();
    let executable = if mode & 0o100 == 0 { 0 } else { 0o111 };
    fs::set_permissions(path, Permissions::from_mode(mode | 0o444 | executable))?;
    if data.is_dir() {
        for entry in fs::read_dir(path)? {
            make_readable(&entry?.path())?;
        }
    }
    Ok(())
}

/// Passes a program's lines on while it runs; gives whether it succeeded, and its error output.
fn follow(mut child: Child, progress: Progress<'_>) -> io::Result<(bool, String)> {
    let errors = child.stderr.take();
    let errors = std::thread::spawn(move || {
        let mut text = Vec::new();
        errors.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut text))?;
        Ok::<_, io::Error>(String::from_utf8_lossy(&text).into_owned())
    });
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            progress(&String::from_utf8_lossy(&line?));
        }
    }
    let success = child.wait()?.success();
    let errors = errors.join().unwrap_or_else(|_| Ok(String::new()))?;
    Ok((success, errors))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Mutex;

    use super::*;
    use crate::lock;

    #[test]
    fn the_lines_of_a_program_are_passed_on_and_its_errors_kept() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo one; echo two; echo bad >&2; exit 3"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Mutex::new(Vec::new());
        let followed = follow(child, &|line| lock(&lines).push(line.to_owned())).unwrap();
        assert_eq!(followed, (false, "bad\n".to_owned()));
        assert_eq!(*lock(&lines), ["one", "two"]);
    }

    /// A program in the place of an interpreter: a shell script. Another process writes it, since a
    /// child that another test starts meanwhile would hold our descriptor: "text file busy".
    fn fake_interpreter(dir: &Path, script: &str) -> PathBuf {
        let (text, path) = (dir.join("text"), dir.join("python"));
        fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
        assert!(Command::new("cp").args([&text, &path]).status().unwrap().success());
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    #[rustfmt::skip]
    fn a_package_that_cannot_be_installed_leaves_nothing_and_tells_the_remedy() {
        let pip_works = "case \"$2\" in 'import pip') exit 0;; esac";
        let installs = "if [ \"$3\" = install ]; then while [ \"$1\" != --target ]; do shift; done; mkdir \"$2\"; exit 0; fi";
        for (script, want) in [
            ("exit 1".to_owned(),                                          Some("has no pip")),
            (format!("{pip_works}\necho no network >&2; exit 1"),          Some("set PIP_INDEX_URL). Its last words:\nno network")),
            (format!("{pip_works}\n{installs}\necho broken >&2; exit 1"), Some("broken")),
            (format!("{pip_works}\n{installs}\nexit 0"),                  None),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let interpreter = fake_interpreter(dir.path(), &script);
            let packages = dir.path().join("packages");
            let package = Package { interpreter: &interpreter, requirement: "one==1.0", dir: &packages.join("one") };
            let result = package.install(&|_| {}, |_| Command::new(&interpreter));
            let error = result.err().map(|error| error.to_string());
            assert_eq!(error.is_some(), want.is_some(), "{script}: {error:?}");
            assert!(error.unwrap_or_default().contains(want.unwrap_or_default()), "{script}");
            let left = fs::read_dir(&packages).map_or(0, Iterator::count);
            assert_eq!(left, usize::from(want.is_none()), "{script}");
        }
    }
}

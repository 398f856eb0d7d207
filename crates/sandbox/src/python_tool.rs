//! Python packages that commands run, not functions: installed by the host's pip when first needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::pip::{Package, PipError};
use crate::python;

/// An interpreter, and the folder of packages that it is to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonTool {
    /// The interpreter itself.
    pub interpreter: PathBuf,
    /// For `PYTHONPATH`.
    pub packages: PathBuf,
}

/// Why a tool cannot be had. Displays with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// No interpreter has pip.
    #[error(
        "it needs Python 3.8 or newer with pip. Install it (Debian: `apt-get install python3 \
         python3-pip`)"
    )]
    NoInterpreter,
    /// pip cannot install it.
    #[error(transparent)]
    Pip(#[from] PipError),
}

/// Installs `requirements` (`one==1.0 other==2.0`) below `dir`, unless they are there, so that the
/// host's newest Python runs the statement `trial`. Blocking, for up to a minute.
///
/// # Errors
/// [`ToolError`]; nothing is left then.
pub fn python_tool(
    requirements: &str,
    trial: &str,
    dir: &Path,
    progress: impl Fn(&str) + Send + Sync,
) -> Result<PythonTool, ToolError> {
    let interpreter = python::any_interpreter().ok_or(ToolError::NoInterpreter)?;
    let packages = dir.join(folder_name(requirements, &interpreter));
    if !packages.is_dir() {
        let package =
            Package { interpreter: &interpreter, requirement: requirements, dir: &packages };
        package.install(&progress, |installed| {
            let mut command = Command::new(&interpreter);
            command.args(["-B", "-c", trial]).env("PYTHONPATH", installed);
            command
        })?;
    }
    Ok(PythonTool { interpreter, packages })
}

/// A folder for these packages as this interpreter can load them: both are in its name.
fn folder_name(requirements: &str, interpreter: &Path) -> String {
    let both = format!("{requirements}-{}", interpreter.display());
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    both.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::folder_name;

    #[test]
    fn a_folder_is_for_packages_and_interpreter() {
        let name = folder_name("a==1 b==2", Path::new("/usr/bin/python3.11"));
        assert_eq!(name, "a__1_b__2-_usr_bin_python3.11");
    }
}

//! Wrapper scripts: a program of the function's own, named by a variable, which starts the runtime.
//!
//! Source: AWS Lambda developer guide, "Modifying the runtime environment". The runtimes that AWS
//! makes have them, and those that functions bring along have not.

use std::path::PathBuf;

use crate::specification::{Program, RuntimeCommand};

/// The variable that names the script; empty, it names none.
const VARIABLE: &str = "AWS_LAMBDA_EXEC_WRAPPER";

/// Starts the script, or says why not in the words and with the statuses of AWS's runtimes.
const SCRIPT: &str = include_str!("wrapper.sh");

/// The shell that every jail shows.
const SHELL: &str = "/bin/sh";

/// Whether these variables of a function's user name a wrapper script.
#[must_use]
pub fn is_wanted(variables: &[(String, String)]) -> bool {
    variables.iter().any(|(name, value)| name == VARIABLE && !value.is_empty())
}

/// The same runtime, started by the wrapper script of whichever function it is for.
pub(crate) fn wrap(command: RuntimeCommand) -> RuntimeCommand {
    let Program::Host(program) = command.program else { return command };
    let words = ["-c", SCRIPT, "bootstrap"].map(str::to_owned).into_iter();
    let words = words.chain([program.display().to_string()]).chain(command.arguments);
    RuntimeCommand {
        program: Program::Host(PathBuf::from(SHELL)),
        arguments: words.collect(),
        // What is forked was started already.
        zygote: None,
        ..command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn a_wrapper_is_wanted_by_a_name_that_is_not_empty() {
        for (name, value, want) in [
            (VARIABLE,                   "/opt/wrapper", true),
            (VARIABLE,                   "",             false),
            ("AWS_LAMBDA_EXEC_WRAPPER2", "/opt/wrapper", false),
        ] {
            assert_eq!(is_wanted(&[("A".into(), "b".into()), (name.into(), value.into())]), want, "{name}={value}");
        }
    }
}

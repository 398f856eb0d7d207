//! `portcullis logs`: prints a function's log from the data folder, and what comes.

use std::{
    io::{self, IsTerminal as _, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use portcullis_lambda::{AccountId, FunctionArn, FunctionName};
use portcullis_logs::{FunctionLogs, Reader};

use crate::{CliError, cli::LogsArguments, console::printable};

/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How much is read and printed at a time.
const READ_BYTES: usize = 64 * 1024;

/// The folder of all functions' logs.
pub(crate) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("function-logs")
}

/// Prints the log; with `--follow` until the reader of the output has enough.
///
/// # Errors
/// [`CliError::Function`] for what is no function, [`CliError::NoLog`] where it has no log,
/// [`CliError::Print`] for what the system says of the files or the output.
pub(crate) fn run(arguments: &LogsArguments) -> Result<(), CliError> {
    let (account, name) = addressed(arguments)?;
    let all = folder(&arguments.data_dir);
    let log = FunctionLogs::folder(&all, &account, &name);
    if !arguments.follow && !log.is_dir() {
        return Err(CliError::NoLog { name, account, folder: all.display().to_string() });
    }
    let mut reader = Reader::new(&log, FunctionLogs::EXTENSION);
    let mut output = io::stdout().lock();
    let for_a_person = output.is_terminal();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let bytes = reader.read(&mut buffer)?;
        let text = buffer.get(..bytes).unwrap_or_default();
        match (bytes, arguments.follow) {
            (0, false) => return Ok(output.flush()?),
            (0, true) => {
                output.flush()?;
                thread::sleep(LOOK);
            }
            _ if for_a_person => print_safely(&mut output, text)?,
            _ => output.write_all(text)?,
        }
    }
}

/// A function must not steer the terminal of whoever reads its log.
fn print_safely(output: &mut impl Write, text: &[u8]) -> io::Result<()> {
    let text = String::from_utf8_lossy(text);
    for part in text.split_inclusive('\t') {
        let (words, tab) = part.strip_suffix('\t').map_or((part, ""), |words| (words, "\t"));
        write!(output, "{}{tab}", printable(words))?;
    }
    Ok(())
}

/// The account and the name of the function.
fn addressed(arguments: &LogsArguments) -> Result<(String, String), CliError> {
    let bad = || CliError::Function(arguments.function.clone());
    let (account, name) = match arguments.function.parse::<FunctionArn>() {
        Ok(arn) => (arn.account().to_string(), arn.name().to_owned()),
        Err(_) => (arguments.account_id.clone(), arguments.function.clone()),
    };
    // Neither can be the name of another folder then.
    let name: FunctionName = name.parse().map_err(|_| bad())?;
    let account: AccountId = account.parse().map_err(|_| bad())?;
    Ok((account.to_string(), name.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(function: &str, account_id: &str, want: Option<(&str, &str)>) {
        let (follow, data_dir) = (false, PathBuf::new());
        let arguments = LogsArguments {
            function: function.to_owned(),
            follow,
            account_id: account_id.to_owned(),
            data_dir,
        };
        let got = addressed(&arguments).ok();
        let got = got.as_ref().map(|(account, name)| (account.as_str(), name.as_str()));
        assert_eq!(got, want, "{function} {account_id}");
    }

    #[test]
    fn a_log_is_named_by_its_function_and_no_other_folder() {
        let account = "123456789012";
        let arn = "arn:aws:lambda:eu-west-1:210987654321:function:f";
        check("f", account, Some((account, "f")));
        check(arn, account, Some(("210987654321", "f")));
        for (function, account) in
            [("..", account), ("a/b", account), ("", account), ("f", ".."), ("f", "1")]
        {
            check(function, account, None);
        }
    }

    #[test]
    fn a_terminal_is_not_steered_and_tabs_stay() {
        let mut printed = Vec::new();
        print_safely(&mut printed, b"a\tb\x1b[31m\xff\n").unwrap();
        assert_eq!(String::from_utf8(printed).unwrap(), "a\tb\\u{1b}[31m\u{fffd}\n");
    }
}

//! The command line of `portcullis runtime`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Isolation, asking::OutputArguments};

/// `runtime` and its subcommands.
#[derive(Args, Debug)]
pub(crate) struct RuntimeArguments {
    #[command(subcommand)]
    pub(crate) command: RuntimeCommand,
}

/// What to do with runtimes.
#[derive(Debug, Subcommand)]
pub(crate) enum RuntimeCommand {
    /// Show every runtime that can run here: whether it is ready, and by what.
    #[command(
        after_help = "States: ready; installable (`portcullis runtime install`, or a Python \
                            function's first call, fetches what is missing); missing \
                            (`portcullis runtime doctor` says why).\n\nExamples:\n  portcullis \
                            runtime list\n  portcullis runtime list --output json"
    )]
    List(ListArguments),
    /// Fetch what runtimes need, from the package index that pip is configured for.
    #[command(after_help = "Examples:\n  portcullis runtime install python3.12\n  portcullis \
                            runtime install python3.11 python3.12 --data-dir ./portcullis-data")]
    Install(InstallArguments),
    /// Run a function of each runtime as a server would; say what is missing, and the remedy.
    #[command(
        after_help = "Exit status: 0 every named runtime runs functions (without names: every \
                            ready one, and there is one); 1 otherwise.\n\nExamples:\n  portcullis \
                            runtime doctor\n  portcullis runtime doctor python3.12"
    )]
    Doctor(DoctorArguments),
}

/// Where runtimes are kept.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeptArguments {
    /// The server's data folder; what is fetched for runtimes lies in it.
    #[arg(long, env = "PORTCULLIS_DATA_DIR", default_value = "./portcullis-data")]
    pub(crate) data_dir: PathBuf,
}

/// Flags of `runtime list`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    pub(crate) kept: KeptArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

/// Flags of `runtime install`.
#[derive(Args, Clone, Debug)]
pub(crate) struct InstallArguments {
    /// Lambda's names of the runtimes.
    #[arg(required = true, value_name = "RUNTIME")]
    pub(crate) runtimes: Vec<String>,
    #[command(flatten)]
    pub(crate) kept: KeptArguments,
}

/// Flags of `runtime doctor`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DoctorArguments {
    /// Lambda's names of the runtimes; all when none is named.
    #[arg(value_name = "RUNTIME")]
    pub(crate) runtimes: Vec<String>,
    #[command(flatten)]
    pub(crate) kept: KeptArguments,
    /// How functions are kept from the host.
    #[arg(long, env = "PORTCULLIS_ISOLATION", value_enum, default_value_t = Isolation::Auto)]
    pub(crate) isolation: Isolation,
}

//! The command line of `portcullis deploy`.

use std::path::PathBuf;

use clap::Args;

use super::ServerArguments;

/// What `--help` ends with.
pub(crate) const HELP: &str = "\
The plan is shown first. Deployed again, an unchanged template changes nothing, a changed one changes \
what differs, and what it no longer has is deleted (with DeletionPolicy Retain: kept). Code is \
what CodeUri or ContentUri names, packed as it lies there: build it first. Reading SAM templates takes \
Python 3.8 or newer with pip, which fetches aws-sam-translator once.

Examples:
  portcullis deploy template.yaml
  portcullis deploy template.yaml --stack-name shop-dev --parameter Stage=dev --yes
  portcullis deploy template.yaml --stack-name shop-dev --destroy

Exit status: 0 deployed, or nothing to do; 1 refused, failed or not confirmed.";

/// Flags of `deploy`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DeployArguments {
    /// The template: YAML or JSON.
    pub(crate) template: PathBuf,
    /// The stack that it is; else the template's file name, or for `template.*` its folder's.
    #[arg(long, value_name = "NAME")]
    pub(crate) stack_name: Option<String>,
    /// A value for a parameter of the template; repeat it for others.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) parameters: Vec<(String, String)>,
    /// Do what the plan says without asking.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Show the plan and change nothing.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) plan: bool,
    /// Leave out resources of types that are not served, and what refers to them.
    #[arg(long)]
    pub(crate) skip_unserved: bool,
    /// Delete everything that the stack has.
    #[arg(long)]
    pub(crate) destroy: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let both = text.split_once('=').filter(|(name, _)| !name.is_empty());
    both.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or("not NAME=VALUE".to_owned())
}

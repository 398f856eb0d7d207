//! The command line: every command, flag and variable, and the examples that `--help` prints.

mod asking;
mod deploy;
mod runtime;
mod s3;

use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use portcullis_sandbox::Destination;

pub(crate) use asking::{
    CallDocumentArguments, CandidateDocumentArguments, ContextEntry, DiffArguments,
    ExplainArguments, FailOn, LevelFile, LintArguments, Output, PolicyFile, PolicySource,
    PrincipalFile, SharedDocumentArguments, WhoCanArguments,
};

pub(crate) use deploy::DeployArguments;
pub(crate) use runtime::{
    DoctorArguments, InstallArguments, ListArguments, RuntimeArguments, RuntimeCommand,
};
pub(crate) use s3::S3Arguments;

use crate::client::Endpoint;

/// A self-hosted, AWS-Lambda-compatible function service whose permissions really hold.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the Lambda, IAM and STS APIs until SIGTERM, then drain.
    #[command(
        after_help = "Examples:\n  portcullis serve\n  portcullis serve --listen 127.0.0.1:4566 \
                            --data-dir ./portcullis-data --region eu-central-1"
    )]
    Serve(ServeArguments),
    /// Show the main job in a minute: grant two permissions and see who may call and who may not.
    #[command(after_help = "Examples:\n  portcullis quickstart\n  portcullis quickstart --exit")]
    Quickstart(QuickstartArguments),
    /// Make access keys that the IAM API cannot make: for services, and for the root of an account.
    AccessKey(AccessKeyArguments),
    /// Deploy the functions, roles and grants of an AWS SAM or CloudFormation template.
    #[command(after_help = deploy::HELP)]
    Deploy(DeployArguments),
    /// Print what a function printed, with the lines about its events.
    #[command(
        after_help = "Examples:\n  portcullis logs my-function\n  portcullis logs my-function \
                            --follow --account-id 223456789012\n\nThe log is read from the \
                            server's data folder, also while no server runs."
    )]
    Logs(LogsArguments),
    /// Show, fetch and try the runtimes that functions can have on this host.
    Runtime(RuntimeArguments),
    /// Decide supposed calls: cases on standard input, one JSON object a line, a decision each.
    #[command(after_help = SIMULATE_HELP)]
    Simulate(SimulateArguments),
    /// Tell why a past or a supposed call is allowed or denied, and what would allow it.
    #[command(after_help = asking::EXPLAIN_HELP)]
    Explain(ExplainArguments),
    /// Tell who may perform an action on a function.
    #[command(after_help = asking::WHO_CAN_HELP)]
    WhoCan(WhoCanArguments),
    /// Tell what is doubtful in a policy, and what to do about it.
    #[command(after_help = asking::LINT_HELP)]
    Lint(LintArguments),
    /// Tell which calls a changed policy newly allows and no longer allows.
    #[command(after_help = asking::DIFF_HELP)]
    Diff(DiffArguments),
}

const SIMULATE_HELP: &str = r#"A case names who calls, what, on which resource, and the documents that may have a say:
  {"id":"1","principal":"arn:aws:iam::111111111111:user/alice","action":"lambda:InvokeFunction",
   "resource":{"arn":"arn:aws:lambda:us-east-1:111111111111:function:f","accountId":"111111111111"},
   "context":{"aws:SourceIp":"203.0.113.7","aws:TagKeys":["a","b"]},
   "identityPolicies":[{"name":"p","policy":{…}}],"resourcePolicy":{…},
   "permissionBoundaries":[{"policy":{…}}],"sessionPolicies":[{…}],
   "serviceControlPolicies":[{"orgIdentifier":"r-root","policies":[{"policy":{…}}]}],
   "resourceControlPolicies":[…]}
(in one line). A list that is absent means that the policy type is off; a level without policies
allows nothing. What cannot be read is answered with ImplicitlyDenied and an "error".

Examples:
  portcullis simulate < cases.jsonl > decisions.jsonl
  jq -c '.[]' cases.json | portcullis simulate --explain

Exit status: 0 every case was decided; 1 some could not be read, or reading or writing failed;
2 the command line is wrong."#;

/// How functions are kept from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Isolation {
    /// Isolated, with every limit that the host offers; they do not run where it cannot isolate.
    Auto,
    /// Isolated, and they do not run where any mechanism or limit is missing.
    Full,
    /// No more than a process of its own: only for code that you trust.
    None,
}

impl From<Isolation> for portcullis_sandbox::Isolation {
    fn from(isolation: Isolation) -> Self {
        match isolation {
            Isolation::Auto => Self::Auto,
            Isolation::Full => Self::Full,
            Isolation::None => Self::None,
        }
    }
}

/// Flags of `serve`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServeArguments {
    /// Address and port to listen on; port 0 takes a free one and prints it.
    #[arg(
        long,
        env = "PORTCULLIS_LISTEN",
        default_value = "127.0.0.1:4566",
        value_parser = listen_address
    )]
    pub(crate) listen: SocketAddr,
    /// Folder for everything that the server keeps; made if missing.
    #[arg(long, env = "PORTCULLIS_DATA_DIR", default_value = "./portcullis-data")]
    pub(crate) data_dir: PathBuf,
    /// The region that the server is.
    #[arg(long, env = "PORTCULLIS_REGION", default_value = "us-east-1")]
    pub(crate) region: String,
    /// The account that the root credentials belong to.
    #[arg(long, env = "PORTCULLIS_ACCOUNT_ID", default_value = "123456789012")]
    pub(crate) account_id: String,
    /// Where the state lives: `sqlite` keeps it in the data folder.
    #[arg(long, env = "PORTCULLIS_STORE", default_value = "sqlite")]
    pub(crate) store: String,
    /// How functions are kept from the host.
    #[arg(long, env = "PORTCULLIS_ISOLATION", value_enum, default_value_t = Isolation::Auto)]
    pub(crate) isolation: Isolation,
    /// What isolated functions may reach of the outside, by HTTP proxy; nothing, unless it is given.
    /// `internet` is every address that the internet routes, `10.0.0.0/8` a network, `10.1.2.3` an address.
    /// None of them has this machine's own addresses, loopback, its link, or its cloud's metadata
    /// service; `10.0.0.5:8080` is one port of any address. Names are looked up with `internet` or `names`
    /// only, as each tells something outside. May be given several times; commas part them.
    #[arg(
        long,
        env = "PORTCULLIS_FUNCTION_NETWORK",
        value_name = "internet|names|NETWORK|ADDRESS[:PORT]",
        value_delimiter = ','
    )]
    pub(crate) function_network: Vec<Destination>,
    /// Domain of function URLs, which are `http://ID.lambda-url.REGION.DOMAIN:PORT/`. Requests with
    /// another one in `Host` reach the same function.
    #[arg(long, env = "PORTCULLIS_FUNCTION_URL_DOMAIN", default_value = "localhost")]
    pub(crate) function_url_domain: String,
    /// Let a grant of lambda:InvokeFunctionUrl alone open a function URL, as AWS did for old ones.
    #[arg(long, env = "PORTCULLIS_FUNCTION_URL_SINGLE_GRANT")]
    pub(crate) function_url_single_grant: bool,
    /// Calls of one account that run at once; more are throttled. Functions may reserve all but 100.
    #[arg(long, env = "PORTCULLIS_ACCOUNT_CONCURRENCY", default_value = "1000")]
    pub(crate) account_concurrency: String,
    /// Seconds that a failed asynchronous event waits before its second and its third attempt.
    #[arg(
        long,
        env = "PORTCULLIS_RETRY_DELAYS",
        value_name = "SECOND,THIRD",
        default_value = "60,120"
    )]
    pub(crate) retry_delays: String,
    /// Refuse grants that strangers can use. Those are grants to services that do not fix for whose
    /// resource: without the account in SourceArn, SourceAccount, or an organization, anyone could
    /// have the service call. And they are grants to everyone, but for those that only open a
    /// function URL of the type NONE. A bucket's SourceArn alone is warned of, not refused.
    #[arg(long, env = "PORTCULLIS_DENY_CONFUSED_DEPUTY")]
    pub(crate) deny_confused_deputy: bool,
    /// Keys of an OpenID Connect issuer, for AssumeRoleWithWebIdentity: a JSON Web Key Set in a file, or
    /// behind an http or https URL (the `jwks_uri` of the issuer's metadata), which is fetched when a
    /// token needs it. May be given several times; in the environment, commas part them.
    #[arg(
        long,
        env = "PORTCULLIS_OIDC_KEYS",
        value_name = "ISSUER=FILE|URL",
        value_delimiter = ','
    )]
    pub(crate) oidc_keys: Vec<String>,
    #[command(flatten)]
    pub(crate) s3: S3Arguments,
    /// Access key id of the account's root; generated at first start when absent.
    #[arg(
        long,
        env = "PORTCULLIS_ROOT_ACCESS_KEY_ID",
        requires = "root_secret_access_key",
        hide_env_values = true
    )]
    pub(crate) root_access_key_id: Option<String>,
    /// Its secret. Give it in the environment: a command line can be seen by other users.
    #[arg(
        long,
        env = "PORTCULLIS_ROOT_SECRET_ACCESS_KEY",
        requires = "root_access_key_id",
        hide_env_values = true
    )]
    pub(crate) root_secret_access_key: Option<String>,
    /// File with the key that secrets in the store are sealed with, base64 of 32 bytes; else the data
    /// folder's `sealing-key`, made at first start.
    #[arg(long, env = "PORTCULLIS_SEALING_KEY_FILE")]
    pub(crate) sealing_key_file: Option<PathBuf>,
    /// The key itself. Give it in the environment: a command line can be seen by other users.
    #[arg(
        long,
        env = "PORTCULLIS_SEALING_KEY",
        conflicts_with = "sealing_key_file",
        hide_env_values = true
    )]
    pub(crate) sealing_key: Option<String>,
    #[command(flatten)]
    pub(crate) decision_log: DecisionLogArguments,
    #[command(flatten)]
    pub(crate) function_log: FunctionLogArguments,
}

/// How decisions are kept.
#[derive(Args, Clone, Debug)]
pub(crate) struct DecisionLogArguments {
    /// Size that a file of the decision log grows to, in bytes, before the next one is begun.
    #[arg(
        long = "decision-log-file-bytes",
        env = "PORTCULLIS_DECISION_LOG_FILE_BYTES",
        default_value_t = DecisionLogArguments::default().file_bytes,
        value_parser = clap::value_parser!(u64).range(4096..)
    )]
    pub(crate) file_bytes: u64,
    /// How many files of the decision log are kept; the oldest is removed for a new one.
    #[arg(
        long = "decision-log-files",
        env = "PORTCULLIS_DECISION_LOG_FILES",
        default_value_t = DecisionLogArguments::default().files,
        value_parser = clap::value_parser!(u64).range(1..=100_000)
    )]
    pub(crate) files: u64,
    /// How many of the last decisions can be explained by the policies that decided them.
    #[arg(
        long = "decisions-in-memory",
        env = "PORTCULLIS_DECISIONS_IN_MEMORY",
        default_value_t = DecisionLogArguments::default().in_memory,
        hide = true
    )]
    pub(crate) in_memory: usize,
}

impl Default for DecisionLogArguments {
    fn default() -> Self {
        Self { file_bytes: 64 * 1024 * 1024, files: 16, in_memory: 10_000 }
    }
}

/// How what functions print is kept.
#[derive(Args, Clone, Debug)]
pub(crate) struct FunctionLogArguments {
    /// Size that a file of a function's log grows to, in bytes, before the next one is begun.
    #[arg(
        id = "function_log_file_bytes",
        long = "function-log-file-bytes",
        env = "PORTCULLIS_FUNCTION_LOG_FILE_BYTES",
        default_value_t = FunctionLogArguments::default().file_bytes,
        value_parser = clap::value_parser!(u64).range(4096..)
    )]
    pub(crate) file_bytes: u64,
    /// How many files of a function's log are kept; the oldest is removed for a new one.
    #[arg(
        id = "function_log_files",
        long = "function-log-files",
        env = "PORTCULLIS_FUNCTION_LOG_FILES",
        default_value_t = FunctionLogArguments::default().files,
        value_parser = clap::value_parser!(u64).range(1..=1000)
    )]
    pub(crate) files: u64,
}

impl Default for FunctionLogArguments {
    fn default() -> Self {
        Self { file_bytes: 8 * 1024 * 1024, files: 4 }
    }
}

/// Flags of `logs`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LogsArguments {
    /// The function's name or ARN.
    pub(crate) function: String,
    /// Go on as the log grows, until interrupted.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// The function's account, unless its ARN says it.
    #[arg(
        long,
        visible_alias = "account",
        env = "PORTCULLIS_ACCOUNT_ID",
        default_value = "123456789012"
    )]
    pub(crate) account_id: String,
    /// The server's data folder.
    #[arg(long, env = "PORTCULLIS_DATA_DIR", default_value = "./portcullis-data")]
    pub(crate) data_dir: PathBuf,
}

/// An address with its port, or a host's name with a port: IPv4 first, as clients try it.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let found = text.to_socket_addrs().map_err(|error| format!("not ADDRESS:PORT: {error}"))?;
    found.min_by_key(SocketAddr::is_ipv6).ok_or_else(|| "a host without an address".to_owned())
}

/// Flags of `quickstart`.
#[derive(Args, Clone, Debug)]
pub(crate) struct QuickstartArguments {
    /// Address and port to listen on; a free port is taken when this one is busy.
    #[arg(
        long,
        env = "PORTCULLIS_LISTEN",
        default_value = "127.0.0.1:4566",
        value_parser = listen_address
    )]
    pub(crate) listen: SocketAddr,
    /// How functions are kept from the host.
    #[arg(long, env = "PORTCULLIS_ISOLATION", value_enum, default_value_t = Isolation::Auto)]
    pub(crate) isolation: Isolation,
    /// Stop after the table instead of serving on.
    #[arg(long)]
    pub(crate) exit: bool,
}

/// `access-key` and its subcommands.
#[derive(Args, Debug)]
pub(crate) struct AccessKeyArguments {
    #[command(subcommand)]
    pub(crate) command: AccessKeyCommand,
}

/// What to do with access keys.
#[derive(Debug, Subcommand)]
pub(crate) enum AccessKeyCommand {
    /// Make a key and print it as JSON: `{"AccessKey":{"AccessKeyId":…,"SecretAccessKey":…}}`.
    #[command(after_help = "Examples:\n  portcullis access-key create --service s3.amazonaws.com \
                            --endpoint-url http://127.0.0.1:4566\n  portcullis access-key create \
                            --root --account-id 223456789012\n\nThe call is signed with \
                            PORTCULLIS_ROOT_ACCESS_KEY_ID and PORTCULLIS_ROOT_SECRET_ACCESS_KEY, \
                            or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the root \
                            credentials in the data folder, whichever comes first.")]
    Create(CreateAccessKeyArguments),
}

/// Flags of `access-key create`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CreateAccessKeyArguments {
    /// The service principal that the key's calls are to be, such as `s3.amazonaws.com`.
    #[arg(long, value_name = "NAME", required_unless_present = "root", conflicts_with = "root")]
    pub(crate) service: Option<String>,
    /// A key for the root of an account, which is made if it is new.
    #[arg(long, requires = "account_id")]
    pub(crate) root: bool,
    /// The account of `--root`: twelve digits.
    #[arg(long, value_name = "ID", requires = "root", conflicts_with = "service")]
    pub(crate) account_id: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Which server is asked, and who asks.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArguments {
    /// Where the server listens; else AWS_ENDPOINT_URL, or http://127.0.0.1:4566.
    #[arg(long, env = "PORTCULLIS_ENDPOINT_URL")]
    pub(crate) endpoint_url: Option<Endpoint>,
    /// The region that the server is; else AWS_REGION, or us-east-1.
    #[arg(long, env = "PORTCULLIS_REGION")]
    pub(crate) region: Option<String>,
    /// The server's data folder, where its root credentials may be read.
    #[arg(long, env = "PORTCULLIS_DATA_DIR", default_value = "./portcullis-data")]
    pub(crate) data_dir: PathBuf,
    #[command(flatten)]
    pub(crate) root_credentials: RootCredentialVariables,
}

/// The root credentials as variables.
#[derive(Args, Clone, Debug)]
pub(crate) struct RootCredentialVariables {
    /// Access key id that signs the call.
    #[arg(
        long = "access-key-id",
        env = "PORTCULLIS_ROOT_ACCESS_KEY_ID",
        requires = "secret_access_key",
        hide_env_values = true
    )]
    pub(crate) access_key_id: Option<String>,
    /// Its secret.
    #[arg(
        long = "secret-access-key",
        env = "PORTCULLIS_ROOT_SECRET_ACCESS_KEY",
        requires = "access_key_id",
        hide_env_values = true
    )]
    pub(crate) secret_access_key: Option<String>,
}

/// Flags of `simulate`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SimulateArguments {
    /// Refuse documents that could not be written today, such as one with a repeated Sid.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Add to each decision why, as JSON: which statements allow and deny, and for an implicit
    /// denial the nearest Allow, what it misses, and the grants that would allow the call.
    #[arg(long)]
    pub(crate) explain: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Cli, listen_address};
    use crate::environment::KNOWN;

    #[test]
    fn an_address_to_listen_on_may_be_a_name() {
        let rows = [
            ("127.0.0.1:4566", Some("127.0.0.1:4566")),
            ("[::1]:0", Some("[::1]:0")),
            ("localhost:4566", Some("127.0.0.1:4566")),
            ("nowhere", None),
            ("127.0.0.1", None),
            ("127.0.0.1:99999", None),
            ("", None),
        ];
        for (text, want) in rows {
            let got = listen_address(text).ok().map(|address| address.to_string());
            assert_eq!(got.as_deref(), want, "{text}");
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    /// A flag's variable that `KNOWN` misses would be refused at start.
    #[test]
    fn every_variable_of_a_flag_is_known() {
        fn variables(command: &clap::Command, found: &mut Vec<String>) {
            let named = command.get_arguments().filter_map(clap::Arg::get_env);
            found.extend(named.map(|name| name.to_string_lossy().into_owned()));
            command.get_subcommands().for_each(|sub| variables(sub, found));
        }
        let mut found = Vec::new();
        variables(&Cli::command(), &mut found);
        found.sort();
        found.dedup();
        for name in &found {
            assert!(KNOWN.contains(&name.as_str()), "{name} is not in KNOWN");
        }
        assert!(found.len() >= 8, "{found:?}");
    }
}

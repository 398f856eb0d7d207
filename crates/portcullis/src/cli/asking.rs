//! The commands that ask: `explain`, `who-can`, `lint`, `diff`.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};
use portcullis_iam::{DocumentKind, Principal};

use super::ServerArguments;

/// How answers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For a person; with colours on a terminal, unless `NO_COLOR` is set.
    #[default]
    Text,
    /// For a program.
    Json,
}

/// How the answer is written, a flag of every command that asks.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct OutputArguments {
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

/// A file of a document; `-` is standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PolicyFile {
    /// Standard input.
    StandardInput,
    /// A file.
    Path(PathBuf),
}

impl From<&str> for PolicyFile {
    fn from(text: &str) -> Self {
        if text == "-" { Self::StandardInput } else { Self::Path(text.into()) }
    }
}

impl FromStr for PolicyFile {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.into())
    }
}

/// A document: in a file, or on a function of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PolicySource {
    /// In a file.
    File(PolicyFile),
    /// On a function, version or alias.
    Function(String),
}

impl FromStr for PolicySource {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.strip_prefix("function:") {
            Some(function) => Self::Function(function.to_owned()),
            None => Self::File(text.into()),
        })
    }
}

/// `LEVEL=FILE`: a document attached to a level of an organization; `LEVEL=` has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LevelFile {
    pub(crate) level: String,
    pub(crate) file: Option<PolicyFile>,
}

impl FromStr for LevelFile {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((level, file)) if !level.is_empty() => {
                let file = (!file.is_empty()).then(|| file.into());
                Ok(Self { level: level.to_owned(), file })
            }
            _ => Err("has to be LEVEL=FILE, such as root=full-access.json"),
        }
    }
}

/// `PRINCIPAL=FILE`: a document of a caller. Names may have `=`, so that the last one counts.
#[derive(Clone, Debug)]
pub(crate) struct PrincipalFile {
    pub(crate) principal: Principal,
    pub(crate) file: PolicyFile,
}

impl FromStr for PrincipalFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (principal, file) = text.rsplit_once('=').filter(|(_, file)| !file.is_empty()).ok_or(
            "has to be PRINCIPAL=FILE, such as arn:aws:iam::111111111111:user/alice=alice.json",
        )?;
        let principal = Principal::parse(principal).map_err(|error| error.to_string())?;
        Ok(Self { principal, file: file.into() })
    }
}

/// `KEY=VALUE`: a condition key of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContextEntry {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl FromStr for ContextEntry {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                Ok(Self { key: key.to_owned(), value: value.to_owned() })
            }
            _ => Err("has to be KEY=VALUE, such as aws:SourceArn=arn:aws:s3:::photos"),
        }
    }
}

/// An action; without a service it is Lambda's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Action(pub(crate) String);

impl FromStr for Action {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lambda = || format!("lambda:{text}");
        Ok(Self(if text.contains(':') { text.to_owned() } else { lambda() }))
    }
}

pub(crate) const EXPLAIN_HELP: &str = r#"With a REQUEST-ID (the x-amzn-RequestId of an answer), a running server tells what it decided and
by which statement. With --principal, --action and --resource it tells what it would decide; or, if
any document is given, it is those documents that decide, and no server is asked. The condition keys
of a call that documents decide are exactly those that are given; a server adds what it knows (the
caller's and the resource's tags, accounts, organizations).

Examples:
  portcullis explain 7d9e4a51-0c3f-4c58-9a0e-0d6a4a3ddc11
  portcullis explain --principal s3.amazonaws.com --action lambda:InvokeFunction \
    --resource orders:prod --context aws:SourceArn=arn:aws:s3:::photos
  portcullis explain --principal arn:aws:iam::111111111111:user/alice \
    --action lambda:InvokeFunction --resource arn:aws:lambda:us-east-1:222222222222:function:f \
    --identity-policy alice.json --resource-policy f.json --scp root=full.json --scp prod=deny.json

Exit status: 0 explained; 2 there is no answer, or the question is wrong."#;

/// Flags of `explain`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExplainArguments {
    /// The id of a request that a server decided.
    #[arg(
        value_name = "REQUEST-ID",
        required_unless_present_any = ["principal", "action", "resource"],
        conflicts_with_all = ["principal", "action", "resource", "context"]
    )]
    pub(crate) request_id: Option<String>,
    /// Who calls: the ARN of a user, role, session or root, a service's name, or `anonymous`.
    #[arg(long, requires_all = ["action", "resource"])]
    pub(crate) principal: Option<String>,
    /// What is called: `lambda:InvokeFunction`, or `InvokeFunction`.
    #[arg(long, requires_all = ["principal", "resource"])]
    pub(crate) action: Option<Action>,
    /// On what: an ARN, a function's name, or `*`.
    #[arg(long, requires_all = ["principal", "action"])]
    pub(crate) resource: Option<String>,
    /// A condition key of the call; several values of one key make a list.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) context: Vec<ContextEntry>,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(flatten)]
    pub(crate) documents: CallDocumentArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// The documents of a call. FILE is a document, or the answer of `get-policy` and the like; `-` is
/// standard input.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Documents instead of a server")]
pub(crate) struct CallDocumentArguments {
    /// A policy of the caller.
    #[arg(long, visible_alias = "policy", value_name = "FILE")]
    pub(crate) identity_policy: Vec<PolicyFile>,
    /// The caller's permissions boundary.
    #[arg(long, value_name = "FILE")]
    pub(crate) boundary: Option<PolicyFile>,
    /// A policy that the caller's session was made with.
    #[arg(long, value_name = "FILE")]
    pub(crate) session_policy: Vec<PolicyFile>,
    #[command(flatten)]
    pub(crate) shared: SharedDocumentArguments,
    /// The account that owns the resource; else that of its ARN, or the caller's.
    #[arg(long, value_name = "ID")]
    pub(crate) resource_account: Option<String>,
}

/// The documents that have a say whoever calls.
#[derive(Args, Clone, Debug)]
pub(crate) struct SharedDocumentArguments {
    /// A policy on the resource.
    #[arg(long, value_name = "FILE")]
    pub(crate) resource_policy: Vec<PolicyFile>,
    /// The trust policy of the role that is the resource.
    #[arg(long, value_name = "FILE")]
    pub(crate) trust_policy: Option<PolicyFile>,
    /// A service control policy and its level; levels in order, from the root to the account.
    #[arg(long, value_name = "LEVEL=FILE")]
    pub(crate) scp: Vec<LevelFile>,
    /// A resource control policy and its level.
    #[arg(long, value_name = "LEVEL=FILE")]
    pub(crate) rcp: Vec<LevelFile>,
}

pub(crate) const WHO_CAN_HELP: &str = r#"A running server answers by all of its documents; or, if any document is given, those answer, and no
server is asked. Listed is who may perform the action in some call, with the conditions that depend
on the call; everyone, whole accounts and organizations are called out.

Examples:
  portcullis who-can lambda:InvokeFunction orders
  portcullis who-can InvokeFunction arn:aws:lambda:us-east-1:111111111111:function:orders:prod \
    --resource-policy orders.json --identity-policy arn:aws:iam::111111111111:user/alice=alice.json

Exit status: 0 answered; 2 there is no answer, or the question is wrong."#;

/// Flags of `who-can`.
#[derive(Args, Clone, Debug)]
pub(crate) struct WhoCanArguments {
    /// The action: `lambda:InvokeFunction`, or `InvokeFunction`.
    pub(crate) action: Action,
    /// The function: its name, with a qualifier if it has one, or its ARN; or another resource's
    /// ARN, or `*`.
    pub(crate) function: String,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(flatten)]
    pub(crate) documents: CandidateDocumentArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// The documents of a resource and of those who might call.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Documents instead of a server")]
pub(crate) struct CandidateDocumentArguments {
    /// A policy of a user, role or session.
    #[arg(long, visible_alias = "policy", value_name = "PRINCIPAL=FILE")]
    pub(crate) identity_policy: Vec<PrincipalFile>,
    /// The permissions boundary of a user or role.
    #[arg(long, value_name = "PRINCIPAL=FILE")]
    pub(crate) boundary: Vec<PrincipalFile>,
    #[command(flatten)]
    pub(crate) shared: SharedDocumentArguments,
    /// The account that owns the resource; else that of its ARN.
    #[arg(long, value_name = "ID")]
    pub(crate) resource_account: Option<String>,
}

pub(crate) const LINT_HELP: &str = r#"POLICY is a file, `-` for standard input, or function:NAME for the policy of a function on a server.
A file may also be the answer of `aws lambda get-policy`, `aws iam get-role-policy` and the like.

Examples:
  portcullis lint policy.json
  aws lambda get-policy --function-name orders | portcullis lint -
  portcullis lint --function orders:prod
  portcullis lint --kind scp --fail-on error deny-regions.json

Exit status: 0 nothing found that weighs as much as --fail-on; 1 found; 2 POLICY cannot be had."#;

/// Flags of `lint`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LintArguments {
    /// The policy: a file, `-`, or `function:NAME`.
    #[arg(required_unless_present = "function", conflicts_with = "function")]
    pub(crate) policy: Option<PolicySource>,
    /// The function whose policy it is, on a server: its name, with a qualifier if it has one, or
    /// its ARN.
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,
    /// What the policy is attached to; else it is told by whether it names principals.
    #[arg(long, value_enum)]
    pub(crate) kind: Option<Kind>,
    /// The least severity of a finding that makes the exit status 1.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) fail_on: FailOn,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Which findings are failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum FailOn {
    /// Documents that are refused, or can never do what they say.
    Error,
    /// Also what is open, or not, beyond what the document seems to say.
    #[default]
    Warning,
    /// Also what could be shorter or clearer.
    Note,
    /// None.
    Never,
}

/// What a policy is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A user, group or role.
    Identity,
    /// A function, version or alias.
    Resource,
    /// A role: who may assume it.
    Trust,
    /// A user or role, as permissions boundary.
    Boundary,
    /// A session.
    Session,
    /// An organization, as service control policy.
    Scp,
    /// An organization, as resource control policy.
    Rcp,
}

impl From<Kind> for DocumentKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Identity => Self::Identity,
            Kind::Resource => Self::Resource,
            Kind::Trust => Self::Trust,
            Kind::Boundary => Self::Boundary,
            Kind::Session => Self::Session,
            Kind::Scp => Self::ServiceControl,
            Kind::Rcp => Self::ResourceControl,
        }
    }
}

pub(crate) const DIFF_HELP: &str = r#"OLD and NEW are files, `-` for standard input, or function:NAME for the policy of a function on a
server. A file may also be the answer of `aws lambda get-policy` and the like.

Examples:
  portcullis diff old.json new.json
  portcullis diff function:orders new.json
  portcullis diff function:orders:blue function:orders:green --output json

A difference is shown by a call that both policies have decided. The search for one is bounded; callers
of other identity providers (Federated) than OpenID Connect are not modelled.

Exit status: 0 proven to decide every call alike; 1 some call is decided differently; 2 OLD or NEW cannot
be had, or is no policy; 3 no difference was found, but none was ruled out: the outcome
no-difference-found, which a gate should not let pass unseen."#;

/// Flags of `diff`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DiffArguments {
    /// The policy before the change.
    pub(crate) old: PolicySource,
    /// The policy after it.
    pub(crate) new: PolicySource,
    /// What the policies are attached to; else it is told by whether they name principals.
    #[arg(long, value_enum)]
    pub(crate) kind: Option<Kind>,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[cfg(test)]
mod tests {
    use super::{Action, ContextEntry, LevelFile, PolicyFile, PolicySource, PrincipalFile};

    #[test]
    fn a_level_has_a_file_or_none() {
        let rows = [
            ("root=a.json", Some(("root", Some("a.json")))),
            ("root=a=b", Some(("root", Some("a=b")))),
            ("root=", Some(("root", None))),
            ("=a.json", None),
            ("a.json", None),
        ];
        for (text, want) in rows {
            let want = want.map(|(level, file)| LevelFile {
                level: level.to_owned(),
                file: file.map(PolicyFile::from),
            });
            assert_eq!(text.parse::<LevelFile>().ok(), want, "{text}");
        }
    }

    #[test]
    fn a_principal_ends_at_the_last_equals_sign() {
        let parsed = |text: &str| text.parse::<PrincipalFile>().ok();
        let user = parsed("arn:aws:iam::111111111111:user/a=b=-").unwrap();
        assert_eq!(user.principal.as_str(), "arn:aws:iam::111111111111:user/a=b");
        assert_eq!(user.file, PolicyFile::StandardInput);
        for text in ["alice=a.json", "arn:aws:iam::111111111111:user/a", "=a.json", ""] {
            assert!(parsed(text).is_none(), "{text}");
        }
    }

    #[test]
    fn sources_actions_and_keys_are_told_apart() {
        let source = |text: &str| text.parse::<PolicySource>().unwrap();
        assert_eq!(source("function:f:prod"), PolicySource::Function("f:prod".to_owned()));
        assert_eq!(source("f.json"), PolicySource::File("f.json".into()));
        assert_eq!(source("-"), PolicySource::File(PolicyFile::StandardInput));
        assert_eq!("Invoke".parse(), Ok(Action("lambda:Invoke".to_owned())));
        assert_eq!("s3:GetObject".parse(), Ok(Action("s3:GetObject".to_owned())));
        let entry = "a:b=c=d".parse::<ContextEntry>().unwrap();
        assert_eq!((entry.key.as_str(), entry.value.as_str()), ("a:b", "c=d"));
        assert!("=c".parse::<ContextEntry>().is_err() && "a".parse::<ContextEntry>().is_err());
    }
}

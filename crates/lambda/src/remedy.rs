//! The command that mends a denial: `aws lambda add-permission …`, for a statement that a function's
//! policy lacks and that `AddPermission` can write. Source: iam.md §10.1, `[snap] aws-lambda.md §1`.

use std::collections::BTreeMap;
use std::fmt;

use portcullis_iam::{
    DocumentKind, Narrowing, NoEntities, PolicyError, Statement as CompiledStatement,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    Grant, GrantInput, InvalidValue, LambdaError, Qualifier, ResourcePolicy, Statement, Target,
};

/// The conditions by which a grant is made as small as the call, as `AddPermission` writes them.
pub const NARROWING: [Narrowing; 6] = {
    const fn of(
        operator: &'static str,
        key: &'static str,
        action: Option<&'static str>,
    ) -> Narrowing {
        Narrowing { operator, key, action }
    }
    [
        of("ArnLike", "AWS:SourceArn", None),
        of("StringEquals", "AWS:SourceAccount", None),
        of("StringEquals", "aws:PrincipalOrgID", None),
        of("StringEquals", "lambda:EventSourceToken", None),
        // Calls through a URL have both; each half takes one (aws-lambda.md §1.7).
        of("StringEquals", "lambda:FunctionUrlAuthType", Some("lambda:InvokeFunctionUrl")),
        of("Bool", "lambda:InvokedViaFunctionUrl", Some("lambda:InvokeFunction")),
    ]
};

/// The action that makes the function which it is on.
const CREATES: &str = "lambda:CreateFunction";

/// `aws lambda add-permission`, ready to be run by whoever may change the function's policy.
///
/// Invariant: `AddPermission` takes the parameters, apart from what depends on the policy that is
/// there, and writes a statement that means what the one that was asked for means.
///
/// `Display` is one line for a POSIX shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddPermissionCommand {
    target: Target,
    input: GrantInput,
    endpoint_url: Option<String>,
}

/// Why no `AddPermission` writes a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCommand {
    /// The text is no statement of a resource policy.
    #[error("not a statement of a resource-based policy: {0}")]
    NotAStatement(#[from] PolicyError),
    /// It denies.
    #[error("AddPermission only allows")]
    Deny,
    /// An element that it never writes, such as `NotAction`.
    #[error("AddPermission does not write the element {0}")]
    Element(String),
    /// An element with no value, or with several: one grant has one.
    #[error("AddPermission writes one {0} in a statement")]
    Several(&'static str),
    /// A principal of a type that it does not write.
    #[error("AddPermission does not write principals of the type {0}")]
    PrincipalType(String),
    /// A resource that is not exactly one function, version or alias.
    #[error("AddPermission writes the ARN of one function, version or alias, not \"{0}\"")]
    Resource(String),
    /// A condition that no parameter stands for.
    #[error("AddPermission has no parameter for the condition {operator} on {key}")]
    Condition {
        /// As written.
        operator: String,
        /// As written.
        key: String,
    },
    /// An action on a function that is not there before it, so that nobody can have granted it.
    #[error("there is no function whose policy could allow {0}")]
    Creates(String),
    /// A value that it refuses, or values that it refuses together.
    #[error("AddPermission would refuse this: {0}")]
    Refused(#[from] LambdaError),
}

impl From<InvalidValue> for NoCommand {
    fn from(refusal: InvalidValue) -> Self {
        Self::Refused(refusal.into())
    }
}

impl AddPermissionCommand {
    /// The command that writes `statement`, an Allow of a resource-based policy as JSON.
    ///
    /// The statement's Sid becomes the statement id; without one, the id is made of who may do
    /// what, and of a hash of all of it: different grants get different ids, the same grant always
    /// the same.
    ///
    /// # Errors
    /// [`NoCommand`] where no `AddPermission` writes a statement of that meaning, or would refuse
    /// to.
    pub fn for_statement(statement: &str) -> Result<Self, NoCommand> {
        CompiledStatement::parse(DocumentKind::Resource, statement)?;
        let written = Written::read(statement)?;
        let target = target(&written.resource)?;
        ResourcePolicy::check_target(&target)?;
        if written.action.eq_ignore_ascii_case(CREATES) {
            return Err(NoCommand::Creates(written.action));
        }
        let mut input = GrantInput {
            statement_id: written.sid.unwrap_or_default(),
            action: written.action,
            principal: principal(&written.principal)?,
            ..GrantInput::default()
        };
        for (operator, keys) in &written.conditions {
            for (key, value) in keys {
                condition(&mut input, operator, key, value)?;
            }
        }
        let mut command = Self { target, input, endpoint_url: None };
        if command.input.statement_id.is_empty() {
            command.input.statement_id = command.derived_statement_id();
        }
        let Self { target, input, .. } = &command;
        Statement::granted(&Grant::try_from(input)?, target, &NoEntities)?.check()?;
        Ok(command)
    }

    /// The same for a service that is not at AWS: with `--endpoint-url`.
    #[must_use]
    pub fn with_endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoint_url = Some(url.into());
        self
    }

    /// Whose policy the command changes.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What it grants.
    #[must_use]
    pub fn input(&self) -> &GrantInput {
        &self.input
    }

    /// Who, what, and eight digits of a hash of all that is granted.
    fn derived_statement_id(&self) -> String {
        let hash = Sha256::digest(self.words().join("\n"));
        let digits: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let who = match self.input.principal.as_str() {
            "*" => "everyone",
            arn if arn.starts_with("arn:") => arn.rsplit([':', '/']).next().unwrap_or_default(),
            service => service.split('.').next().unwrap_or_default(),
        };
        let what = match self.input.action.as_str() {
            "*" | "lambda:*" => "all",
            action => action.rsplit(':').next().unwrap_or_default(),
        };
        format!("{}-{}-{digits}", word(who), word(what))
    }

    /// The words of the command, unquoted, from `aws` on.
    ///
    /// The function is named by its ARN: run in a wrong account or region, the command fails, and
    /// does not open another function of the same name.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let Self { target, input, endpoint_url } = self;
        let mut words = ["aws", "lambda", "add-permission"].map(str::to_owned).to_vec();
        let qualifier = target.qualifier.as_ref().map(ToString::to_string);
        let options = [
            ("--function-name", Some(target.function.as_str())),
            ("--qualifier", qualifier.as_deref()),
            ("--statement-id", Some(input.statement_id.as_str())),
            ("--action", Some(input.action.as_str())),
            ("--principal", Some(input.principal.as_str())),
            ("--source-arn", input.source_arn.as_deref()),
            ("--source-account", input.source_account.as_deref()),
            ("--event-source-token", input.event_source_token.as_deref()),
            ("--principal-org-id", input.principal_org_id.as_deref()),
            ("--function-url-auth-type", input.function_url_auth_type.as_deref()),
        ];
        let place = [
            ("--region", Some(target.function.region())),
            ("--endpoint-url", endpoint_url.as_deref()),
        ];
        options.iter().for_each(|(name, value)| option(&mut words, name, *value));
        if input.invoked_via_function_url == Some(true) {
            words.push("--invoked-via-function-url".to_owned());
        }
        place.iter().for_each(|(name, value)| option(&mut words, name, *value));
        words
    }
}

impl fmt::Display for AddPermissionCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.words().iter().map(|word| quoted(word)).collect();
        f.write_str(&words.join(" "))
    }
}

/// Adds an option, if it has a value.
fn option(words: &mut Vec<String>, name: &str, value: Option<&str>) {
    match value {
        None => {}
        // A word that begins with a hyphen would be taken for an option.
        Some(value) if value.starts_with('-') => words.push(format!("{name}={value}")),
        Some(value) => words.extend([name.to_owned(), value.to_owned()]),
    }
}

/// The word as a POSIX shell takes it for one word, unchanged.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-+=:,./@%".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A statement with the elements that a grant has.
struct Written {
    sid: Option<String>,
    principal: Value,
    action: String,
    resource: String,
    conditions: Conditions,
}

/// By operator and key.
type Conditions = BTreeMap<String, BTreeMap<String, Value>>;

/// Some elements of a statement; the policy language has checked the whole.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Elements {
    sid: Option<String>,
    effect: String,
    principal: Option<Value>,
    action: Option<Value>,
    resource: Option<Value>,
    #[serde(default)]
    condition: Conditions,
    /// All others.
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Written {
    fn read(statement: &str) -> Result<Self, NoCommand> {
        let refusal = || InvalidValue::new("statement", statement, "the elements of a grant");
        let elements: Elements = serde_json::from_str(statement).map_err(|_| refusal())?;
        if elements.effect != "Allow" {
            return Err(NoCommand::Deny);
        }
        if let Some((name, _)) = elements.others.into_iter().next() {
            return Err(NoCommand::Element(name));
        }
        let one = |element: &Option<Value>, name| {
            element.as_ref().and_then(one_text).ok_or(NoCommand::Several(name))
        };
        Ok(Self {
            sid: elements.sid,
            action: one(&elements.action, "Action")?,
            resource: one(&elements.resource, "Resource")?,
            principal: elements.principal.unwrap_or_default(),
            conditions: elements.condition,
        })
    }
}

/// The text of a value that is one, or a list of one.
fn one_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Array(values) => match values.as_slice() {
            [one @ (Value::String(_) | Value::Bool(_))] => one_text(one),
            _ => None,
        },
        Value::Null | Value::Number(_) | Value::Object(_) => None,
    }
}

/// The parameter for a `Principal` element.
fn principal(element: &Value) -> Result<String, NoCommand> {
    let several = NoCommand::Several("Principal");
    let Value::Object(types) = element else { return one_text(element).ok_or(several) };
    let mut types = types.iter();
    match (types.next(), types.next()) {
        (Some((kind, names)), None) if kind == "AWS" || kind == "Service" => {
            one_text(names).ok_or(several)
        }
        (Some((kind, _)), None) => Err(NoCommand::PrincipalType(kind.clone())),
        _ => Err(several),
    }
}

/// What a `Resource` names.
fn target(resource: &str) -> Result<Target, NoCommand> {
    let target = resource.parse().ok();
    let exists = |target: &Target| !matches!(target.qualifier, Some(Qualifier::Unresolvable(_)));
    target.filter(exists).ok_or_else(|| NoCommand::Resource(resource.to_owned()))
}

/// Fills the parameter that stands for a condition.
fn condition(
    input: &mut GrantInput,
    operator: &str,
    key: &str,
    value: &Value,
) -> Result<(), NoCommand> {
    let none = || NoCommand::Condition { operator: operator.to_owned(), key: key.to_owned() };
    let text = one_text(value).ok_or_else(none)?;
    let slot = match (&*operator.to_ascii_lowercase(), &*key.to_ascii_lowercase()) {
        ("arnlike" | "arnequals", "aws:sourcearn") => &mut input.source_arn,
        ("stringequals", "aws:sourceaccount") => &mut input.source_account,
        ("stringequals", "aws:principalorgid") => &mut input.principal_org_id,
        ("stringequals", "lambda:eventsourcetoken") => &mut input.event_source_token,
        ("stringequals", "lambda:functionurlauthtype") => &mut input.function_url_auth_type,
        ("bool", "lambda:invokedviafunctionurl") if text.eq_ignore_ascii_case("true") => {
            input.invoked_via_function_url = Some(true);
            return Ok(());
        }
        _ => return Err(none()),
    };
    match slot.replace(text) {
        None => Ok(()),
        Some(_) => Err(none()), // two conditions on one key, which no grant has
    }
}

/// What of a text may stand in a statement id, and not too much of it.
fn word(text: &str) -> String {
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.chars().filter(legal).take(40).collect()
}

//! `portcullis explain`: why a past or a supposed call is allowed or denied.

use std::{borrow::Cow, collections::BTreeMap};

use http::Method;
use portcullis_iam::{Principal, Value as Held};
use portcullis_lambda::NARROWING;
use portcullis_simulation::{Call, CallContext, Case, Explainer, GivenDocuments};
use serde_json::{Value, json};

use crate::{
    CliError,
    cli::{CallDocumentArguments, ContextEntry, ExplainArguments, Output, SharedDocumentArguments},
    console::{printable, say, style},
    files::Files,
    remedy,
    server::{control, resource_arn, resource_of_caller},
};

/// Answers the question of the command line.
///
/// # Errors
/// [`CliError`] when there is no answer.
pub(crate) async fn run(arguments: &ExplainArguments) -> Result<(), CliError> {
    let given = given(&arguments.documents, &Files::default())?;
    match (&arguments.request_id, Supposed::of(arguments)) {
        (Some(_), _) if !given.is_empty() => Err(CliError::DocumentsOfThePast),
        (Some(id), _) => past(arguments, id).await,
        (None, Some(call)) if given.is_empty() => call.ask(arguments).await,
        (None, Some(call)) => call.decide(arguments, &given),
        // The command line is one or the other.
        (None, None) => Ok(()),
    }
}

/// Asks a server what it decided for a request.
async fn past(arguments: &ExplainArguments, id: &str) -> Result<(), CliError> {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let path = format!("/_portcullis/decisions/{id}");
    let client = arguments.server.client()?;
    let answer = control(&client, Method::GET, &path, &Value::Null).await?;
    if arguments.output.output == Output::Json {
        return Ok(say!("{}", String::from_utf8_lossy(&answer))?);
    }
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    let decisions = answer.get("Decisions").and_then(Value::as_array);
    for decision in decisions.ok_or(CliError::Answer("GetDecision"))? {
        say!("{}", printable(&told(decision)).trim_end())?;
    }
    Ok(())
}

/// What is known of a decision: its explanation, or its record when the documents that decided are
/// no longer at hand.
fn told(decision: &Value) -> String {
    if let Some(text) = decision.get("Text").and_then(Value::as_str) {
        return text.to_owned();
    }
    let record = decision.get("Record").unwrap_or(&Value::Null);
    let field = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or("?");
    let mut text = field("result").to_owned();
    for (word, name) in [("by", "policyType"), ("because", "reason")] {
        if let Some(value) = record.get(name).and_then(Value::as_str) {
            text.push_str(&format!(" {word} {value}"));
        }
    }
    if let Some(statement) = record.get("statement") {
        text.push_str(&format!(", statement {statement}"));
    }
    for (label, name) in
        [("caller", "principal"), ("action", "action"), ("resource", "resource"), ("time", "time")]
    {
        text.push_str(&format!("\n  {label:8}  {}", field(name)));
    }
    text + "\n\nThe documents that decided are no longer in memory.\n"
}

/// A call that nobody made.
struct Supposed<'a> {
    principal: &'a str,
    action: &'a str,
    resource: &'a str,
    context: &'a [ContextEntry],
}

impl<'a> Supposed<'a> {
    fn of(arguments: &'a ExplainArguments) -> Option<Self> {
        Some(Self {
            principal: arguments.principal.as_deref()?,
            action: &arguments.action.as_ref()?.0,
            resource: arguments.resource.as_deref()?,
            context: &arguments.context,
        })
    }

    /// Asks a server.
    async fn ask(&self, arguments: &ExplainArguments) -> Result<(), CliError> {
        let client = arguments.server.client()?;
        let resource = resource_of_caller(&client, self.resource).await?;
        let body = json!({
            "Principal": self.principal,
            "Action": self.action,
            "Resource": resource,
            "Context": self.keys(),
        });
        let answer = control(&client, Method::POST, "/_portcullis/explain", &body).await?;
        if arguments.output.output == Output::Json {
            return Ok(say!("{}", String::from_utf8_lossy(&answer))?);
        }
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let told = text("Text").ok_or(CliError::Answer("Explain"))?;
        say!("{}", printable(told).trim_end())?;
        for proviso in ["Assumed", "Reason"].into_iter().filter_map(text) {
            say!("{}", printable(proviso))?;
        }
        Ok(())
    }

    /// The values of each key.
    fn keys(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for ContextEntry { key, value } in self.context {
            keys.entry(key).or_default().push(value);
        }
        keys
    }

    /// Lets documents decide.
    fn decide(&self, arguments: &ExplainArguments, given: &GivenDocuments) -> Result<(), CliError> {
        let account = self.account(arguments)?;
        let resource = resource_arn(self.resource, &arguments.server.region(), &account)?;
        let mut context = CallContext::default();
        for (key, values) in self.keys() {
            context.insert(key, held(&values));
        }
        let call = Call::new(self.principal, self.action, resource, account, context)?;
        let case = Case::new(call, given.read()?);
        let explainer = Explainer { narrowing: &NARROWING, command: &remedy::command };
        case.explain(&explainer, |told| match arguments.output.output {
            Output::Text => Ok(say!("{}", told.text(style()).trim_end())?),
            Output::Json => {
                let text = told.text(portcullis_iam::analysis::Style::Plain);
                Ok(say!("{}", json!({"Explanation": told, "Text": text}))?)
            }
        })
    }

    /// The account that owns the resource: as given, of its ARN, or else the caller's.
    fn account(&self, arguments: &ExplainArguments) -> Result<String, CliError> {
        let principal = Principal::parse(self.principal)?;
        let of_arn = || account_of(self.resource);
        let of_caller = || principal.account().map(str::to_owned);
        let given = arguments.documents.resource_account.clone();
        given.or_else(of_arn).or_else(of_caller).ok_or(CliError::ResourceAccount)
    }
}

/// The account in an ARN.
pub(crate) fn account_of(arn: &str) -> Option<String> {
    let arn = portcullis_iam::Arn::split(arn)?;
    Some(arn.account().to_owned()).filter(|account| !account.is_empty())
}

/// One value stands for itself; several are a list.
fn held<'a>(values: &[&'a str]) -> Held<'a> {
    match values {
        [only] => Held::Single(Cow::Borrowed(only)),
        _ => Held::Multiple(values.iter().map(|value| Cow::Borrowed(*value)).collect()),
    }
}

/// Reads the documents that are given.
fn given(arguments: &CallDocumentArguments, files: &Files) -> Result<GivenDocuments, CliError> {
    Ok(GivenDocuments {
        identity: files.all(&arguments.identity_policy)?,
        boundary: files.all(&arguments.boundary)?,
        session: files.all(&arguments.session_policy)?,
        ..shared(&arguments.shared, files)?
    })
}

/// Reads the documents that have a say whoever calls.
pub(crate) fn shared(
    arguments: &SharedDocumentArguments,
    files: &Files,
) -> Result<GivenDocuments, CliError> {
    Ok(GivenDocuments {
        resource: files.all(&arguments.resource_policy)?,
        trust: files.all(&arguments.trust_policy)?,
        service_control: files.levels(&arguments.scp)?,
        resource_control: files.levels(&arguments.rcp)?,
        ..GivenDocuments::default()
    })
}

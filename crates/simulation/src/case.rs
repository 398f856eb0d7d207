//! A case: one call and the documents that may have a say, read from one line of JSON.

use std::borrow::Cow;
use std::sync::Arc;

use portcullis_iam::{Decision, DocumentKind, Policy, Value, decide};
use serde_json::value::RawValue;

use crate::cache::Cache;
use crate::call::Call;
use crate::context::CallContext;
use crate::documents::{Documents, Validation};
use crate::error::CaseError;
use crate::form::{DocumentsForm, Entries, Entry, Form, Level, Text};

/// One call and the documents that may have a say.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    id: Option<&'a str>,
    call: Call<'a>,
    documents: Documents,
}

/// A line that is no case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused<'a> {
    /// The case's id as written in the line, JSON; `None` if it has none or broke before it.
    pub id: Option<&'a str>,
    /// The place and the rule.
    pub error: CaseError,
}

impl<'a> Case<'a> {
    /// A case without id.
    #[must_use]
    pub fn new(call: Call<'a>, documents: Documents) -> Self {
        Self { id: None, call, documents }
    }

    /// The case's id as written, JSON.
    #[must_use]
    pub fn id(&self) -> Option<&'a str> {
        self.id
    }

    /// What the engine decides.
    pub fn decide(&self) -> Decision {
        self.documents.with(|policies| decide(&self.call.request(), policies))
    }
}

/// Reads cases, and remembers documents that come again.
pub struct CaseReader {
    validation: Validation,
    cache: Cache,
}

impl CaseReader {
    /// A reader that has read nothing yet. It holds a few MB, however much it reads.
    #[must_use]
    pub fn new(validation: Validation) -> Self {
        Self { validation, cache: Cache::new() }
    }

    /// Reads a line: a JSON object with the fields `principal`, `action`, `resource` and, if they
    /// apply, `id`, `context` and the documents.
    ///
    /// # Errors
    /// [`Refused`] with what is known of the case: JSON that is broken, a field that is missing,
    /// repeated or of another type, a document that is refused.
    pub fn read<'a>(&mut self, line: &'a str) -> Result<Case<'a>, Refused<'a>> {
        let mut form = Form::default();
        let read = form.read(line).map_err(|error| CaseError::json("", &error));
        let id = form.id.map(RawValue::get);
        let case = read.and_then(|()| self.case(form));
        case.map_err(|error| Refused { id: id.filter(|id| is_id(id)), error })
    }

    fn case<'a>(&mut self, form: Form<'a>) -> Result<Case<'a>, CaseError> {
        let id = form.id.map(RawValue::get);
        if id.is_some_and(|id| !is_id(id)) {
            return Err(CaseError::new("id", "has to be a string or a number"));
        }
        let missing = |name| CaseError::new(name, "is missing");
        let resource = form.resource.ok_or_else(|| missing("resource"))?;
        let call = Call::new(
            &form.principal.ok_or_else(|| missing("principal"))?.0,
            form.action.ok_or_else(|| missing("action"))?.0,
            resource.arn.0,
            resource.account_id.0,
            form.context.map(context).transpose()?.unwrap_or_default(),
        )?;
        Ok(Case { id, call, documents: self.documents(form.documents)? })
    }

    #[rustfmt::skip]
    fn documents(&mut self, form: DocumentsForm<'_>) -> Result<Documents, CaseError> {
        use DocumentKind::{Boundary, Identity, Resource, ResourceControl, ServiceControl, Session};
        let resource = form.resource_policy.map(|raw| self.document(Resource, raw, || "resourcePolicy".to_owned()));
        let identity = self.pool("identityPolicies", Identity, form.identity_policies)?;
        let boundary = self.pool("permissionBoundaries", Boundary, form.permission_boundaries)?;
        Ok(Documents {
            identity: identity.unwrap_or_default(),
            boundary: boundary.unwrap_or_default(),
            session: self.pool("sessionPolicies", Session, form.session_policies)?,
            service_control: self.levels("serviceControlPolicies", ServiceControl, form.service_control_policies)?,
            resource: resource.transpose()?.into_iter().collect(),
            resource_control: self.levels("resourceControlPolicies", ResourceControl, form.resource_control_policies)?,
        })
    }

    fn document(
        &mut self,
        kind: DocumentKind,
        raw: &RawValue,
        place: impl FnOnce() -> String,
    ) -> Result<Arc<Policy>, CaseError> {
        let (text, validation) = (raw.get(), self.validation);
        let policy = self.cache.get_or(kind, text, || validation.parse(kind, text));
        policy.map_err(|error| CaseError::policy(place(), &error))
    }

    /// A document, bare or under `policy`.
    fn entry(
        &mut self,
        kind: DocumentKind,
        raw: &RawValue,
        place: impl Fn() -> String,
    ) -> Result<Arc<Policy>, CaseError> {
        let entry: Entry<'_> =
            serde_json::from_str(raw.get()).map_err(|error| CaseError::json(&place(), &error))?;
        match (entry.policy, entry.statement) {
            (None, _) => self.document(kind, raw, place),
            (Some(policy), None) => self.document(kind, policy, place),
            (Some(_), Some(_)) => Err(CaseError::new(place(), "has both a policy and a Statement")),
        }
    }

    fn pool(
        &mut self,
        name: &str,
        kind: DocumentKind,
        list: Option<Vec<&RawValue>>,
    ) -> Result<Option<Vec<Arc<Policy>>>, CaseError> {
        let mut entry = |(index, raw)| self.entry(kind, raw, || format!("{name}[{index}]"));
        list.map(|list| list.into_iter().enumerate().map(&mut entry).collect()).transpose()
    }

    fn levels(
        &mut self,
        name: &str,
        kind: DocumentKind,
        levels: Option<Vec<Level<'_>>>,
    ) -> Result<Option<Vec<Vec<Arc<Policy>>>>, CaseError> {
        let mut level = |(at, level): (usize, Level<'_>)| {
            let place = |index| format!("{name}[{at}].policies[{index}]");
            let policies = level.policies.into_iter().enumerate();
            policies.map(|(index, raw)| self.entry(kind, raw, || place(index))).collect()
        };
        levels.map(|levels| levels.into_iter().enumerate().map(&mut level).collect()).transpose()
    }
}

fn is_id(json: &str) -> bool {
    json.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit())
}

fn context(Entries(entries): Entries<'_>) -> Result<CallContext<'_>, CaseError> {
    let mut context = CallContext::default();
    for (key, raw) in entries {
        let place = || format!("context.{}", key.escape_debug());
        if context.has(&key) {
            return Err(CaseError::new(place(), "occurs more than once"));
        }
        let value = value(raw).map_err(|rule| CaseError::new(place(), rule))?;
        if let Some(value) = value {
            context.insert(key, value);
        }
    }
    Ok(context)
}

/// `None` for `null`, which is an absent key (iam.md §5.3).
fn value(raw: &RawValue) -> Result<Option<Value<'_>>, &'static str> {
    const SHAPE: &str = "has to be a string, a number, a boolean, or a list of them";
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| SHAPE)?;
            let items = items.into_iter().map(|item| scalar(item).ok_or(SHAPE));
            Ok(Some(Value::Multiple(items.collect::<Result<_, _>>()?)))
        }
        _ => scalar(raw).map(|text| Some(Value::Single(text))).ok_or(SHAPE),
    }
}

/// A string, or the text of a number or boolean as written.
fn scalar(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' if !text.contains('\\') => Some(Cow::Borrowed(text.get(1..text.len() - 1)?)),
        b'"' => serde_json::from_str(text).ok().map(|Text(text)| text),
        b'{' | b'[' | b'n' => None,
        _ => Some(Cow::Borrowed(text)),
    }
}

//! A case: one call and the documents that may have a say, read from one line of JSON.

use std::borrow::Cow;

use portcullis_iam::explain::MissingGrant;
use portcullis_iam::{
    Decision, DocumentKind, Explanation, Narrowing, ResourceRule, Value, decide, explain,
};
use portcullis_json::{Buffer, Entries, Items, Json, JsonError, Layer, Tree};

use crate::cache::Cache;
use crate::call::Call;
use crate::context::CallContext;
use crate::documents::{Document, Documents, Level, Validation};
use crate::error::CaseError;
use crate::form::{self, DocumentsForm, Form, excerpt};

/// One call and the documents that may have a say.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    id: Option<&'a str>,
    call: Call<'a>,
    documents: Documents<'a>,
}

/// How a call is explained, beyond what the language says of it.
#[derive(Clone, Copy)]
pub struct Explainer<'e> {
    /// The condition keys by which a grant is made as small as the call.
    pub narrowing: &'e [Narrowing],
    /// The command that makes a grant, if there is one.
    pub command: &'e dyn Fn(&MissingGrant) -> Option<String>,
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
    pub fn new(call: Call<'a>, documents: Documents<'a>) -> Self {
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

    /// Tells `tell` why.
    pub fn explain<T>(
        &self,
        explainer: &Explainer<'_>,
        tell: impl FnOnce(Explanation<'_>) -> T,
    ) -> T {
        self.documents.with(|policies| {
            let explanation = explain(&self.call.request(), policies, explainer.narrowing);
            let explanation = explanation.with_commands(explainer.command);
            tell(explanation.named(|document| self.documents.name(document)))
        })
    }
}

/// Reads cases, and remembers documents that come again.
pub struct CaseReader {
    validation: Validation,
    cache: Cache,
    buffer: Buffer,
}

impl CaseReader {
    /// A reader that has read nothing yet. It holds a few MB, however much it reads.
    #[must_use]
    pub fn new(validation: Validation) -> Self {
        Self { validation, cache: Cache::new(), buffer: Buffer::default() }
    }

    /// Reads a line: a JSON object with the fields `principal`, `action`, `resource` and, if they
    /// apply, `id`, `context` and the documents.
    ///
    /// # Errors
    /// [`Refused`] with what is known of the case: JSON that is broken, a field that is missing,
    /// repeated or of another type, a document that is refused.
    pub fn read<'a>(&mut self, line: &'a str) -> Result<Case<'a>, Refused<'a>> {
        let buffer = std::mem::take(&mut self.buffer);
        let read = match Tree::parse_in(line, buffer) {
            Ok(tree) => {
                let case = self.case(tree.root());
                self.buffer = tree.into_buffer();
                case
            }
            Err(error) => Err(CaseError::json("", &error)),
        };
        read.map_err(|error| Refused { id: form::id_of_broken(line), error })
    }

    fn case<'a>(&mut self, json: Json<'_, 'a>) -> Result<Case<'a>, CaseError> {
        let form = Form::read(json)?;
        let missing = |name| CaseError::new(name, "is missing");
        let resource = form.resource.ok_or_else(|| missing("resource"))?;
        let call = Call::new(
            &form.principal.ok_or_else(|| missing("principal"))?,
            form.action.ok_or_else(|| missing("action"))?,
            resource.arn,
            resource.account_id,
            form.context.map(context).transpose()?.unwrap_or_default(),
        )?;
        Ok(Case { id: form.id, call, documents: self.documents(&form.documents)? })
    }

    #[rustfmt::skip]
    fn documents<'a>(&mut self, form: &DocumentsForm<'_, 'a>) -> Result<Documents<'a>, CaseError> {
        use DocumentKind::{Boundary, Identity, Resource, ResourceControl, ServiceControl, Session};
        let on_resource = || "resourcePolicy".to_owned();
        let resource = form.resource_policy.map(|json| self.document(Resource, None, json, on_resource));
        let identity = self.pool("identityPolicies", Identity, form.identity_policies)?;
        let boundary = self.pool("permissionBoundaries", Boundary, form.permission_boundaries)?;
        Ok(Documents {
            identity: identity.unwrap_or_default(),
            boundary: boundary.unwrap_or_default(),
            session: self.pool("sessionPolicies", Session, form.session_policies)?,
            service_control: self.levels("serviceControlPolicies", ServiceControl, form.service_control_policies)?,
            resource: resource.transpose()?.into_iter().collect(),
            resource_control: self.levels("resourceControlPolicies", ResourceControl, form.resource_control_policies)?,
            resource_rule: ResourceRule::Suffices,
        })
    }

    fn document<'a>(
        &mut self,
        kind: DocumentKind,
        name: Option<Cow<'a, str>>,
        json: Json<'_, 'a>,
        place: impl FnOnce() -> String,
    ) -> Result<Document<'a>, CaseError> {
        let validation = self.validation;
        let policy = self.cache.get_or(kind, json.text(), || validation.read(kind, json));
        let policy = policy.map_err(|error| CaseError::policy(place(), &error))?;
        Ok(Document { name, policy })
    }

    /// A document, bare or under `policy`.
    fn entry<'a>(
        &mut self,
        kind: DocumentKind,
        json: Json<'_, 'a>,
        place: impl Fn() -> String,
    ) -> Result<Document<'a>, CaseError> {
        let Ok(Layer::Object(entries)) = json.layer() else {
            return self.document(kind, None, json, place);
        };
        match (find(&entries, "policy"), find(&entries, "Statement")) {
            (None, _) => self.document(kind, None, json, place),
            (Some(policy), None) => self.document(kind, name(&entries, "name"), policy, place),
            (Some(_), Some(_)) => Err(CaseError::new(place(), "has both a policy and a Statement")),
        }
    }

    fn pool<'a>(
        &mut self,
        name: &str,
        kind: DocumentKind,
        list: Option<Items<'_, 'a>>,
    ) -> Result<Option<Vec<Document<'a>>>, CaseError> {
        let mut entry = |(index, json)| self.entry(kind, json, || format!("{name}[{index}]"));
        list.map(|list| list.enumerate().map(&mut entry).collect()).transpose()
    }

    fn levels<'a>(
        &mut self,
        name: &str,
        kind: DocumentKind,
        list: Option<Items<'_, 'a>>,
    ) -> Result<Option<Vec<Level<'a>>>, CaseError> {
        let mut level = |(at, json)| self.level(kind, json, || format!("{name}[{at}]"));
        list.map(|list| list.enumerate().map(&mut level).collect()).transpose()
    }

    /// `{"orgIdentifier":…,"policies":[…]}`: one level of an organization.
    fn level<'a>(
        &mut self,
        kind: DocumentKind,
        json: Json<'_, 'a>,
        place: impl Fn() -> String,
    ) -> Result<Level<'a>, CaseError> {
        let entries = form::object(json).map_err(|rule| CaseError::new(place(), rule))?;
        let place = || place() + ".policies";
        let policies = find(&entries, "policies").map(form::list).transpose();
        let policies = policies.map_err(|rule| CaseError::new(place(), rule))?;
        let mut documents = Vec::new();
        for (index, json) in policies.into_iter().flatten().enumerate() {
            documents.push(self.entry(kind, json, || format!("{}[{index}]", place()))?);
        }
        Ok(Level { name: name(&entries, "orgIdentifier"), documents })
    }
}

fn find<'t, 'a>(entries: &Entries<'t, 'a>, name: &str) -> Option<Json<'t, 'a>> {
    entries.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
}

/// A name is for explanations only: one that is no string is as good as none.
fn name<'a>(entries: &Entries<'_, 'a>, key: &str) -> Option<Cow<'a, str>> {
    find(entries, key).and_then(|json| form::text(json).ok())
}

fn context<'a>(json: Json<'_, 'a>) -> Result<CallContext<'a>, CaseError> {
    if !json.text().starts_with('{') {
        return Err(CaseError::new("context", "has to be an object"));
    }
    let mut context = CallContext::default();
    for pair in json.pairs() {
        let (key, json) = pair.map_err(|error| CaseError::json("context", &error))?;
        let error = |rule| CaseError::new(format!("context.{}", excerpt(&key)), rule);
        if context.has(&key) {
            return Err(error("occurs more than once".to_owned()));
        }
        if let Some(value) = value(json).map_err(error)? {
            context.insert(key, value);
        }
    }
    Ok(context)
}

/// `None` for `null`, which is an absent key (iam.md §5.3). Numbers and booleans are the text that
/// JSON gives them.
fn value<'a>(json: Json<'_, 'a>) -> Result<Option<Value<'a>>, String> {
    let shape = || "has to be a string, a number, a boolean, or a list of them".to_owned();
    let broken = |error: JsonError| error.to_string();
    let scalar = |json: Json<'_, 'a>| match json.layer().map_err(broken)? {
        Layer::String(text) => Ok(text),
        Layer::Scalar(text) => Ok(text.into()),
        Layer::Object(_) | Layer::Array(_) | Layer::Null => Err(shape()),
    };
    match json.layer().map_err(broken)? {
        Layer::String(text) => Ok(Some(Value::Single(text))),
        Layer::Scalar(text) => Ok(Some(Value::Single(text.into()))),
        Layer::Array(items) => {
            let values: Vec<_> = items.map(scalar).collect::<Result<_, _>>()?;
            Ok(Some(Value::Multiple(values.into())))
        }
        Layer::Null => Ok(None),
        Layer::Object(_) => Err(shape()),
    }
}

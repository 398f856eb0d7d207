//! The grammar of policy documents: JSON to a tree of elements, nothing judged yet beyond shape.
//!
//! What this module accepts has a meaning (see `policy.rs`); whether a document of a given kind may
//! be written like that is judged by `validate.rs`. Source: iam.md §2.1.

use std::borrow::Cow;
use std::fmt;

use portcullis_json::{Entries, Json, Layer, Tree};

use crate::error::{Place, PolicyError, Rule, excerpt};
use crate::operator::Operator;

/// Longest document that is read at all, in bytes.
///
/// Source: botocore, IAM `policyDocumentType`, the largest of the documents' own limits, each of
/// which (iam.md §2.4) is kept by whoever stores the document.
pub const DOCUMENT_BYTES_MAX: usize = 131_072;

/// What a document is attached to, which decides what it may contain. Source: iam.md §2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// On a user, group or role.
    Identity,
    /// On a resource: a function, version or alias.
    Resource,
    /// On a role: who may assume it.
    Trust,
    /// A permissions boundary of a user or role.
    Boundary,
    /// Passed when a session was made.
    Session,
    /// An organization's service control policy.
    ServiceControl,
    /// An organization's resource control policy.
    ResourceControl,
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::Trust => "role trust policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
        })
    }
}

/// What a statement does when it applies. Source: iam.md §2.1, §7.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Permits, unless something denies.
    Allow,
    /// Forbids, whatever allows.
    Deny,
}

/// A document as written.
pub(crate) struct Document<'a> {
    /// Whether `${…}` are variables: under 2012-10-17 only.
    pub(crate) variables: bool,
    pub(crate) has_id: bool,
    pub(crate) statements: Vec<RawStatement>,
    /// The text of each.
    pub(crate) texts: Vec<&'a str>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct RawStatement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    pub(crate) principal: Option<RawPrincipal>,
    pub(crate) action: Listed,
    pub(crate) resource: Option<Listed>,
    pub(crate) conditions: Vec<RawCondition>,
}

/// The strings of an element or of its `Not…` form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Listed {
    pub(crate) negated: bool,
    pub(crate) values: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct RawPrincipal {
    pub(crate) negated: bool,
    pub(crate) who: Who,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// The string `"*"`.
    Everyone,
    Listed(Vec<(PrincipalType, String)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PrincipalType {
    Aws,
    Service,
    Federated,
    CanonicalUser,
}

impl PrincipalType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Service => "Service",
            Self::Federated => "Federated",
            Self::CanonicalUser => "CanonicalUser",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let all = [Self::Aws, Self::Service, Self::Federated, Self::CanonicalUser];
        all.into_iter().find(|known| known.name() == name)
    }
}

/// One key under one operator.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct RawCondition {
    pub(crate) operator: Operator,
    pub(crate) operator_name: String,
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

impl<'a> Document<'a> {
    pub(crate) fn read(json: Json<'_, 'a>) -> Result<Self, PolicyError> {
        let reading = Reading::of(json)?;
        if let Some(error) = reading.errors.into_iter().next() {
            return Err(error);
        }
        let texts = reading.statements.iter().map(|(text, _)| *text).collect();
        let statements = reading.statements.into_iter().map(|(_, read)| read);
        Ok(Self {
            variables: reading.variables,
            has_id: reading.has_id,
            statements: statements.collect::<Result<_, _>>()?,
            texts,
        })
    }
}

/// What can be read of a document, and all that cannot.
#[derive(Default)]
pub(crate) struct Reading<'a> {
    /// As [`Document::variables`].
    pub(crate) variables: bool,
    pub(crate) has_version: bool,
    pub(crate) has_id: bool,
    /// Each statement's text and what it says.
    pub(crate) statements: Vec<(&'a str, Result<RawStatement, PolicyError>)>,
    /// What is wrong beside the statements.
    pub(crate) errors: Vec<PolicyError>,
}

impl<'a> Reading<'a> {
    /// Reads `json`; what is no object, or too long, cannot be read at all.
    pub(crate) fn of(json: Json<'_, 'a>) -> Result<Self, PolicyError> {
        check_length(json.text())?;
        let mut reading = Self::default();
        let mut stated = false;
        for (name, raw) in object(json, &Place::Document)? {
            stated |= name == "Statement";
            let taken = reading.take(&name, raw);
            reading.errors.extend(taken.err());
        }
        if !stated {
            reading.errors.push(Place::Document.breaks(Rule::Missing("Statement")));
        }
        Ok(reading)
    }

    fn take(&mut self, name: &str, raw: Json<'_, 'a>) -> Result<(), PolicyError> {
        let place = &Place::Document.element(name);
        match name {
            "Version" => {
                self.has_version = true;
                self.variables = version(&string(raw, place)?, place)?;
            }
            "Id" => self.has_id = string(raw, place).map(|_| true)?,
            "Statement" => {
                let all = raw.one_or_many().enumerate();
                let read = all.map(|(index, raw)| (raw.text(), RawStatement::parse(index, raw)));
                self.statements = read.collect();
            }
            _ => return Err(Place::Document.breaks(Rule::UnknownElement(excerpt(name)))),
        }
        Ok(())
    }
}

/// Checks size and syntax of the whole text.
pub(crate) fn tree(json: &str) -> Result<Tree<'_>, PolicyError> {
    check_length(json)?;
    Tree::parse(json).map_err(|error| Place::Document.breaks(Rule::json(&error)))
}

fn check_length(json: &str) -> Result<(), PolicyError> {
    if json.len() > DOCUMENT_BYTES_MAX {
        let rule = Rule::TooLong { bytes: json.len(), max: DOCUMENT_BYTES_MAX };
        return Err(Place::Document.breaks(rule));
    }
    Ok(())
}

impl RawStatement {
    /// Reads a statement that stands alone, as if it were the first of a document.
    pub(crate) fn parse_alone(json: &str) -> Result<Self, PolicyError> {
        Self::parse(0, tree(json)?.root())
    }

    fn parse(index: usize, raw: Json<'_, '_>) -> Result<Self, PolicyError> {
        let place = Place::Statement { index, sid: None };
        let entries = object(raw, &place)?;
        let sid =
            find(&entries, "Sid").map(|raw| string(raw, &place.element("Sid"))).transpose()?;
        let place = Place::Statement { index, sid: sid.as_deref() };
        let mut elements = Elements::default();
        for (name, raw) in entries {
            elements.take(&name, raw, &place)?;
        }
        let missing = |name| place.breaks(Rule::Missing(name));
        Ok(Self {
            effect: elements.effect.ok_or_else(|| missing("Effect"))?,
            principal: elements.principal,
            action: elements.action.ok_or_else(|| missing("Action"))?,
            resource: elements.resource,
            conditions: elements.conditions,
            sid: sid.map(Cow::into_owned),
        })
    }
}

/// The elements of a statement while it is read.
#[derive(Default)]
struct Elements {
    effect: Option<Effect>,
    principal: Option<RawPrincipal>,
    action: Option<Listed>,
    resource: Option<Listed>,
    conditions: Vec<RawCondition>,
}

impl Elements {
    fn take(&mut self, name: &str, raw: Json<'_, '_>, at: &Place<'_>) -> Result<(), PolicyError> {
        let place = &at.element(name);
        let negated = name.starts_with("Not");
        match name {
            "Sid" => Ok(()),
            "Effect" => {
                effect(&string(raw, place)?, place).map(|effect| self.effect = Some(effect))
            }
            "Principal" | "NotPrincipal" => {
                let who = who(raw, place)?;
                put(&mut self.principal, RawPrincipal { negated, who }, at, "Principal")
            }
            "Action" | "NotAction" => {
                let values = strings(raw, place)?;
                put(&mut self.action, Listed { negated, values }, at, "Action")
            }
            "Resource" | "NotResource" => {
                let values = strings(raw, place)?;
                put(&mut self.resource, Listed { negated, values }, at, "Resource")
            }
            "Condition" => conditions(raw, place).map(|conditions| self.conditions = conditions),
            _ => Err(at.breaks(Rule::UnknownElement(excerpt(name)))),
        }
    }
}

/// Fills `slot`, which an element and its `Not…` form share.
fn put<T>(
    slot: &mut Option<T>,
    value: T,
    place: &Place<'_>,
    name: &'static str,
) -> Result<(), PolicyError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(place.breaks(Rule::Both(name))),
    }
}

fn version(text: &str, place: &Place<'_>) -> Result<bool, PolicyError> {
    match text {
        "2012-10-17" => Ok(true),
        "2008-10-17" => Ok(false),
        _ => Err(place.breaks(Rule::Version(excerpt(text)))),
    }
}

fn effect(text: &str, place: &Place<'_>) -> Result<Effect, PolicyError> {
    match text {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        _ => Err(place.breaks(Rule::Effect(excerpt(text)))),
    }
}

fn who(raw: Json<'_, '_>, place: &Place<'_>) -> Result<Who, PolicyError> {
    let shape = || place.breaks(Rule::Shape("\"*\" or an object of principal types"));
    let entries = match layer(raw, place)? {
        Layer::String(text) if text == "*" => return Ok(Who::Everyone),
        Layer::Object(entries) => entries,
        _ => return Err(shape()),
    };
    let mut listed = Vec::new();
    for (name, raw) in entries {
        let kind = PrincipalType::parse(&name)
            .ok_or_else(|| place.breaks(Rule::UnknownPrincipalType(excerpt(&name))))?;
        let values = strings(raw, &place.element(&name))?;
        listed.extend(values.into_iter().map(|value| (kind, value)));
    }
    Ok(Who::Listed(listed))
}

fn conditions(raw: Json<'_, '_>, place: &Place<'_>) -> Result<Vec<RawCondition>, PolicyError> {
    let mut conditions = Vec::new();
    for (operator_name, raw) in object(raw, place)? {
        let operator = Operator::parse(&operator_name)
            .ok_or_else(|| place.breaks(Rule::UnknownOperator(excerpt(&operator_name))))?;
        let place = place.element(&operator_name);
        for (key, raw) in object(raw, &place)? {
            let values = scalars(raw, &place.element(&key))?;
            let operator_name = operator_name.clone().into_owned();
            let key = key.into_owned();
            conditions.push(RawCondition { operator, operator_name, key, values });
        }
    }
    Ok(conditions)
}

fn layer<'t, 'a>(raw: Json<'t, 'a>, place: &Place<'_>) -> Result<Layer<'t, 'a>, PolicyError> {
    raw.layer().map_err(|error| place.breaks(Rule::json(&error)))
}

fn find<'t, 'a>(entries: &Entries<'t, 'a>, name: &str) -> Option<Json<'t, 'a>> {
    entries.iter().find(|(key, _)| key == name).map(|(_, raw)| *raw)
}

fn object<'t, 'a>(raw: Json<'t, 'a>, place: &Place<'_>) -> Result<Entries<'t, 'a>, PolicyError> {
    match layer(raw, place)? {
        Layer::Object(entries) => Ok(entries),
        _ => Err(place.breaks(Rule::Shape("an object"))),
    }
}

fn string<'a>(raw: Json<'_, 'a>, place: &Place<'_>) -> Result<Cow<'a, str>, PolicyError> {
    match layer(raw, place)? {
        Layer::String(text) => Ok(text),
        _ => Err(place.breaks(Rule::Shape("a string"))),
    }
}

fn strings(raw: Json<'_, '_>, place: &Place<'_>) -> Result<Vec<String>, PolicyError> {
    raw.one_or_many()
        .map(|item| match layer(item, place)? {
            Layer::String(text) => Ok(text.into_owned()),
            _ => Err(place.breaks(Rule::Shape("a string or a list of strings"))),
        })
        .collect()
}

/// Values of a condition; numbers and booleans become the text that JSON gives them.
fn scalars(raw: Json<'_, '_>, place: &Place<'_>) -> Result<Vec<String>, PolicyError> {
    let shape = "a string, number or boolean, or a list of them";
    raw.one_or_many()
        .map(|item| match layer(item, place)? {
            Layer::String(text) => Ok(text.into_owned()),
            Layer::Scalar(text) => Ok(text.to_owned()),
            _ => Err(place.breaks(Rule::Shape(shape))),
        })
        .collect()
}

//! The stripped model (`models/*.json`) and its merger with the overlay.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::CodegenError;
use super::overlay::{CopyOverlay, Overlay, Permission, ShapeOverlay};

/// One service's stripped model.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    /// Where it comes from, for people.
    pub(crate) source: String,
    pub(crate) metadata: Metadata,
    pub(crate) operations: BTreeMap<String, Operation>,
    pub(crate) shapes: BTreeMap<String, Shape>,
    pub(crate) errors: BTreeMap<String, ErrorShape>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) protocol: String,
    /// Absent where it equals the endpoint's prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signing_name: Option<String>,
    pub(crate) api_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) xml_namespace: Option<String>,
    /// What `X-Amz-Target` begins with, before the dot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target_prefix: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Operation {
    pub(crate) http: Http,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result_wrapper: Option<String>,
    /// The IAM action and resource form; made by [`merge`].
    #[serde(skip)]
    pub(crate) authorization: Option<(String, &'static str)>,
    #[serde(skip)]
    pub(crate) served: bool,
    /// Whether a resource policy can grant it to another account.
    #[serde(skip)]
    pub(crate) cross_account: bool,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Http {
    pub(crate) method: String,
    pub(crate) request_uri: String,
    #[serde(default = "ok", skip_serializing_if = "is_ok")]
    pub(crate) response_code: u16,
}

fn ok() -> u16 {
    200
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_ok(status: &u16) -> bool {
    *status == ok()
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) required: Vec<String>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) members: IndexMap<String, Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) member: Option<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pattern: Option<String>,
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub(crate) choices: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) flattened: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) sensitive: bool,
    /// Where it is not the protocol's own.
    #[serde(rename = "timestampFormat", skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp_format: Option<String>,
    #[serde(skip)]
    pub(crate) pattern_hides_length: bool,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    pub(crate) shape: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location_name: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorShape {
    pub(crate) code: String,
    pub(crate) status: u16,
    pub(crate) message_key: String,
}

impl Shape {
    /// The shapes that this one refers to.
    pub(crate) fn references(&self) -> impl Iterator<Item = &str> {
        let inner = [&self.member, &self.key, &self.value];
        let inner = inner.into_iter().flatten();
        self.members.values().chain(inner).map(|member| member.shape.as_str())
    }

    /// Refers to `new` wherever it referred to `old`; whether it did anywhere.
    fn redirect(&mut self, old: &str, new: &str) -> bool {
        let inner = [&mut self.member, &mut self.key, &mut self.value];
        let all = self.members.values_mut().chain(inner.into_iter().flatten());
        let mut found = false;
        for member in all.filter(|member| member.shape == old) {
            new.clone_into(&mut member.shape);
            found = true;
        }
        found
    }
}

/// A model with its overlay applied.
pub(crate) struct Merged {
    pub(crate) service: String,
    pub(crate) model: Model,
}

impl Merged {
    /// The served operations, in alphabetical order.
    pub(crate) fn served(&self) -> impl Iterator<Item = (&String, &Operation)> {
        self.model.operations.iter().filter(|(_, operation)| operation.served)
    }

    /// A shape by name.
    pub(crate) fn shape(&self, name: &str) -> Result<&Shape, CodegenError> {
        let absent = || CodegenError::Rule(format!("{}: no shape {name}", self.service));
        self.model.shapes.get(name).ok_or_else(absent)
    }
}

/// Applies the overlay; refuses one that names what the model lacks or repeats what it says.
pub(crate) fn merge(
    service: &str,
    mut model: Model,
    overlay: Overlay,
) -> Result<Merged, CodegenError> {
    merge_operations(service, &mut model, &overlay)?;
    for copy in &overlay.copies {
        add_copy(&mut model, copy).map_err(|missing| unknown(service, missing))?;
    }
    for (name, correction) in overlay.shapes {
        let shape = model.shapes.get_mut(&name).ok_or_else(|| unknown(service, &name))?;
        correct(shape, correction)
            .map_err(|why| CodegenError::Rule(format!("overlay/{service}.toml: {name}: {why}")))?;
    }
    for name in overlay.open_enums {
        let shape = model.shapes.get_mut(&name).ok_or_else(|| unknown(service, &name))?;
        shape.choices.clear();
    }
    Ok(Merged { service: service.to_owned(), model })
}

fn merge_operations(
    service: &str,
    model: &mut Model,
    overlay: &Overlay,
) -> Result<(), CodegenError> {
    for name in &overlay.served {
        let operation = model.operations.get_mut(name).ok_or_else(|| unknown(service, name))?;
        operation.served = true;
        if !overlay.operations.contains_key(name) {
            let text = format!("overlay/{service}.toml: served {name} has no row in [operations]");
            return Err(CodegenError::Rule(text));
        }
    }
    for name in &overlay.cross_account {
        let operation = model.operations.get_mut(name).ok_or_else(|| unknown(service, name))?;
        operation.cross_account = true;
    }
    for (name, row) in &overlay.operations {
        let operation = model.operations.get_mut(name).ok_or_else(|| unknown(service, name))?;
        operation.http.response_code = row.status.unwrap_or(operation.http.response_code);
        let action = row.action.clone().unwrap_or_else(|| format!("{service}:{name}"));
        operation.authorization = match (row.resource.as_deref().map(form), row.permission) {
            (Some(Some(form)), None) => Some((action, form)),
            (None, Some(Permission::Unneeded)) => None,
            _ => {
                let text = format!("overlay/{service}.toml: {name} needs one known resource form");
                return Err(CodegenError::Rule(text));
            }
        };
    }
    Ok(())
}

/// Adds a copy of a shape and has it used; the name of what the model lacks otherwise.
fn add_copy<'a>(model: &mut Model, copy: &'a CopyOverlay) -> Result<(), &'a str> {
    let original = model.shapes.get(&copy.of).ok_or(copy.of.as_str())?.clone();
    model.shapes.insert(copy.name.clone(), original);
    for user in &copy.used_in {
        let shape = model.shapes.get_mut(user).ok_or(user.as_str())?;
        if !shape.redirect(&copy.of, &copy.name) {
            return Err(user);
        }
    }
    Ok(())
}

fn unknown(service: &str, name: &str) -> CodegenError {
    CodegenError::Rule(format!("overlay/{service}.toml: the model has no {name}"))
}

/// The `ResourceForm` variant of an overlay's short name.
fn form(short: &str) -> Option<&'static str> {
    Some(match short {
        "*" => "Any",
        "F" => "Function",
        "FQ" => "QualifiedFunction",
        "F+CSC" => "FunctionAndCodeSigningConfig",
        "L" => "Layer",
        "LV" => "LayerVersion",
        "ESM" => "EventSourceMapping",
        "CSC" => "CodeSigningConfig",
        "CP" => "CapacityProvider",
        "DX" => "DurableExecution",
        "ARN" => "ArnInPath",
        "USER" => "User",
        "GROUP" => "Group",
        "POLICY" => "Policy",
        "OIDC" => "OidcProvider",
        "ENTITY" => "UserGroupOrRole",
        "ROLE" => "Role",
        "FEDERATED_USER" => "FederatedUser",
        "ACCOUNT" => "OrganizationAccount",
        "OU" => "OrganizationalUnit",
        "PARENT" => "RootOrOrganizationalUnit",
        "CHILD" => "AccountOrOrganizationalUnit",
        "ROOT" => "OrganizationRoot",
        "TARGET" => "PolicyTarget",
        "TAGGED" => "TaggedPartOfOrganization",
        "SCP" => "OrganizationPolicy",
        _ => return None,
    })
}

fn correct(shape: &mut Shape, correction: ShapeOverlay) -> Result<(), &'static str> {
    if correction.pattern.is_some() && correction.pattern == shape.pattern {
        return Err("the pattern is the model's own: remove it");
    }
    let same: BTreeSet<_> = correction.choices.iter().collect();
    if !correction.choices.is_empty() && same != shape.choices.iter().collect() {
        return Err("the choices are not the model's in another order");
    }
    if correction.unbounded {
        (shape.min, shape.max) = (None, None);
    }
    if let Some(max) = correction.max {
        shape.max = Some(max.into());
    }
    shape.pattern = correction.pattern.or(shape.pattern.take());
    if !correction.choices.is_empty() {
        shape.choices = correction.choices;
    }
    shape.pattern_hides_length |= correction.pattern_hides_length;
    shape.sensitive |= correction.sensitive;
    shape.required.retain(|name| !correction.optional.contains(name));
    Ok(())
}

//! What a deployment would do, without doing it.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::{
    Artifacts, DeployError, Place, Server, StackName, StackRecord, Template,
    expression::{Attributes, Scope},
    kinds::{Kind, typed},
    order::order,
    record::Kept,
    template::Resource,
};

/// A deployment that can be planned: a template, and what there is on the server.
#[derive(Debug)]
pub struct Planner<'a, S> {
    pub(crate) server: &'a S,
    pub(crate) template: &'a Template,
    pub(crate) artifacts: &'a Artifacts,
    pub(crate) stack: &'a StackName,
    pub(crate) record: StackRecord,
    place: &'a Place,
}

/// What would be done, in this order.
#[derive(Clone, Debug)]
pub struct Plan {
    /// One for each resource of the template and of the stack.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.change == Change::Keep)
    }
}

/// What would be done to one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name in the template.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// What would be done.
    pub change: Change,
    /// What whoever has it should know, unless it goes.
    pub remark: Option<&'static str>,
}

/// What a deployment does to a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Keep,
    /// It is made: it is new, or somebody else deleted it.
    Create,
    /// It is changed as it is.
    Update(Vec<Difference>),
    /// Another is made in its place.
    Replace(Vec<Difference>),
    /// It is deleted: the template has it no more.
    Delete,
    /// It stays, and the stack has it no more, as its `DeletionPolicy` says.
    Release,
}

/// A property that changes. Absent values are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The property.
    pub property: String,
    /// Its value now.
    pub old: Option<Value>,
    /// Its value then.
    pub new: Option<Value>,
}

impl<'a, S: Server> Planner<'a, S> {
    /// Reads the stack's record. The template has been told the place ([`Template::choose`]).
    ///
    /// # Errors
    /// [`DeployError`] when the server refuses or does not answer.
    pub async fn new(
        server: &'a S,
        place: &'a Place,
        stack: &'a StackName,
        (template, artifacts): (&'a Template, &'a Artifacts),
    ) -> Result<Self, DeployError> {
        let record = StackRecord::load(server, stack).await?;
        Ok(Self { server, template, artifacts, stack, record, place })
    }

    /// Compares the template with what there is.
    ///
    /// # Errors
    /// [`DeployError`] when an expression cannot be resolved, or the server does not answer.
    pub async fn plan(&self) -> Result<Plan, DeployError> {
        // What each resource will be; none for those that will be new.
        let mut future: IndexMap<String, Option<Kept>> = IndexMap::new();
        let mut owners = Owners::default();
        let mut steps = Vec::new();
        for (name, resource) in order(&self.template.resources)? {
            let properties = self.properties(resource, &|resource, attribute| {
                Ok(foreseen(&future, resource, attribute))
            });
            let change = async {
                let properties = properties?;
                owners.take(name, resource.kind, &properties)?;
                self.change(name, resource, &properties).await
            };
            let change = change.await.map_err(|error| error.at(name))?;
            let stays = matches!(change, Change::Keep | Change::Update(_));
            let kept = self.record.resources.get(name).filter(|_| stays).cloned();
            future.insert(name.clone(), kept);
            let (kind, remark) = (resource.kind.name().to_owned(), resource.kind.remark());
            steps.push(Step { name: name.clone(), kind, change, remark });
        }
        // What cannot be told in the end is refused now.
        self.template.outputs(
            &self.scope(&|resource, attribute| Ok(foreseen(&future, resource, attribute))),
        )?;
        let gone =
            self.record.resources.iter().rev().filter(|(name, _)| !future.contains_key(*name));
        steps.extend(gone.map(|(name, kept)| Step {
            name: name.clone(),
            kind: kept.type_name().to_owned(),
            change: if kept.retain { Change::Release } else { Change::Delete },
            remark: None,
        }));
        Ok(Plan { steps })
    }

    pub(crate) fn scope<'s>(&'s self, attributes: &'s Attributes<'s>) -> Scope<'s> {
        Scope { template: self.template, pseudo: &self.place.0, attributes, is_condition: false }
    }

    /// The properties of a resource, where `attributes` tells what others are.
    pub(crate) fn properties(
        &self,
        resource: &Resource,
        attributes: &Attributes<'_>,
    ) -> Result<Value, DeployError> {
        let resolved = self.scope(attributes).resolve(&resource.properties)?;
        Ok(typed(resolved.unwrap_or_else(|| json!({}))))
    }

    async fn change(
        &self,
        name: &str,
        resource: &Resource,
        properties: &Value,
    ) -> Result<Change, DeployError> {
        let Some(kept) = self.record.resources.get(name) else { return Ok(Change::Create) };
        if kept.type_name() != resource.kind.name() {
            let why = format!(
                "its type was {} and is {}: a resource of another type needs another name",
                kept.type_name(),
                resource.kind.name()
            );
            return Err(DeployError::Template(why));
        }
        if !resource.kind.exists(self.server, &kept.made(), kept.properties()).await? {
            return Ok(Change::Create);
        }
        let differences = self.shown(resource, differences(kept.properties(), properties));
        if differences.iter().any(|one| resource.kind.is_replacing(&one.property)) {
            let is_beside = resource.kind.is_beside(kept.properties(), properties);
            if resource.retain_replaced && !is_beside {
                let why = "what it is to replace has its name, and cannot be retained as its \
                           UpdateReplacePolicy says";
                return Err(DeployError::Template(why.to_owned()));
            }
            return Ok(Change::Replace(differences));
        }
        if !differences.is_empty() {
            return Ok(Change::Update(differences));
        }
        let policy = |retain| Some(Value::from(if retain { "Retain" } else { "Delete" }));
        Ok(if kept.retain == resource.retain {
            Change::Keep
        } else {
            Change::Update(vec![Difference {
                property: "DeletionPolicy".to_owned(),
                old: policy(kept.retain),
                new: policy(resource.retain),
            }])
        })
    }

    /// The differences as they may be shown: without what a parameter with `NoEcho` has part in.
    fn shown(&self, resource: &Resource, differences: Vec<Difference>) -> Vec<Difference> {
        let hidden = |value: Option<Value>| value.map(|_| "(not shown)".into());
        let shown = differences.into_iter().map(|one| {
            if !self.template.is_secret(resource, &one.property) {
                return one;
            }
            Difference { property: one.property, old: hidden(one.old), new: hidden(one.new) }
        });
        shown.collect()
    }
}

/// Whose each name is that a template gives: two resources of one name would be one.
#[derive(Debug, Default)]
struct Owners(IndexMap<(&'static str, String), String>);

impl Owners {
    fn take(&mut self, name: &str, kind: Kind, properties: &Value) -> Result<(), DeployError> {
        let Some(own) = kind.own_name(properties) else { return Ok(()) };
        let own = Value::from(own).to_string();
        match self.0.insert((kind.name(), own), name.to_owned()) {
            Some(other) => Err(DeployError::Template(format!("it has the name that {other} has"))),
            None => Ok(()),
        }
    }
}

/// What is known of a resource's attribute before it is made.
fn foreseen(
    future: &IndexMap<String, Option<Kept>>,
    resource: &str,
    attribute: Option<&str>,
) -> Value {
    let kept = future.get(resource).and_then(Option::as_ref);
    kept.and_then(|kept| kept.attribute(attribute)).unwrap_or_else(|| {
        let dotted = attribute.map(|attribute| format!(".{attribute}")).unwrap_or_default();
        format!("(known after the deployment: {resource}{dotted})").into()
    })
}

/// The properties that differ.
pub(crate) fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let empty = Map::new();
    let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    let differing = names.filter(|name| old.get(*name) != new.get(*name));
    differing
        .map(|name| Difference {
            property: name.clone(),
            old: old.get(name).cloned(),
            new: new.get(name).cloned(),
        })
        .collect()
}

//! What a deployment would do, without doing it.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::{
    Artifacts, DeployError, Server, StackName, StackRecord, Template,
    archive::digest,
    expression::Scope,
    kinds::typed,
    order::order,
    record::Kept,
    server::{element, query},
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
    pseudo: Map<String, Value>,
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
    /// Reads the stack's record, and in whose account all this is.
    ///
    /// # Errors
    /// [`DeployError`] when the server refuses or does not answer.
    pub async fn new(
        server: &'a S,
        template: &'a Template,
        artifacts: &'a Artifacts,
        stack: &'a StackName,
    ) -> Result<Self, DeployError> {
        let identity = query(server, "sts", "GetCallerIdentity", &[]).await?;
        let account = element(&identity, "Account")?;
        let arn = element(&identity, "Arn")?;
        let partition = arn.split(':').nth(1).unwrap_or("aws");
        let pseudo = pseudo(server.region(), &account, partition, stack);
        let record = StackRecord::load(server, stack).await?;
        Ok(Self { server, template, artifacts, stack, record, pseudo })
    }

    /// Compares the template with what there is.
    ///
    /// # Errors
    /// [`DeployError`] when an expression cannot be resolved, or the server does not answer.
    pub async fn plan(&self) -> Result<Plan, DeployError> {
        // What each resource will be; none for those that will be new.
        let mut future: IndexMap<String, Option<Kept>> = IndexMap::new();
        let mut steps = Vec::new();
        for (name, resource) in self.wanted()? {
            let properties = self.properties(resource, &|resource, attribute| {
                Ok(foreseen(&future, resource, attribute))
            });
            let properties = properties.map_err(|error| error.at(&name))?;
            let change = self.change(&name, resource, &properties).await;
            let change = change.map_err(|error| error.at(&name))?;
            let stays = matches!(change, Change::Keep | Change::Update(_));
            let kept = self.record.resources.get(&name).filter(|_| stays).cloned();
            future.insert(name.clone(), kept);
            let (kind, remark) = (resource.kind.name().to_owned(), resource.kind.remark());
            steps.push(Step { name, kind, change, remark });
        }
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

    /// The resources whose conditions hold, in the order in which they are made.
    fn wanted(&self) -> Result<Vec<(String, &'a Resource)>, DeployError> {
        let nothing = |_: &str, _: Option<&str>| Ok(Value::Null);
        let scope = self.scope(&nothing);
        let mut wanted = Vec::new();
        for name in order(&self.template.resources)? {
            if let Some(resource) = self.template.resources.get(&name) {
                let condition = resource.condition.as_deref();
                if condition.map_or(Ok(true), |condition| scope.condition(condition))? {
                    wanted.push((name, resource));
                }
            }
        }
        Ok(wanted)
    }

    pub(crate) fn scope<'s>(
        &'s self,
        attributes: &'s crate::expression::Attributes<'s>,
    ) -> Scope<'s> {
        Scope { template: self.template, pseudo: &self.pseudo, attributes }
    }

    /// The properties of a resource, where `attributes` tells what others are.
    pub(crate) fn properties(
        &self,
        resource: &Resource,
        attributes: &crate::expression::Attributes<'_>,
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
        let differences = differences(kept.properties(), properties);
        if differences.is_empty() {
            return Ok(Change::Keep);
        }
        let replaces = differences.iter().any(|one| resource.kind.is_replacing(&one.property));
        Ok(if replaces { Change::Replace(differences) } else { Change::Update(differences) })
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

/// CloudFormation's pseudo parameters.
fn pseudo(region: &str, account: &str, partition: &str, stack: &StackName) -> Map<String, Value> {
    let unique = digest(format!("{account}/{region}/{stack}").as_bytes());
    let id = format!("arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/{unique}");
    let suffix = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    let texts = [
        ("AWS::AccountId", account),
        ("AWS::Partition", partition),
        ("AWS::Region", region),
        ("AWS::StackId", &id),
        ("AWS::StackName", stack.as_str()),
        ("AWS::URLSuffix", suffix),
    ];
    let mut pseudo: Map<String, Value> =
        texts.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    pseudo.insert("AWS::NotificationARNs".to_owned(), json!([]));
    pseudo
}

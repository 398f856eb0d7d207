//! The types of resources that are served, and what a deployment does for each.

mod alias;
mod event_invoke;
mod event_source;
mod function;
mod layer;
mod permission;
mod policy;
mod provisioned;
mod role;
mod url;
mod version;

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value, json};

use crate::{
    Artifacts, DeployError, Server,
    expression::text_of,
    server::{lambda, part},
};

/// A type of resource that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Alias,
    EventInvokeConfig,
    EventSourceMapping,
    Function,
    LayerVersion,
    LayerVersionPermission,
    ManagedPolicy,
    Permission,
    Policy,
    Role,
    Url,
    Version,
}

/// What is fixed of a type: its name, the properties that are served, those of them whose change
/// needs another resource in the place of this one, those that name it (the first is always there
/// when it is named), and what `Fn::GetAtt` gives.
struct Row {
    name: &'static str,
    properties: &'static [&'static str],
    replacing: &'static [&'static str],
    naming: &'static [&'static str],
    attributes: &'static [&'static str],
}

/// A resource as it is after it was made or changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Made {
    /// What names it; the value of `Ref`.
    pub(crate) physical: String,
    /// What `Fn::GetAtt` gives.
    pub(crate) attributes: BTreeMap<String, Value>,
}

impl Made {
    fn new<'a>(physical: &str, attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let attributes = attributes.into_iter();
        Self {
            physical: physical.to_owned(),
            attributes: attributes.map(|(name, value)| (name.to_owned(), value.into())).collect(),
        }
    }
}

/// What a call for a resource needs to know.
pub(crate) struct Site<'a, S> {
    pub(crate) server: &'a S,
    pub(crate) artifacts: &'a Artifacts,
    pub(crate) stack: &'a str,
    /// A name for it that no other resource has, for types whose name is optional.
    pub(crate) generated: &'a str,
}

impl Kind {
    const ALL: [Self; 12] = [
        Self::Alias,
        Self::EventInvokeConfig,
        Self::EventSourceMapping,
        Self::Function,
        Self::LayerVersion,
        Self::LayerVersionPermission,
        Self::ManagedPolicy,
        Self::Permission,
        Self::Policy,
        Self::Role,
        Self::Url,
        Self::Version,
    ];

    fn row(self) -> &'static Row {
        match self {
            Self::Alias => &alias::ROW,
            Self::EventInvokeConfig => &event_invoke::ROW,
            Self::EventSourceMapping => &event_source::ROW,
            Self::Function => &function::ROW,
            Self::LayerVersion => &layer::VERSION,
            Self::LayerVersionPermission => &layer::PERMISSION,
            Self::ManagedPolicy => &policy::MANAGED,
            Self::Permission => &permission::ROW,
            Self::Policy => &policy::INLINE,
            Self::Role => &role::ROW,
            Self::Url => &url::ROW,
            Self::Version => &version::ROW,
        }
    }

    /// The type of this name, if it is served.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// `AWS::…::…`.
    pub(crate) fn name(self) -> &'static str {
        self.row().name
    }

    pub(crate) fn properties(self) -> &'static [&'static str] {
        self.row().properties
    }

    /// What whoever deploys one should know.
    pub(crate) fn remark(self) -> Option<&'static str> {
        (self == Self::EventSourceMapping).then_some(event_source::REMARK)
    }

    /// Whether a change of this property needs another resource.
    pub(crate) fn is_replacing(self, property: &str) -> bool {
        self.row().replacing.contains(&property)
    }

    /// What `Fn::GetAtt` gives.
    pub(crate) fn attributes(self) -> &'static [&'static str] {
        self.row().attributes
    }

    /// The name that the template gives to a resource, in parts: no other one can have it.
    pub(crate) fn own_name(self, properties: &Value) -> Option<Vec<Value>> {
        let naming = self.row().naming;
        properties.get(naming.first()?)?;
        let part = |name: &&str| properties.get(*name).cloned().unwrap_or_default();
        Some(naming.iter().map(part).collect())
    }

    /// Whether the next one can be there beside the present one: those that are numbered, what gets
    /// another name, and grants on something else.
    pub(crate) fn is_beside(self, old: &Value, new: &Value) -> bool {
        let differs = |property: &str| old.get(property) != new.get(property);
        match self {
            Self::LayerVersion | Self::Version => true,
            Self::LayerVersionPermission => differs("LayerVersionArn"),
            Self::Permission => differs("FunctionName"),
            _ => self.own_name(old) != self.own_name(new),
        }
    }

    pub(crate) async fn create<S: Server>(
        self,
        site: &Site<'_, S>,
        properties: &Value,
    ) -> Result<Made, DeployError> {
        match self {
            Self::Alias => alias::create(site, properties).await,
            Self::EventInvokeConfig => event_invoke::create(site, properties).await,
            Self::EventSourceMapping => event_source::create(site, properties).await,
            Self::Function => function::create(site, properties).await,
            Self::LayerVersion => layer::publish(site, properties).await,
            Self::LayerVersionPermission => layer::grant(site, properties).await,
            Self::ManagedPolicy => policy::create(site, properties).await,
            Self::Permission => permission::create(site, properties).await,
            Self::Policy => policy::put(site, &json!({}), properties).await,
            Self::Role => role::create(site, properties).await,
            Self::Url => url::create(site, properties).await,
            Self::Version => version::publish(site, properties).await,
        }
    }

    /// Changes what is there from `old` to `new` properties.
    pub(crate) async fn update<S: Server>(
        self,
        site: &Site<'_, S>,
        made: &Made,
        old: &Value,
        new: &Value,
    ) -> Result<Made, DeployError> {
        match self {
            Self::Alias => alias::update(site, old, new).await,
            Self::EventInvokeConfig => event_invoke::put(site, new).await,
            Self::EventSourceMapping => event_source::update(site, made, old, new).await,
            Self::Function => function::update(site, made, old, new).await,
            Self::ManagedPolicy => policy::update(site, made, old, new).await,
            Self::Policy => policy::put(site, old, new).await,
            Self::Role => role::update(site, made, old, new).await,
            Self::Url => url::update(site, made, new).await,
            // Every property of these is a replacing one.
            Self::LayerVersion
            | Self::LayerVersionPermission
            | Self::Permission
            | Self::Version => Ok(made.clone()),
        }
    }

    /// Deletes what is there. That it is not there is no error.
    pub(crate) async fn delete<S: Server>(
        self,
        server: &S,
        made: &Made,
        properties: &Value,
    ) -> Result<(), DeployError> {
        let deleted = match self {
            Self::Alias => alias::delete(server, properties).await,
            Self::EventInvokeConfig => event_invoke::delete(server, properties).await,
            Self::EventSourceMapping => event_source::delete(server, made).await,
            Self::Function => function::delete(server, made).await,
            Self::LayerVersion => layer::delete(server, made).await,
            Self::LayerVersionPermission => layer::revoke(server, made, properties).await,
            Self::ManagedPolicy => policy::delete(server, made, properties).await,
            Self::Permission => permission::delete(server, made, properties).await,
            Self::Policy => policy::remove(server, properties).await,
            Self::Role => role::delete(server, made, properties).await,
            Self::Url => url::delete(server, properties).await,
            Self::Version => version::delete(server, made).await,
        };
        deleted.or_else(|error| if error.is_absence() { Ok(()) } else { Err(error) })
    }

    /// Whether what an earlier deployment made is still there.
    pub(crate) async fn exists<S: Server>(
        self,
        server: &S,
        made: &Made,
        properties: &Value,
    ) -> Result<bool, DeployError> {
        let found = match self {
            Self::Alias => alias::find(server, properties).await,
            Self::EventInvokeConfig => event_invoke::find(server, properties).await,
            Self::EventSourceMapping => event_source::find(server, made).await,
            Self::Function => function::find(server, made).await,
            Self::LayerVersion => layer::find(server, made).await,
            Self::LayerVersionPermission => layer::find_grant(server, made, properties).await,
            Self::ManagedPolicy => policy::find(server, made).await,
            Self::Permission => permission::find(server, made, properties).await,
            Self::Policy => policy::find_inline(server, properties).await,
            Self::Role => role::find(server, made).await,
            Self::Url => url::find(server, properties).await,
            Self::Version => version::find(server, made).await,
        };
        found.or_else(|error| if error.is_absence() { Ok(false) } else { Err(error) })
    }
}

/// The properties that are numbers, by whichever type; CloudFormation takes them as texts, too.
const NUMBERS: [&str; 19] = [
    "BatchSize",
    "FunctionWeight",
    "MaxAge",
    "MaxSessionDuration",
    "MaximumBatchingWindowInSeconds",
    "MaximumConcurrency",
    "MaximumEventAgeInSeconds",
    "MaximumPollers",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "MemorySize",
    "MinimumPollers",
    "ParallelizationFactor",
    "ProvisionedConcurrentExecutions",
    "ReservedConcurrentExecutions",
    "Size",
    "StartingPositionTimestamp",
    "Timeout",
    "TumblingWindowInSeconds",
];

const BOOLEANS: [&str; 4] =
    ["AllowCredentials", "BisectBatchOnFunctionError", "Enabled", "InvokedViaFunctionUrl"];

/// What is taken as it is: policies have types of their own.
const DOCUMENTS: [&str; 2] = ["AssumeRolePolicyDocument", "PolicyDocument"];

/// Resolved properties, each scalar of the type that the API has.
pub(crate) fn typed(properties: Value) -> Value {
    match properties {
        Value::Object(members) => {
            let typed = |(name, value): (String, Value)| {
                let value = match name.as_str() {
                    name if DOCUMENTS.contains(&name) => value,
                    "Variables" | "Tags" => texts(value),
                    name if NUMBERS.contains(&name) => number(value),
                    name if BOOLEANS.contains(&name) => match value.as_str() {
                        Some("true") => true.into(),
                        Some("false") => false.into(),
                        _ => value,
                    },
                    _ => typed(value),
                };
                (name, value)
            };
            Value::Object(members.into_iter().map(typed).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(typed).collect()),
        other => scalar(other),
    }
}

fn number(value: Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    let parsed = text.parse::<i64>().map(Value::from).ok();
    parsed.or_else(|| text.parse::<f64>().map(Value::from).ok()).unwrap_or(value)
}

fn texts(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, texts(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(texts).collect()),
        other => scalar(other),
    }
}

fn scalar(value: Value) -> Value {
    if value.is_number() || value.is_boolean() { text_of(&value).into() } else { value }
}

/// A property that has to be there.
fn required<'a>(properties: &'a Value, name: &str) -> Result<&'a str, DeployError> {
    let found = properties.get(name).and_then(Value::as_str);
    found.ok_or_else(|| DeployError::Template(format!("the property {name} is missing")))
}

/// A property that may be there.
fn optional<'a>(properties: &'a Value, name: &str) -> Option<&'a str> {
    properties.get(name).and_then(Value::as_str)
}

/// These properties, as far as they are there.
fn only(properties: &Value, names: &[&str]) -> Map<String, Value> {
    let there = |name: &&str| Some(((*name).to_owned(), properties.get(*name)?.clone()));
    names.iter().filter_map(there).collect()
}

/// The items of a list property; none when it is absent.
fn items<'a>(properties: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    properties.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// `[{"Key": …, "Value": …}]` as pairs.
fn tags(properties: &Value) -> BTreeMap<String, String> {
    let member = |tag: &Value, name: &str| text_of(tag.get(name).unwrap_or(&Value::Null));
    items(properties, "Tags").map(|tag| (member(tag, "Key"), member(tag, "Value"))).collect()
}

/// The tag that tells whose a resource is.
const STACK_TAG: &str = "portcullis:stack";

/// The tags of what Lambda keeps: its own, and whose it is.
fn all_tags<S>(site: &Site<'_, S>, properties: &Value) -> BTreeMap<String, String> {
    let mut tags = tags(properties);
    tags.insert(STACK_TAG.to_owned(), site.stack.to_owned());
    tags
}

/// Changes the tags of what Lambda keeps under this ARN.
async fn retag<S: Server>(
    site: &Site<'_, S>,
    arn: &str,
    old: &Value,
    new: &Value,
) -> Result<(), DeployError> {
    let (before, after) = (tags(old), all_tags(site, new));
    if before == tags(new) {
        return Ok(());
    }
    let path = format!("/2017-03-31/tags/{}", part(arn));
    let gone: Vec<_> = before.keys().filter(|key| !after.contains_key(*key)).collect();
    if !gone.is_empty() {
        let keys: Vec<_> = gone.iter().map(|key| format!("tagKeys={}", part(key))).collect();
        let path = format!("{path}?{}", keys.join("&"));
        lambda(site.server, Method::DELETE, path, None).await?;
    }
    lambda(site.server, Method::POST, path, Some(&json!({"Tags": after}))).await.map(drop)
}

/// The function that a property names, by name or ARN with or without a qualifier, as a part of a
/// path; and the query that carries the qualifier.
struct Of {
    function: String,
    query: String,
}

impl Of {
    fn property(properties: &Value, name: &str) -> Result<Self, DeployError> {
        Ok(Self::named(required(properties, name)?, optional(properties, "Qualifier")))
    }

    fn named(text: &str, qualifier: Option<&str>) -> Self {
        let (function, own) = match text.splitn(8, ':').collect::<Vec<_>>().as_slice() {
            [arn @ .., own] if arn.len() == 7 => (arn.join(":"), Some((*own).to_owned())),
            _ => (text.to_owned(), None),
        };
        let qualifier = qualifier.map(str::to_owned).or(own);
        let query = qualifier.map(|qualifier| format!("?Qualifier={}", part(&qualifier)));
        Self { function: part(&function), query: query.unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Kind, Of, typed};

    #[test]
    fn scalars_get_the_types_of_the_api() {
        let given = json!({
            "MemorySize": "256", "Timeout": 3, "Description": 5,
            "Environment": {"Variables": {"Timeout": 5, "DEBUG": true}},
            "Tags": [{"Key": "Size", "Value": 1}],
            "InvokedViaFunctionUrl": "true",
            "AssumeRolePolicyDocument": {"Condition": {"Bool": {"x": true}}},
            "RoutingConfig": {"AdditionalVersionWeights": [{"FunctionVersion": 2, "FunctionWeight": "0.5"}]},
        });
        let want = json!({
            "MemorySize": 256, "Timeout": 3, "Description": "5",
            "Environment": {"Variables": {"Timeout": "5", "DEBUG": "true"}},
            "Tags": [{"Key": "Size", "Value": "1"}],
            "InvokedViaFunctionUrl": true,
            "AssumeRolePolicyDocument": {"Condition": {"Bool": {"x": true}}},
            "RoutingConfig": {"AdditionalVersionWeights": [{"FunctionVersion": "2", "FunctionWeight": 0.5}]},
        });
        assert_eq!(typed(given), want);
    }

    #[test]
    fn a_function_is_named_by_name_or_arn_and_a_qualifier_is_found() {
        let arn = "arn:aws:lambda:us-east-1:111111111111:function:f";
        for (text, qualifier, want) in [
            ("f", None, ("f", "")),
            ("f", Some("live"), ("f", "?Qualifier=live")),
            (arn, Some("$LATEST"), (&*arn.replace(':', "%3A"), "?Qualifier=%24LATEST")),
            (&*format!("{arn}:live"), None, (&*arn.replace(':', "%3A"), "?Qualifier=live")),
        ] {
            let of = Of::named(text, qualifier);
            assert_eq!((of.function.as_str(), of.query.as_str()), want, "{text}");
        }
    }

    #[test]
    fn what_replaces_is_a_property() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
            for property in kind.row().replacing {
                assert!(kind.properties().contains(property), "{kind:?} {property}");
            }
            for property in kind.row().naming {
                assert!(kind.is_replacing(property) || kind == Kind::Policy, "{kind:?} {property}");
            }
        }
    }
}

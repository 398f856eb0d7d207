//! A template, read: parameters with their values, conditions, resources and outputs.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::{DeployError, expression::Scope, kinds::Kind};

/// Values for a template's parameters, by name.
pub type Parameters = BTreeMap<String, String>;

/// A template whose parameters have values and whose members are all known.
#[derive(Clone, Debug)]
pub struct Template {
    pub(crate) parameters: Map<String, Value>,
    pub(crate) mappings: Value,
    pub(crate) conditions: Map<String, Value>,
    pub(crate) resources: IndexMap<String, Resource>,
    outputs: Map<String, Value>,
    unserved: Vec<(String, String)>,
}

/// A resource as the template has it, its expressions not resolved.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) kind: Kind,
    pub(crate) properties: Value,
    pub(crate) depends_on: Vec<String>,
    pub(crate) condition: Option<String>,
    pub(crate) retain: bool,
}

/// The sections that are read, or say nothing about resources.
const SECTIONS: [&str; 9] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Transform",
    "Parameters",
    "Mappings",
    "Conditions",
    "Resources",
    "Outputs",
];

/// The members of a resource that are read, or say nothing about it.
const MEMBERS: [&str; 7] = [
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Metadata",
];

impl Template {
    /// Reads a template in CloudFormation's JSON form.
    ///
    /// # Errors
    /// [`DeployError`] naming the section, parameter or resource that breaks a rule.
    pub fn read(template: &Value, given: &Parameters) -> Result<Self, DeployError> {
        known(template, &SECTIONS).map_err(DeployError::Template)?;
        let section = |name| template.get(name).and_then(Value::as_object).cloned();
        let mut resources = IndexMap::new();
        let mut unserved = Vec::new();
        for (name, resource) in &section("Resources").unwrap_or_default() {
            let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
            match Kind::named(kind) {
                None => unserved.push((name.clone(), kind.to_owned())),
                Some(kind) => {
                    let read = Resource::read(kind, resource)
                        .map_err(|why| DeployError::Resource { resource: name.clone(), why })?;
                    resources.insert(name.clone(), read);
                }
            }
        }
        let parameters = parameters(&section("Parameters").unwrap_or_default(), given)?;
        Ok(Self {
            parameters,
            mappings: template.get("Mappings").cloned().unwrap_or_default(),
            conditions: section("Conditions").unwrap_or_default(),
            resources,
            outputs: section("Outputs").unwrap_or_default(),
            unserved,
        })
    }

    /// The resources whose type is not served: name and type.
    #[must_use]
    pub fn unserved(&self) -> &[(String, String)] {
        &self.unserved
    }

    /// Leaves out every resource whose type is not served, and each that refers to one left out;
    /// answers the names of the latter.
    pub fn skip_unserved(&mut self) -> Vec<String> {
        let mut absent: Vec<String> =
            std::mem::take(&mut self.unserved).into_iter().map(|(name, _)| name).collect();
        let mut followers = Vec::new();
        loop {
            let refers = |resource: &Resource| {
                resource.references().iter().any(|name| absent.contains(name))
            };
            let found: Vec<String> = self
                .resources
                .iter()
                .filter(|(_, resource)| refers(resource))
                .map(|(name, _)| name.clone())
                .collect();
            if found.is_empty() {
                break;
            }
            self.resources.retain(|name, _| !found.contains(name));
            followers.extend(found.iter().cloned());
            absent.extend(found);
        }
        self.outputs.retain(|_, output| {
            !crate::expression::references(output).iter().any(|name| absent.contains(name))
        });
        followers
    }

    /// The outputs whose conditions hold, as `scope` resolves them.
    pub(crate) fn outputs(&self, scope: &Scope<'_>) -> Result<Vec<(String, String)>, DeployError> {
        let mut outputs = Vec::new();
        for (name, output) in &self.outputs {
            let condition = output.get("Condition").and_then(Value::as_str);
            if condition.map_or(Ok(true), |condition| scope.condition(condition))? {
                let value = output.get("Value").unwrap_or(&Value::Null);
                let value = scope.resolve(value).map_err(|error| error.at(name))?;
                outputs
                    .push((name.clone(), crate::expression::text_of(&value.unwrap_or_default())));
            }
        }
        Ok(outputs)
    }
}

impl Resource {
    fn read(kind: Kind, resource: &Value) -> Result<Self, String> {
        known(resource, &MEMBERS)?;
        let text = |member| resource.get(member).and_then(Value::as_str);
        let depends_on = match resource.get("DependsOn") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => {
                several.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let properties =
            resource.get("Properties").cloned().unwrap_or_else(|| Value::Object(Map::new()));
        let retain = match text("DeletionPolicy") {
            None | Some("Delete") => false,
            Some("Retain" | "RetainExceptOnCreate") => true,
            Some(other) => return Err(format!("the DeletionPolicy {other} is not served")),
        };
        known(&properties, kind.properties())?;
        Ok(Self {
            kind,
            properties,
            depends_on,
            condition: text("Condition").map(Into::into),
            retain,
        })
    }

    /// Every name that this resource refers to: of other resources, and of parameters.
    pub(crate) fn references(&self) -> Vec<String> {
        let mut names = crate::expression::references(&self.properties);
        names.extend(self.depends_on.iter().cloned());
        names
    }
}

/// Refuses the first member that is not in `names`.
fn known(value: &Value, names: &[&str]) -> Result<(), String> {
    let Some(members) = value.as_object() else {
        return Err("it is not an object".to_owned());
    };
    match members.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(format!("{name} is not served; these are: {}", names.join(", "))),
        None => Ok(()),
    }
}

/// The value of every parameter that the template declares: the given one, else its default.
fn parameters(
    declared: &Map<String, Value>,
    given: &Parameters,
) -> Result<Map<String, Value>, DeployError> {
    if let Some(name) = given.keys().find(|name| !declared.contains_key(*name)) {
        return Err(DeployError::Template(format!("it has no parameter {name}")));
    }
    let values = declared.iter().map(|(name, rules)| {
        let text = given.get(name).cloned();
        let text = text.or_else(|| rules.get("Default").map(crate::expression::text_of));
        let wrong = |why: String| DeployError::Template(format!("the parameter {name} {why}"));
        let text = text.ok_or_else(|| {
            wrong(format!("has no value and no default: --parameter {name}=VALUE"))
        })?;
        Ok((name.clone(), value(&text, rules).map_err(wrong)?))
    });
    values.collect()
}

/// A parameter's value, checked by the rules of its declaration.
fn value(text: &str, rules: &Value) -> Result<Value, String> {
    let allowed = rules.get("AllowedValues").and_then(Value::as_array);
    if allowed.is_some_and(|all| !all.iter().any(|one| crate::expression::text_of(one) == text)) {
        return Err(format!("must be one of its AllowedValues, not {text:?}"));
    }
    if let Some(pattern) = rules.get("AllowedPattern").and_then(Value::as_str) {
        let whole = regex::Regex::new(&format!("^(?:{pattern})$"))
            .map_err(|_| format!("has an AllowedPattern that is not served: {pattern}"))?;
        if !whole.is_match(text) {
            return Err(format!("must match {pattern}, which {text:?} does not"));
        }
    }
    let kind = rules.get("Type").and_then(Value::as_str).unwrap_or("String");
    let items = || text.split(',').map(|item| Value::from(item.trim())).collect();
    let measure = if kind == "Number" {
        text.parse::<f64>().map_err(|_| format!("must be a number, not {text:?}"))?
    } else {
        f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX))
    };
    let (least, most) =
        if kind == "Number" { ("MinValue", "MaxValue") } else { ("MinLength", "MaxLength") };
    let bound = |name| rules.get(name).map(crate::expression::text_of)?.parse::<f64>().ok();
    if bound(least).is_some_and(|least| measure < least)
        || bound(most).is_some_and(|most| measure > most)
    {
        return Err(format!("is not within its {least} and {most}: {text:?}"));
    }
    match kind {
        "String" | "Number" => Ok(Value::from(text)),
        "CommaDelimitedList" | "List<String>" | "List<Number>" => Ok(Value::Array(items())),
        other => Err(format!("has the type {other}, which is not served")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Parameters, Template};

    #[track_caller]
    fn check(template: &serde_json::Value, given: &[(&str, &str)], want: &str) {
        let given: Parameters =
            given.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let read = Template::read(template, &given);
        let told =
            read.map_or_else(|error| error.to_string(), |read| json!(read.parameters).to_string());
        assert!(told.contains(want), "{told}");
    }

    #[test]
    fn parameters_obey_their_declarations() {
        let declared =
            |rules: serde_json::Value| json!({"Parameters": {"P": rules}, "Resources": {}});
        let string =
            declared(json!({"Type": "String", "Default": "a", "AllowedPattern": "[a-c]+"}));
        check(&string, &[], r#"{"P":"a"}"#);
        check(&string, &[("P", "bc")], r#"{"P":"bc"}"#);
        check(&string, &[("P", "bcd")], "must match [a-c]+");
        check(&string, &[("Q", "x")], "no parameter Q");
        let number = declared(json!({"Type": "Number", "MinValue": 2, "MaxValue": "3"}));
        check(&number, &[], "--parameter P=VALUE");
        check(&number, &[("P", "3")], r#"{"P":"3"}"#);
        check(&number, &[("P", "4")], "MaxValue");
        check(&number, &[("P", "x")], "must be a number");
        let list = declared(json!({"Type": "CommaDelimitedList", "Default": "a, b"}));
        check(&list, &[], r#"{"P":["a","b"]}"#);
        let one_of = declared(json!({"Type": "String", "AllowedValues": ["x", 1]}));
        check(&one_of, &[("P", "1")], r#"{"P":"1"}"#);
        check(&one_of, &[("P", "y")], "AllowedValues");
        check(
            &declared(json!({"Type": "AWS::SSM::Parameter::Value<String>"})),
            &[("P", "x")],
            "not served",
        );
    }

    #[test]
    fn what_is_not_served_is_named() {
        let resource = |members: serde_json::Value| json!({"Resources": {"F": members}});
        let function = "AWS::Lambda::Function";
        check(&json!({"Rules": {}, "Resources": {}}), &[], "Rules is not served");
        check(
            &resource(json!({"Type": function, "UpdatePolicy": {}})),
            &[],
            "UpdatePolicy is not served",
        );
        check(
            &resource(json!({"Type": function, "Properties": {"Size": 1}})),
            &[],
            "Size is not served",
        );
        check(&resource(json!({"Type": function, "DeletionPolicy": "Snapshot"})), &[], "Snapshot");
    }

    #[test]
    fn what_refers_to_something_left_out_is_left_out() {
        let mut template = Template::read(
            &json!({
                "Resources": {
                    "Bucket": {"Type": "AWS::S3::Bucket"},
                    "P": {"Type": "AWS::Lambda::Permission", "Properties": {"SourceArn": {"Fn::Sub": "${Bucket.Arn}/*"}}},
                    "Q": {"Type": "AWS::Lambda::Permission", "DependsOn": "P"},
                    "R": {"Type": "AWS::IAM::Role"},
                },
                "Outputs": {"B": {"Value": {"Ref": "Bucket"}}},
            }),
            &Parameters::new(),
        )
        .unwrap();
        assert_eq!(template.unserved(), [("Bucket".to_owned(), "AWS::S3::Bucket".to_owned())]);
        assert_eq!(template.skip_unserved(), ["P", "Q"]);
        assert_eq!(template.resources.keys().collect::<Vec<_>>(), ["R"]);
        assert!(template.outputs.is_empty());
    }
}

//! A template, read: parameters with their values, conditions, resources and outputs.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::{DeployError, Place, expression::Scope, kinds::Kind};

/// Values for a template's parameters, by name.
pub type Parameters = BTreeMap<String, String>;

/// A template whose parameters have values and whose members are all known.
#[derive(Clone, Debug)]
pub struct Template {
    pub(crate) parameters: Map<String, Value>,
    pub(crate) mappings: Value,
    pub(crate) conditions: Map<String, Value>,
    pub(crate) resources: IndexMap<String, Resource>,
    /// The resources that are not to be there, with the condition that does not hold.
    pub(crate) absent: BTreeMap<String, String>,
    outputs: Map<String, Value>,
    unserved: Vec<Unserved>,
    /// The parameters whose values are not to be shown.
    secret: BTreeSet<String>,
}

/// A resource of a type that is not served.
#[derive(Clone, Debug)]
struct Unserved {
    name: String,
    kind: String,
    condition: Option<String>,
}

/// A resource as the template has it, its expressions not resolved.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) kind: Kind,
    pub(crate) properties: Value,
    pub(crate) depends_on: Vec<String>,
    condition: Option<String>,
    /// Whether it stays when the template has it no more.
    pub(crate) retain: bool,
    /// Whether it stays when another is made in its place.
    pub(crate) retain_replaced: bool,
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
        let section = |name: &str| match template.get(name) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(members)) => named(name, members).cloned(),
            Some(_) => Err(DeployError::Template(format!("its {name} are not an object"))),
        };
        let declared = section("Parameters")?;
        let is_secret = |rules: &Value| {
            rules.get("NoEcho").is_some_and(|hidden| crate::expression::text_of(hidden) == "true")
        };
        let secret = declared.iter().filter(|(_, rules)| is_secret(rules));
        let mut read = Self {
            parameters: parameters(&declared, given)?,
            mappings: section("Mappings")?.into(),
            conditions: section("Conditions")?,
            resources: IndexMap::new(),
            absent: BTreeMap::new(),
            outputs: section("Outputs")?,
            unserved: Vec::new(),
            secret: secret.map(|(name, _)| name.clone()).collect(),
        };
        for (name, resource) in &section("Resources")? {
            let taken = read.take(name, resource);
            taken.map_err(|why| DeployError::Resource { resource: name.clone(), why })?;
        }
        read.check_dependencies()?;
        Ok(read)
    }

    /// Takes one resource, or notes that it is not served.
    fn take(&mut self, name: &str, resource: &Value) -> Result<(), String> {
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        if let Some(kind) = Kind::named(kind) {
            self.resources.insert(name.to_owned(), Resource::read(kind, resource)?);
            return Ok(());
        }
        let condition = text(resource, "Condition")?.map(str::to_owned);
        self.unserved.push(Unserved { name: name.to_owned(), kind: kind.to_owned(), condition });
        Ok(())
    }

    /// Refuses the first `DependsOn` that names no resource.
    fn check_dependencies(&self) -> Result<(), DeployError> {
        let is_there = |name: &String| {
            self.resources.contains_key(name) || self.unserved.iter().any(|one| one.name == *name)
        };
        for (name, resource) in &self.resources {
            if let Some(missing) = resource.depends_on.iter().find(|name| !is_there(name)) {
                let why = format!("it depends on {missing}, which is no resource");
                return Err(DeployError::Resource { resource: name.clone(), why });
            }
        }
        Ok(())
    }

    /// Leaves out every resource whose condition does not hold, of types that are not served, too.
    ///
    /// # Errors
    /// [`DeployError`] naming the resource whose condition is none.
    pub fn choose(&mut self, place: &Place) -> Result<(), DeployError> {
        let nothing = |_: &str, _: Option<&str>| Ok(Value::Null);
        let scope =
            Scope { template: self, pseudo: &place.0, attributes: &nothing, is_condition: false };
        let served = self.resources.iter().map(|(name, one)| (name, &one.condition));
        let unserved = self.unserved.iter().map(|one| (&one.name, &one.condition));
        let mut absent = BTreeMap::new();
        for (name, condition) in served.chain(unserved) {
            if let Some(condition) = condition
                && !scope.condition(condition).map_err(|error| error.at(name))?
            {
                absent.insert(name.clone(), condition.clone());
            }
        }
        self.resources.retain(|name, _| !absent.contains_key(name));
        self.unserved.retain(|one| !absent.contains_key(&one.name));
        self.absent = absent;
        Ok(())
    }

    /// Whether a property refers to a parameter whose value is not to be shown.
    pub(crate) fn is_secret(&self, resource: &Resource, property: &str) -> bool {
        let value = resource.properties.get(property).unwrap_or(&Value::Null);
        crate::expression::references(value).iter().any(|name| self.secret.contains(name))
    }

    /// The resources whose type is not served: name and type.
    #[must_use]
    pub fn unserved(&self) -> Vec<(String, String)> {
        self.unserved.iter().map(|one| (one.name.clone(), one.kind.clone())).collect()
    }

    /// Leaves out every resource whose type is not served, and each that refers to one left out;
    /// answers the names of the latter.
    pub fn skip_unserved(&mut self) -> Vec<String> {
        let mut absent: Vec<String> =
            std::mem::take(&mut self.unserved).into_iter().map(|one| one.name).collect();
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
            let at = |error: DeployError| match error {
                DeployError::Template(why) => {
                    DeployError::Template(format!("its output {name}: {why}"))
                }
                other => other,
            };
            let condition = text(output, "Condition").map_err(DeployError::Template).map_err(at)?;
            if condition.map_or(Ok(true), |condition| scope.condition(condition)).map_err(at)? {
                let value = output.get("Value").map_or(Ok(None), |value| scope.resolve(value));
                let value = value
                    .map_err(at)?
                    .ok_or_else(|| at(DeployError::Template("it has no Value".to_owned())))?;
                outputs.push((name.clone(), crate::expression::text_of(&value)));
            }
        }
        Ok(outputs)
    }
}

impl Resource {
    fn read(kind: Kind, resource: &Value) -> Result<Self, String> {
        known(resource, &MEMBERS)?;
        let properties = match resource.get("Properties") {
            None | Some(Value::Null) => Value::Object(Map::new()),
            Some(properties) => properties.clone(),
        };
        known(&properties, kind.properties())?;
        Ok(Self {
            kind,
            properties,
            depends_on: depends_on(resource.get("DependsOn"))?,
            condition: text(resource, "Condition")?.map(str::to_owned),
            retain: retains(resource, "DeletionPolicy")?,
            retain_replaced: retains(resource, "UpdateReplacePolicy")?,
        })
    }

    /// Every name that this resource refers to: of other resources, and of parameters.
    pub(crate) fn references(&self) -> Vec<String> {
        let mut names = crate::expression::references(&self.properties);
        names.extend(self.depends_on.iter().cloned());
        names
    }
}

/// The members of a section, if the name of each is one: letters and digits (CloudFormation).
fn named<'a>(
    section: &str,
    members: &'a Map<String, Value>,
) -> Result<&'a Map<String, Value>, DeployError> {
    let is_name =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match members.keys().find(|name| !is_name(name)) {
        Some(name) => {
            let why = format!("{name:?} in its {section} is no name of letters and digits");
            Err(DeployError::Template(why))
        }
        None => Ok(members),
    }
}

/// A member that is a text, or is not there.
fn text<'a>(value: &'a Value, member: &str) -> Result<Option<&'a str>, String> {
    match value.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("its {member} has to be a text, not {other}")),
    }
}

/// What a resource is made after, whatever it refers to.
fn depends_on(names: Option<&Value>) -> Result<Vec<String>, String> {
    let name = |one: &Value| {
        let wrong = || format!("its DependsOn has to be a text or a list of texts, not {one}");
        one.as_str().map(str::to_owned).ok_or_else(wrong)
    };
    match names {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(several)) => several.iter().map(name).collect(),
        Some(one) => Ok(vec![name(one)?]),
    }
}

/// Whether a resource stays, by what this member says.
fn retains(resource: &Value, member: &str) -> Result<bool, String> {
    match text(resource, member)? {
        None | Some("Delete") => Ok(false),
        Some("Retain" | "RetainExceptOnCreate") => Ok(true),
        Some(other) => Err(format!("the {member} {other} is not served")),
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
        if !rules.is_object() {
            let why = format!("the declaration of the parameter {name} is not an object");
            return Err(DeployError::Template(why));
        }
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
    let kind = rules.get("Type").and_then(Value::as_str).unwrap_or("String");
    let is_list = matches!(kind, "CommaDelimitedList" | "List<String>" | "List<Number>");
    let items: Vec<&str> =
        if is_list { text.split(',').map(str::trim).collect() } else { vec![text] };
    if let Some(allowed) = rules.get("AllowedValues").and_then(Value::as_array) {
        let is_allowed =
            |item: &str| allowed.iter().any(|one| crate::expression::text_of(one).as_str() == item);
        if let Some(item) = items.iter().find(|item| !is_allowed(item)) {
            return Err(format!("must be one of its AllowedValues, not {item:?}"));
        }
    }
    if let Some(pattern) = rules.get("AllowedPattern").and_then(Value::as_str) {
        let whole = regex::Regex::new(&format!("^(?:{pattern})$"))
            .map_err(|_| format!("has an AllowedPattern that is not served: {pattern}"))?;
        if !whole.is_match(text) {
            return Err(format!("must match {pattern}, which {text:?} does not"));
        }
    }
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
        _ if is_list => Ok(items.into_iter().map(Value::from).collect()),
        other => Err(format!("has the type {other}, which is not served")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Parameters, Template};
    use crate::Place;

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
        let some_of = declared(json!({"Type": "CommaDelimitedList", "AllowedValues": ["x", "y"]}));
        check(&some_of, &[("P", "y, x")], r#"{"P":["y","x"]}"#);
        check(&some_of, &[("P", "x,z")], r#"AllowedValues, not "z""#);
        check(&declared(json!("String")), &[], "declaration of the parameter P is not an object");
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
        check(&resource(json!({"Type": function, "UpdateReplacePolicy": "Keep"})), &[], "Keep");
    }

    #[test]
    fn what_has_another_form_is_never_taken_for_absent() {
        for section in ["Parameters", "Mappings", "Conditions", "Outputs", "Resources"] {
            let mut template = json!({"Resources": {}});
            template[section] = json!([1]);
            check(&template, &[], &format!("its {section} are not an object"));
        }
        check(&json!({"Resources": {}, "Outputs": {"a\nb": {}}}), &[], r#""a\nb" in its Outputs"#);
        check(&json!({"Resources": {"": {}}}), &[], r#""" in its Resources is no name"#);
        let role = |member: &str, value: serde_json::Value| json!({"Resources": {"R": {"Type": "AWS::IAM::Role", member: value}}});
        check(&role("Condition", json!({"Ref": "X"})), &[], "R: its Condition has to be a text");
        check(&role("DeletionPolicy", json!({"Ref": "X"})), &[], "R: its DeletionPolicy has to be");
        check(&role("DependsOn", json!({"Ref": "X"})), &[], "R: its DependsOn has to be");
        check(&role("DependsOn", json!(["R", 5])), &[], "R: its DependsOn has to be");
        check(&role("DependsOn", json!("Q")), &[], "R: it depends on Q, which is no resource");
        check(&role("Properties", json!([])), &[], "R: it is not an object");
    }

    #[test]
    fn what_a_condition_keeps_out_is_neither_there_nor_missing() {
        let template = json!({
            "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
            "Resources": {
                "Bucket": {"Type": "AWS::S3::Bucket", "Condition": "Never"},
                "R": {"Type": "AWS::IAM::Role", "Condition": "Never"},
                "S": {"Type": "AWS::IAM::Role", "DependsOn": ["R", "Bucket"]},
            },
        });
        let mut template = Template::read(&template, &Parameters::new()).unwrap();
        template.choose(&Place::default()).unwrap();
        assert!(template.unserved().is_empty());
        assert_eq!(template.resources.keys().collect::<Vec<_>>(), ["S"]);
        let unknown = json!({"Resources": {"R": {"Type": "AWS::IAM::Role", "Condition": "X"}}});
        let mut unknown = Template::read(&unknown, &Parameters::new()).unwrap();
        let error = unknown.choose(&Place::default()).unwrap_err().to_string();
        assert_eq!(error, "the resource R: there is no condition X");
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

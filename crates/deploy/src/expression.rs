//! CloudFormation's intrinsic functions, resolved.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{DeployError, Template, template::Resource};

/// Tells an attribute of a resource; without a name, what `Ref` gives.
pub(crate) type Attributes<'a> = dyn Fn(&str, Option<&str>) -> Result<Value, DeployError> + 'a;

/// What names in expressions mean.
pub(crate) struct Scope<'a> {
    pub(crate) template: &'a Template,
    pub(crate) pseudo: &'a Map<String, Value>,
    pub(crate) attributes: &'a Attributes<'a>,
    /// Whether what is resolved is a part of a condition.
    pub(crate) is_condition: bool,
}

/// How many conditions may name each other in a row: more than in any template.
const CONDITIONS_DEPTH_MAX: usize = 64;

/// The value that stands for the absence of one.
const NO_VALUE: &str = "AWS::NoValue";

impl Scope<'_> {
    /// The value of an expression; none for `AWS::NoValue`.
    pub(crate) fn resolve(&self, value: &Value) -> Result<Option<Value>, DeployError> {
        match value {
            Value::Object(members) => match intrinsic(members) {
                Some(("Ref", name)) if name == NO_VALUE => Ok(None),
                Some((function, argument)) => self.apply(function, argument),
                None => {
                    let mut resolved = Map::new();
                    for (name, value) in members {
                        if let Some(value) = self.resolve(value)? {
                            resolved.insert(name.clone(), value);
                        }
                    }
                    Ok(Some(Value::Object(resolved)))
                }
            },
            Value::Array(items) => {
                let resolved = items.iter().filter_map(|item| self.resolve(item).transpose());
                Ok(Some(resolved.collect::<Result<_, _>>()?))
            }
            plain => Ok(Some(plain.clone())),
        }
    }

    /// Whether a condition holds. It is about parameters alone: resources are made because of it.
    pub(crate) fn condition(&self, name: &str) -> Result<bool, DeployError> {
        let refuse = |resource: &str, _: Option<&str>| {
            Err(wrong(format!("a condition refers to the resource {resource}")))
        };
        let scope = Scope { attributes: &refuse, is_condition: true, ..*self };
        scope.named_condition(name, &mut BTreeMap::new())
    }

    /// `known` has what each condition came to; nothing of those that are being looked at.
    fn named_condition<'s>(
        &'s self,
        name: &'s str,
        known: &mut BTreeMap<&'s str, Option<bool>>,
    ) -> Result<bool, DeployError> {
        let condition = self.template.conditions.get(name);
        let condition = condition.ok_or_else(|| wrong(format!("there is no condition {name}")))?;
        match known.get(name) {
            Some(Some(holds)) => return Ok(*holds),
            Some(None) => return Err(wrong(format!("the condition {name} refers to itself"))),
            None => {}
        }
        if known.values().filter(|holds| holds.is_none()).count() >= CONDITIONS_DEPTH_MAX {
            return Err(wrong(format!("the condition {name} is within too many others")));
        }
        known.insert(name, None);
        let holds = self.holds(condition, known)?;
        known.insert(name, Some(holds));
        Ok(holds)
    }

    fn holds<'s>(
        &'s self,
        condition: &'s Value,
        known: &mut BTreeMap<&'s str, Option<bool>>,
    ) -> Result<bool, DeployError> {
        let mut each = |all: &'s Value| -> Result<Vec<bool>, DeployError> {
            list(all)?.iter().map(|one| self.holds(one, known)).collect()
        };
        match condition.as_object().and_then(sole) {
            Some(("Condition", name)) => self.named_condition(text(name)?, known),
            Some(("Fn::Equals", pair)) => match list(pair)?.as_slice() {
                [one, other] => Ok(self.text(one)? == self.text(other)?),
                _ => Err(wrong("Fn::Equals compares two values".to_owned())),
            },
            Some(("Fn::Not", one)) => match each(one)?.as_slice() {
                [holds] => Ok(!holds),
                _ => Err(wrong("Fn::Not takes a list of one condition".to_owned())),
            },
            Some(("Fn::And", all)) => Ok(each(all)?.into_iter().all(|holds| holds)),
            Some(("Fn::Or", all)) => Ok(each(all)?.into_iter().any(|holds| holds)),
            _ => Err(wrong(format!("{condition} is not a condition"))),
        }
    }

    fn apply(&self, function: &str, argument: &Value) -> Result<Option<Value>, DeployError> {
        match function {
            "Ref" => self.reference(text(argument)?).map(Some),
            "Fn::GetAtt" => self.attribute(argument).map(Some),
            "Fn::Sub" => self.substitute(argument).map(Some),
            "Fn::Join" => self.join(argument).map(Some),
            "Fn::Split" => self.split(argument).map(Some),
            "Fn::Select" => self.select(argument),
            "Fn::If" => self.choose(argument),
            "Fn::FindInMap" => self.find(argument).map(Some),
            "Fn::Base64" => {
                use base64::{Engine, prelude::BASE64_STANDARD};
                Ok(Some(BASE64_STANDARD.encode(self.text(argument)?).into()))
            }
            "Fn::GetAZs" | "Fn::ImportValue" | "Fn::Transform" | "Fn::Cidr" => {
                Err(wrong(format!("{function} is not served")))
            }
            other => Err(wrong(format!("there is no function {other}"))),
        }
    }

    fn reference(&self, name: &str) -> Result<Value, DeployError> {
        let known = self.pseudo.get(name).or_else(|| self.template.parameters.get(name));
        if let Some(value) = known {
            return Ok(value.clone());
        }
        self.resource(name, "parameter or resource")?;
        (self.attributes)(name, None)
    }

    fn attribute(&self, argument: &Value) -> Result<Value, DeployError> {
        let (resource, attribute) = match argument {
            Value::String(both) => {
                both.split_once('.').map(|(resource, name)| (resource, name.to_owned()))
            }
            Value::Array(both) => match both.as_slice() {
                [Value::String(resource), name] => Some((resource.as_str(), self.text(name)?)),
                _ => None,
            },
            _ => None,
        }
        .ok_or_else(|| {
            wrong(format!("Fn::GetAtt takes a resource and an attribute, not {argument}"))
        })?;
        let served = self.resource(resource, "resource")?.kind.attributes();
        if !served.contains(&attribute.as_str()) {
            let why = format!("{resource} has no attribute {attribute} that is served");
            return Err(wrong(match served {
                [] => why,
                _ => format!("{why}; these are: {}", served.join(", ")),
            }));
        }
        (self.attributes)(resource, Some(&attribute))
    }

    /// The resource of a name, if it is one whose condition holds.
    fn resource(&self, name: &str, what: &str) -> Result<&Resource, DeployError> {
        if let Some(condition) = self.template.absent.get(name) {
            let why = format!("the resource {name} is not there: {condition} does not hold");
            return Err(wrong(why));
        }
        let found = self.template.resources.get(name);
        found.ok_or_else(|| wrong(format!("there is no {what} {name}")))
    }

    fn substitute(&self, argument: &Value) -> Result<Value, DeployError> {
        let (pattern, own) = match argument {
            Value::Array(both) => match both.as_slice() {
                [Value::String(pattern), Value::Object(own)] => (pattern.as_str(), own.clone()),
                _ => return Err(wrong("Fn::Sub takes a text and an object".to_owned())),
            },
            pattern => (text(pattern)?, Map::new()),
        };
        let mut result = String::new();
        for piece in pieces(pattern) {
            match piece {
                Piece::Text(text) => result.push_str(text),
                Piece::Name(name) => {
                    let value = match (own.get(name), name.split_once('.')) {
                        (Some(value), _) => self.text(value)?,
                        (None, Some((resource, attribute))) => {
                            text_of(&self.attribute(&Value::from(vec![resource, attribute]))?)
                        }
                        (None, None) => text_of(&self.reference(name)?),
                    };
                    result.push_str(&value);
                }
            }
        }
        Ok(result.into())
    }

    fn join(&self, argument: &Value) -> Result<Value, DeployError> {
        match list(argument)?.as_slice() {
            [Value::String(between), items] => {
                let items = self.list(items)?;
                Ok(items.iter().map(text_of).collect::<Vec<_>>().join(between).into())
            }
            _ => Err(wrong("Fn::Join takes a text and a list".to_owned())),
        }
    }

    fn split(&self, argument: &Value) -> Result<Value, DeployError> {
        match list(argument)?.as_slice() {
            [Value::String(at), whole] if !at.is_empty() => {
                Ok(self.text(whole)?.split(at.as_str()).map(Value::from).collect())
            }
            _ => Err(wrong("Fn::Split takes two texts".to_owned())),
        }
    }

    fn select(&self, argument: &Value) -> Result<Option<Value>, DeployError> {
        let [index, items] = list(argument)?.as_slice() else {
            return Err(wrong("Fn::Select takes an index and a list".to_owned()));
        };
        let index = self.text(index)?;
        let found =
            index.parse().ok().and_then(|index: usize| self.list(items).ok()?.get(index).cloned());
        found
            .map(Some)
            .ok_or_else(|| wrong(format!("Fn::Select: nothing is at {index} of {items}")))
    }

    fn choose(&self, argument: &Value) -> Result<Option<Value>, DeployError> {
        match list(argument)?.as_slice() {
            _ if self.is_condition => Err(wrong("Fn::If is not for conditions".to_owned())),
            [Value::String(condition), yes, no] => {
                self.resolve(if self.condition(condition)? { yes } else { no })
            }
            _ => Err(wrong("Fn::If takes a condition and two values".to_owned())),
        }
    }

    fn find(&self, argument: &Value) -> Result<Value, DeployError> {
        let path = list(argument)?;
        if path.len() != 3 {
            return Err(wrong("Fn::FindInMap takes a mapping and two keys".to_owned()));
        }
        let mut value = &self.template.mappings;
        for key in path {
            let key = self.text(key)?;
            let found = value.get(&key);
            value = found
                .ok_or_else(|| wrong(format!("Fn::FindInMap: {key} is not in the mapping")))?;
        }
        Ok(value.clone())
    }

    /// A value as text.
    fn text(&self, value: &Value) -> Result<String, DeployError> {
        Ok(text_of(&self.resolve(value)?.unwrap_or_default()))
    }

    /// A value that has to be a list.
    fn list(&self, value: &Value) -> Result<Vec<Value>, DeployError> {
        match self.resolve(value)? {
            Some(Value::Array(items)) => Ok(items),
            other => Err(wrong(format!("{} is not a list", other.unwrap_or_default()))),
        }
    }
}

/// The function and its argument, when an object is a call of one.
fn intrinsic(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    sole(members).filter(|(name, argument)| match *name {
        "Ref" => argument.is_string(),
        name => name.starts_with("Fn::"),
    })
}

/// The only member of an object.
fn sole(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, value) = members.iter().next().filter(|_| members.len() == 1)?;
    Some((name.as_str(), value))
}

/// A part of a `Fn::Sub` pattern.
enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Splits a pattern; `${!x}` is the text `${x}`.
fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else { break };
        pieces.push(Piece::Text(before));
        match name.strip_prefix('!') {
            Some(name) => pieces.extend([Piece::Text("${"), Piece::Text(name), Piece::Text("}")]),
            None => pieces.push(Piece::Name(name.trim())),
        }
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// Every name that an expression refers to.
pub(crate) fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => match intrinsic(members) {
            Some(("Ref", name)) => name.as_str().map(str::to_owned).into_iter().collect(),
            Some(("Fn::GetAtt", argument)) => {
                let first = argument.get(0).and_then(Value::as_str);
                let first = first.or_else(|| argument.as_str()?.split('.').next());
                first.map(str::to_owned).into_iter().collect()
            }
            Some(("Fn::Sub", argument)) => {
                let pattern = argument.get(0).unwrap_or(argument).as_str().unwrap_or_default();
                let mut names: Vec<String> = pieces(pattern)
                    .into_iter()
                    .filter_map(|piece| match piece {
                        Piece::Name(name) => Some(name.split('.').next()?.to_owned()),
                        Piece::Text(_) => None,
                    })
                    .collect();
                let own = argument.get(1).and_then(Value::as_object);
                names.retain(|name| own.is_none_or(|own| !own.contains_key(name)));
                names.extend(own.iter().flat_map(|own| own.values()).flat_map(references));
                names
            }
            _ => members.values().flat_map(references).collect(),
        },
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// A scalar as CloudFormation writes it into a text; others as JSON.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn text(value: &Value) -> Result<&str, DeployError> {
    value.as_str().ok_or_else(|| wrong(format!("{value} is not a text")))
}

fn list(value: &Value) -> Result<&Vec<Value>, DeployError> {
    value.as_array().ok_or_else(|| wrong(format!("{value} is not a list")))
}

fn wrong(why: String) -> DeployError {
    DeployError::Template(why)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{Scope, references};
    use crate::{DeployError, Parameters, Place, Template};

    fn resolved(expression: &Value) -> Result<Option<Value>, DeployError> {
        let template = json!({
            "Parameters": {"Stage": {"Type": "String", "Default": "dev"}, "L": {"Type": "CommaDelimitedList", "Default": "a,b"}},
            "Mappings": {"M": {"dev": {"Size": 128}}},
            "Conditions": {
                "Dev": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]},
                "NotDev": {"Fn::Not": [{"Condition": "Dev"}]},
                "Loop": {"Fn::And": [{"Condition": "Loop"}, {"Condition": "Dev"}]},
                "About": {"Fn::Equals": [{"Ref": "R"}, ""]},
                "Choice": {"Fn::Equals": [{"Fn::If": ["Choice", 1, 2]}, 1]},
                "NotTwo": {"Fn::Not": [{"Condition": "Dev"}, {"Condition": "Dev"}]},
            },
            "Resources": {"R": {"Type": "AWS::IAM::Role"}, "S": {"Type": "AWS::IAM::Role", "Condition": "NotDev"}},
        });
        let mut template = Template::read(&template, &Parameters::new())?;
        let pseudo: Map<String, Value> =
            [("AWS::Region".to_owned(), json!("eu-west-1"))].into_iter().collect();
        template.choose(&Place(pseudo.clone()))?;
        let attributes = |name: &str, attribute: Option<&str>| {
            Ok(json!(format!("<{name}.{}>", attribute.unwrap_or("Ref"))))
        };
        let scope = Scope {
            template: &template,
            pseudo: &pseudo,
            attributes: &attributes,
            is_condition: false,
        };
        scope.resolve(expression)
    }

    #[track_caller]
    fn check(expression: impl Into<Value>, want: impl Into<Value>) {
        let expression = expression.into();
        assert_eq!(resolved(&expression).unwrap(), Some(want.into()), "{expression}");
    }

    #[test]
    fn functions_have_the_values_that_cloudformation_gives_them() {
        check(json!({"Ref": "Stage"}), json!("dev"));
        check(json!({"Ref": "AWS::Region"}), json!("eu-west-1"));
        check(json!({"Ref": "R"}), json!("<R.Ref>"));
        check(json!({"Fn::GetAtt": ["R", "Arn"]}), json!("<R.Arn>"));
        check(json!({"Fn::GetAtt": "R.Arn"}), json!("<R.Arn>"));
        check(
            json!({"Fn::Sub": "${Stage}-${R.Arn}-${!Stage}-$x-${AWS::Region}"}),
            json!("dev-<R.Arn>-${Stage}-$x-eu-west-1"),
        );
        check(json!({"Fn::Sub": ["${A}${Stage}", {"A": {"Ref": "R"}}]}), json!("<R.Ref>dev"));
        check(json!({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 1]]}), json!("a-dev-1"));
        check(json!({"Fn::Join": ["", {"Ref": "L"}]}), json!("ab"));
        check(json!({"Fn::Select": [1, {"Fn::Split": ["/", "x/y"]}]}), json!("y"));
        check(json!({"Fn::If": ["Dev", 1, 2]}), json!(1));
        check(json!({"Fn::If": ["NotDev", 1, 2]}), json!(2));
        check(json!({"Fn::FindInMap": ["M", {"Ref": "Stage"}, "Size"]}), json!(128));
        check(json!({"Fn::Base64": "a"}), json!("YQ=="));
        check(
            json!({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}),
            json!({"b": [1]}),
        );
        // A policy's condition block looks like a call and is none.
        check(json!({"Condition": {"Ref": "Stage"}}), json!({"Condition": "dev"}));
        check(
            json!({"Variables": {"Condition": "Dev"}}),
            json!({"Variables": {"Condition": "Dev"}}),
        );
        check(
            json!({"Fn::GetAtt": ["R", {"Fn::Join": ["", ["Role", "Id"]]}]}),
            json!("<R.RoleId>"),
        );
    }

    #[test]
    fn what_cannot_be_resolved_is_named() {
        for (expression, want) in [
            (json!({"Ref": "X"}), "no parameter or resource X"),
            (json!({"Fn::GetAtt": ["X", "Arn"]}), "no resource X"),
            (json!({"Fn::Sub": "${X}"}), "no parameter or resource X"),
            (json!({"Fn::Select": [2, ["a"]]}), "nothing is at 2"),
            (json!({"Fn::If": ["X", 1, 2]}), "no condition X"),
            (json!({"Fn::If": ["Loop", 1, 2]}), "refers to itself"),
            (json!({"Fn::If": ["About", 1, 2]}), "a condition refers to the resource R"),
            (json!({"Fn::If": ["Choice", 1, 2]}), "Fn::If is not for conditions"),
            (json!({"Fn::If": ["NotTwo", 1, 2]}), "a list of one condition"),
            (json!({"Ref": "S"}), "the resource S is not there: NotDev does not hold"),
            (json!({"Fn::Sub": "${S.Arn}"}), "NotDev does not hold"),
            (
                json!({"Fn::GetAtt": "R.Size"}),
                "R has no attribute Size that is served; these are: Arn",
            ),
            (json!({"Fn::FindInMap": ["M", "dev"]}), "takes a mapping and two keys"),
            (json!({"Fn::FindInMap": ["M", "prod", "Size"]}), "prod is not in the mapping"),
            (json!({"Fn::ImportValue": "x"}), "Fn::ImportValue is not served"),
            (json!({"Fn::Nothing": 1}), "no function Fn::Nothing"),
        ] {
            let error = resolved(&expression).unwrap_err().to_string();
            assert!(error.contains(want), "{expression}: {error}");
        }
    }

    #[test]
    fn conditions_that_name_each_other_again_and_again_are_looked_at_once() {
        let both = |next: usize| json!([{"Condition": format!("C{next}")}, {"Condition": format!("C{next}")}]);
        let mut conditions: Map<String, Value> =
            (0..60).map(|at| (format!("C{at}"), json!({"Fn::And": both(at + 1)}))).collect();
        conditions.insert("C60".to_owned(), json!({"Fn::Equals": ["a", "a"]}));
        let template = json!({"Conditions": conditions, "Resources": {"R": {"Type": "AWS::IAM::Role", "Condition": "C0"}}});
        let mut template = Template::read(&template, &Parameters::new()).unwrap();
        template.choose(&Place::default()).unwrap();
        assert!(template.resources.contains_key("R"));
    }

    #[test]
    fn references_are_found_wherever_they_are() {
        let value = json!({"a": [{"Ref": "A"}, {"Fn::GetAtt": "B.C"}], "b": {"Fn::Sub": ["${D.E}${F}${!G}", {"F": {"Ref": "H"}}]}});
        assert_eq!(references(&value), ["A", "B", "D", "H"]);
    }
}

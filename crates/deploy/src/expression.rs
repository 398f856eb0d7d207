//! CloudFormation's intrinsic functions, resolved.

use serde_json::{Map, Value};

use crate::{DeployError, Template};

/// Tells an attribute of a resource; without a name, what `Ref` gives.
pub(crate) type Attributes<'a> = dyn Fn(&str, Option<&str>) -> Result<Value, DeployError> + 'a;

/// What names in expressions mean.
pub(crate) struct Scope<'a> {
    pub(crate) template: &'a Template,
    pub(crate) pseudo: &'a Map<String, Value>,
    pub(crate) attributes: &'a Attributes<'a>,
}

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

    /// Whether a condition holds.
    pub(crate) fn condition(&self, name: &str) -> Result<bool, DeployError> {
        self.condition_within(name, 0)
    }

    fn condition_within(&self, name: &str, depth: usize) -> Result<bool, DeployError> {
        let condition = self.template.conditions.get(name);
        let condition = condition.ok_or_else(|| wrong(format!("there is no condition {name}")))?;
        // Deeper than any template is: a condition that names itself.
        if depth > 64 {
            return Err(wrong(format!("the condition {name} refers to itself")));
        }
        self.holds(condition, depth)
    }

    fn holds(&self, condition: &Value, depth: usize) -> Result<bool, DeployError> {
        let each = |all: &Value| -> Result<Vec<bool>, DeployError> {
            list(all)?.iter().map(|one| self.holds(one, depth)).collect()
        };
        match condition.as_object().and_then(intrinsic) {
            Some(("Condition", name)) => self.condition_within(text(name)?, depth + 1),
            Some(("Fn::Equals", pair)) => match list(pair)?.as_slice() {
                [one, other] => Ok(self.text(one)? == self.text(other)?),
                _ => Err(wrong("Fn::Equals compares two values".to_owned())),
            },
            Some(("Fn::Not", one)) => Ok(each(one)? == [false]),
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
        if !self.template.resources.contains_key(name) {
            return Err(wrong(format!("there is no parameter or resource {name}")));
        }
        (self.attributes)(name, None)
    }

    fn attribute(&self, argument: &Value) -> Result<Value, DeployError> {
        let (resource, attribute) = match argument {
            Value::String(both) => both.split_once('.'),
            Value::Array(both) => match both.as_slice() {
                [Value::String(resource), Value::String(name)] => {
                    Some((resource.as_str(), name.as_str()))
                }
                _ => None,
            },
            _ => None,
        }
        .ok_or_else(|| {
            wrong(format!("Fn::GetAtt takes a resource and an attribute, not {argument}"))
        })?;
        if !self.template.resources.contains_key(resource) {
            return Err(wrong(format!("there is no resource {resource}")));
        }
        (self.attributes)(resource, Some(attribute))
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
            [Value::String(condition), yes, no] => {
                self.resolve(if self.condition(condition)? { yes } else { no })
            }
            _ => Err(wrong("Fn::If takes a condition and two values".to_owned())),
        }
    }

    fn find(&self, argument: &Value) -> Result<Value, DeployError> {
        let path = list(argument)?;
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
    let (name, argument) = members.iter().next().filter(|_| members.len() == 1)?;
    let is_call = match name.as_str() {
        "Ref" | "Condition" => argument.is_string(),
        name => name.starts_with("Fn::"),
    };
    is_call.then_some((name.as_str(), argument))
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
    use crate::{DeployError, Parameters, Template};

    fn resolved(expression: &Value) -> Result<Option<Value>, DeployError> {
        let template = json!({
            "Parameters": {"Stage": {"Type": "String", "Default": "dev"}, "L": {"Type": "CommaDelimitedList", "Default": "a,b"}},
            "Mappings": {"M": {"dev": {"Size": 128}}},
            "Conditions": {
                "Dev": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]},
                "NotDev": {"Fn::Not": [{"Condition": "Dev"}]},
                "Loop": {"Fn::And": [{"Condition": "Loop"}, {"Condition": "Dev"}]},
            },
            "Resources": {"R": {"Type": "AWS::IAM::Role"}},
        });
        let template = Template::read(&template, &Parameters::new())?;
        let pseudo: Map<String, Value> =
            [("AWS::Region".to_owned(), json!("eu-west-1"))].into_iter().collect();
        let attributes = |name: &str, attribute: Option<&str>| {
            Ok(json!(format!("<{name}.{}>", attribute.unwrap_or("Ref"))))
        };
        Scope { template: &template, pseudo: &pseudo, attributes: &attributes }.resolve(expression)
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
            (json!({"Fn::FindInMap": ["M", "prod", "Size"]}), "prod is not in the mapping"),
            (json!({"Fn::ImportValue": "x"}), "Fn::ImportValue is not served"),
            (json!({"Fn::Nothing": 1}), "no function Fn::Nothing"),
        ] {
            let error = resolved(&expression).unwrap_err().to_string();
            assert!(error.contains(want), "{expression}: {error}");
        }
    }

    #[test]
    fn references_are_found_wherever_they_are() {
        let value = json!({"a": [{"Ref": "A"}, {"Fn::GetAtt": "B.C"}], "b": {"Fn::Sub": ["${D.E}${F}${!G}", {"F": {"Ref": "H"}}]}});
        assert_eq!(references(&value), ["A", "B", "D", "H"]);
    }
}

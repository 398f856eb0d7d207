//! The order in which resources are made: each after those that it refers to.

use indexmap::IndexMap;

use crate::{DeployError, template::Resource};

/// The names in an order in which each comes after those that it refers to; otherwise as they are.
pub(crate) fn order(
    resources: &IndexMap<String, Resource>,
) -> Result<Vec<(&String, &Resource)>, DeployError> {
    let mut left: IndexMap<&String, Vec<String>> = IndexMap::new();
    for (name, resource) in resources {
        let mut after = resource.references();
        after.retain(|name| resources.contains_key(name));
        left.insert(name, after);
    }
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let free = |after: &Vec<String>| after.iter().all(|name| !left.contains_key(name));
        let Some(next) = left.iter().find(|(_, after)| free(after)).map(|(name, _)| *name) else {
            let names: Vec<_> = left.keys().map(|name| name.as_str()).collect();
            let why = format!(
                "these resources refer to each other, or to some that do: {}",
                names.join(", ")
            );
            return Err(DeployError::Template(why));
        };
        left.shift_remove(next);
        ordered.extend(resources.get_key_value(next));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::order;
    use crate::{Parameters, Template};

    fn ordered(after: &[(&str, &[&str])]) -> Result<Vec<String>, String> {
        let resource = |(name, after): &(&str, &[&str])| {
            (String::from(*name), json!({"Type": "AWS::IAM::Role", "DependsOn": after}))
        };
        let resources: Value = after.iter().map(resource).collect();
        let template = json!({"Resources": resources});
        let read =
            Template::read(&template, &Parameters::new()).map_err(|error| error.to_string())?;
        let ordered = order(&read.resources).map_err(|error| error.to_string())?;
        Ok(ordered.into_iter().map(|(name, _)| name.clone()).collect())
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let got = ordered(&[("A", &["C"]), ("B", &[]), ("C", &["B"]), ("D", &[])]);
        assert_eq!(got.unwrap(), ["B", "C", "A", "D"]);
        let error = ordered(&[("A", &["B"]), ("B", &["A"]), ("C", &[])]).unwrap_err();
        assert!(error.contains("some that do: A, B"), "{error}");
    }
}

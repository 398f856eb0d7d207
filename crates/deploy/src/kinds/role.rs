//! `AWS::IAM::Role`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Made, Row, STACK_TAG, Site, items, optional, required, tags};
use crate::{
    DeployError, Server,
    expression::text_of,
    server::{element, iam, query},
};

pub(super) const ROW: Row = Row {
    name: "AWS::IAM::Role",
    properties: &[
        "AssumeRolePolicyDocument",
        "Description",
        "ManagedPolicyArns",
        "MaxSessionDuration",
        "Path",
        "PermissionsBoundary",
        "Policies",
        "RoleName",
        "Tags",
    ],
    replacing: &["Path", "RoleName"],
    naming: &["RoleName"],
    attributes: &["Arn", "RoleId"],
};

fn made(xml: &str) -> Result<Made, DeployError> {
    let (name, arn, id) =
        (element(xml, "RoleName")?, element(xml, "Arn")?, element(xml, "RoleId")?);
    Ok(Made::new(&name, [("Arn", arn.as_str()), ("RoleId", id.as_str())]))
}

fn document(value: Option<&Value>) -> String {
    value.map(text_of).unwrap_or_default()
}

fn tag_parameters(tags: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let numbered = tags.iter().zip(1..);
    let both = numbered.flat_map(|((key, value), number)| {
        [
            (format!("Tags.member.{number}.Key"), key.clone()),
            (format!("Tags.member.{number}.Value"), value.clone()),
        ]
    });
    both.collect()
}

pub(super) async fn create<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Made, DeployError> {
    let name = optional(properties, "RoleName").unwrap_or(site.generated);
    let trust = document(properties.get("AssumeRolePolicyDocument"));
    let mut own = tags(properties);
    own.insert(STACK_TAG.to_owned(), site.stack.to_owned());
    let mut parameters = tag_parameters(&own);
    parameters.push(("RoleName".to_owned(), name.to_owned()));
    parameters.push(("AssumeRolePolicyDocument".to_owned(), trust));
    for member in ["Description", "MaxSessionDuration", "Path", "PermissionsBoundary"] {
        let value = properties.get(member).map(|value| (member.to_owned(), text_of(value)));
        parameters.extend(value);
    }
    let made = match query(site.server, "iam", "CreateRole", &parameters).await {
        Err(error) if error.is_presence() => {
            let there = iam(site.server, "GetRole", &[("RoleName", name)]).await?;
            let mark = format!("<Key>{STACK_TAG}</Key><Value>{}</Value>", site.stack);
            let plain: String = there.split_whitespace().collect();
            if !plain.contains(&mark) {
                return Err(error);
            }
            let made = made(&there)?;
            change(site.server, name, &Value::Null, properties).await?;
            made
        }
        answer => made(&answer?)?,
    };
    contents(site.server, name, &Value::Null, properties).await?;
    Ok(made)
}

pub(super) async fn update<S: Server>(
    site: &Site<'_, S>,
    made: &Made,
    old: &Value,
    new: &Value,
) -> Result<Made, DeployError> {
    change(site.server, &made.physical, old, new).await?;
    contents(site.server, &made.physical, old, new).await?;
    let (before, after) = (tags(old), tags(new));
    let gone = before.keys().filter(|key| !after.contains_key(*key)).zip(1..);
    let mut gone: Vec<_> =
        gone.map(|(key, number)| (format!("TagKeys.member.{number}"), key.clone())).collect();
    let role = ("RoleName".to_owned(), made.physical.clone());
    if !gone.is_empty() {
        gone.push(role.clone());
        query(site.server, "iam", "UntagRole", &gone).await?;
    }
    if before != after && !after.is_empty() {
        let mut parameters = tag_parameters(&after);
        parameters.push(role);
        query(site.server, "iam", "TagRole", &parameters).await?;
    }
    Ok(made.clone())
}

/// The role itself: its trust, its settings and its boundary.
async fn change(
    server: &impl Server,
    role: &str,
    old: &Value,
    new: &Value,
) -> Result<(), DeployError> {
    let changed = |name: &str| old.get(name) != new.get(name);
    if changed("AssumeRolePolicyDocument") {
        let trust = document(new.get("AssumeRolePolicyDocument"));
        let parameters = [("RoleName", role), ("PolicyDocument", trust.as_str())];
        iam(server, "UpdateAssumeRolePolicy", &parameters).await?;
    }
    if changed("Description") || changed("MaxSessionDuration") {
        let seconds = new.get("MaxSessionDuration").map_or_else(|| "3600".to_owned(), text_of);
        let description = optional(new, "Description").unwrap_or_default();
        let parameters =
            [("RoleName", role), ("Description", description), ("MaxSessionDuration", &seconds)];
        iam(server, "UpdateRole", &parameters).await?;
    }
    match optional(new, "PermissionsBoundary") {
        _ if !changed("PermissionsBoundary") => {}
        Some(boundary) => {
            let parameters = [("RoleName", role), ("PermissionsBoundary", boundary)];
            iam(server, "PutRolePermissionsBoundary", &parameters).await?;
        }
        None => drop(iam(server, "DeleteRolePermissionsBoundary", &[("RoleName", role)]).await?),
    }
    Ok(())
}

/// The policies of a role: attached ones by ARN, its own by name.
async fn contents(
    server: &impl Server,
    role: &str,
    old: &Value,
    new: &Value,
) -> Result<(), DeployError> {
    let arns = |properties| items(properties, "ManagedPolicyArns").map(text_of);
    let (attached, wanted): (Vec<_>, Vec<_>) = (arns(old).collect(), arns(new).collect());
    for arn in attached.iter().filter(|arn| !wanted.contains(arn)) {
        absent_is_fine(
            iam(server, "DetachRolePolicy", &[("RoleName", role), ("PolicyArn", arn)]).await,
        )?;
    }
    for arn in wanted.iter().filter(|arn| !attached.contains(arn)) {
        iam(server, "AttachRolePolicy", &[("RoleName", role), ("PolicyArn", arn)]).await?;
    }
    let named = |policy: &Value| optional(policy, "PolicyName").map(str::to_owned);
    let kept: Vec<_> = items(new, "Policies").filter_map(named).collect();
    for name in items(old, "Policies").filter_map(named).filter(|name| !kept.contains(name)) {
        let parameters = [("RoleName", role), ("PolicyName", name.as_str())];
        absent_is_fine(iam(server, "DeleteRolePolicy", &parameters).await)?;
    }
    for policy in
        items(new, "Policies").filter(|one| !items(old, "Policies").any(|old| old == *one))
    {
        let (name, document) =
            (required(policy, "PolicyName")?, document(policy.get("PolicyDocument")));
        let parameters =
            [("RoleName", role), ("PolicyName", name), ("PolicyDocument", document.as_str())];
        iam(server, "PutRolePolicy", &parameters).await?;
    }
    Ok(())
}

fn absent_is_fine(answer: Result<String, DeployError>) -> Result<(), DeployError> {
    match answer {
        Err(error) if !error.is_absence() => Err(error),
        _ => Ok(()),
    }
}

pub(super) async fn delete(
    server: &impl Server,
    made: &Made,
    properties: &Value,
) -> Result<(), DeployError> {
    contents(server, &made.physical, properties, &Value::Null).await?;
    iam(server, "DeleteRole", &[("RoleName", &made.physical)]).await.map(drop)
}

pub(super) async fn find(server: &impl Server, made: &Made) -> Result<bool, DeployError> {
    iam(server, "GetRole", &[("RoleName", &made.physical)]).await.map(|_| true)
}

//! `AWS::IAM::ManagedPolicy`, and `AWS::IAM::Policy`: one inline policy of roles, users and groups.

use serde_json::Value;

use super::{Made, Row, Site, items, optional, required};
use crate::{
    DeployError, Server,
    expression::text_of,
    server::{element, iam, query},
};

pub(super) const MANAGED: Row = Row {
    name: "AWS::IAM::ManagedPolicy",
    properties: &[
        "Description",
        "Groups",
        "ManagedPolicyName",
        "Path",
        "PolicyDocument",
        "Roles",
        "Users",
    ],
    replacing: &["Description", "ManagedPolicyName", "Path"],
    naming: &["ManagedPolicyName"],
    attributes: &["PolicyArn"],
};

pub(super) const INLINE: Row = Row {
    name: "AWS::IAM::Policy",
    properties: &["Groups", "PolicyDocument", "PolicyName", "Roles", "Users"],
    replacing: &["PolicyName"],
    naming: &["PolicyName", "Groups", "Roles", "Users"],
    attributes: &[],
};

/// Whom a policy is for: the property, and the API's word.
const HOLDERS: [(&str, &str); 3] = [("Groups", "Group"), ("Roles", "Role"), ("Users", "User")];

/// Everybody whom a policy is for: the word, and the name.
fn holders(properties: &Value) -> Vec<(&'static str, String)> {
    let named =
        |(property, word)| items(properties, property).map(move |name| (word, text_of(name)));
    HOLDERS.into_iter().flat_map(named).collect()
}

/// Does something for a holder: `{verb}{word}Policy`. That somebody is not there is an error only
/// of what is to be made.
async fn each(
    server: &impl Server,
    verb: &str,
    (word, name): &(&'static str, String),
    policy: &[(&str, &str)],
) -> Result<(), DeployError> {
    let by = format!("{word}Name");
    let mut parameters = policy.to_vec();
    parameters.push((by.as_str(), name));
    match iam(server, &format!("{verb}{word}Policy"), &parameters).await {
        Err(error) if error.is_absence() && matches!(verb, "Delete" | "Detach") => Ok(()),
        answer => answer.map(drop),
    }
}

fn document(properties: &Value) -> String {
    properties.get("PolicyDocument").map(text_of).unwrap_or_default()
}

pub(super) async fn create<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Made, DeployError> {
    let name = optional(properties, "ManagedPolicyName").unwrap_or(site.generated);
    let mut parameters = vec![
        ("PolicyName".to_owned(), name.to_owned()),
        ("PolicyDocument".to_owned(), document(properties)),
    ];
    for member in ["Description", "Path"] {
        let value = optional(properties, member).map(|value| (member.to_owned(), value.to_owned()));
        parameters.extend(value);
    }
    match query(site.server, "iam", "CreatePolicy", &parameters).await {
        // Of a deployment that ended before it could write it down: no other makes this name.
        Err(error) if error.is_presence() && name == site.generated => {
            let arn = own_arn(site, properties).await?;
            update(site, &made(&arn), &Value::Null, properties).await
        }
        answer => {
            let made = made(&element(&answer?, "Arn")?);
            attach(site.server, &made.physical, &Value::Null, properties).await?;
            Ok(made)
        }
    }
}

fn made(arn: &str) -> Made {
    Made::new(arn, [("PolicyArn", arn)])
}

/// The ARN of the policy of the generated name.
async fn own_arn<S: Server>(site: &Site<'_, S>, properties: &Value) -> Result<String, DeployError> {
    let caller = element(&query(site.server, "sts", "GetCallerIdentity", &[]).await?, "Arn")?;
    let mut parts = caller.split(':').skip(1);
    let partition = parts.next().unwrap_or_default();
    let account = parts.nth(2).unwrap_or_default();
    let path = optional(properties, "Path").unwrap_or("/");
    Ok(format!("arn:{partition}:iam::{account}:policy{path}{}", site.generated))
}

async fn attach(
    server: &impl Server,
    arn: &str,
    old: &Value,
    new: &Value,
) -> Result<(), DeployError> {
    let (before, after) = (holders(old), holders(new));
    for holder in before.iter().filter(|holder| !after.contains(holder)) {
        each(server, "Detach", holder, &[("PolicyArn", arn)]).await?;
    }
    for holder in after.iter().filter(|holder| !before.contains(holder)) {
        each(server, "Attach", holder, &[("PolicyArn", arn)]).await?;
    }
    Ok(())
}

pub(super) async fn update<S: Server>(
    site: &Site<'_, S>,
    made: &Made,
    old: &Value,
    new: &Value,
) -> Result<Made, DeployError> {
    let arn = made.physical.as_str();
    if document(old) != document(new) {
        // Of five versions at most, this keeps one.
        let text = document(new);
        let parameters =
            [("PolicyArn", arn), ("PolicyDocument", text.as_str()), ("SetAsDefault", "true")];
        iam(site.server, "CreatePolicyVersion", &parameters).await?;
        delete_versions(site.server, arn).await?;
    }
    attach(site.server, arn, old, new).await?;
    Ok(made.clone())
}

/// Deletes every version but the default one.
async fn delete_versions(server: &impl Server, arn: &str) -> Result<(), DeployError> {
    let xml = iam(server, "ListPolicyVersions", &[("PolicyArn", arn)]).await?;
    for version in xml.split("<member>").skip(1) {
        if element(version, "IsDefaultVersion")? == "false" {
            let id = element(version, "VersionId")?;
            let parameters = [("PolicyArn", arn), ("VersionId", id.as_str())];
            iam(server, "DeletePolicyVersion", &parameters).await?;
        }
    }
    Ok(())
}

pub(super) async fn delete(
    server: &impl Server,
    made: &Made,
    properties: &Value,
) -> Result<(), DeployError> {
    attach(server, &made.physical, properties, &Value::Null).await?;
    delete_versions(server, &made.physical).await?;
    iam(server, "DeletePolicy", &[("PolicyArn", &made.physical)]).await.map(drop)
}

pub(super) async fn find(server: &impl Server, made: &Made) -> Result<bool, DeployError> {
    iam(server, "GetPolicy", &[("PolicyArn", &made.physical)]).await.map(|_| true)
}

/// Writes an inline policy for each holder, and takes it from those that are none any more.
pub(super) async fn put<S: Server>(
    site: &Site<'_, S>,
    old: &Value,
    new: &Value,
) -> Result<Made, DeployError> {
    let (name, document) = (required(new, "PolicyName")?, document(new));
    let after = holders(new);
    for holder in holders(old).iter().filter(|holder| !after.contains(holder)) {
        each(site.server, "Delete", holder, &[("PolicyName", name)]).await?;
    }
    for holder in &after {
        let parameters = [("PolicyName", name), ("PolicyDocument", document.as_str())];
        each(site.server, "Put", holder, &parameters).await?;
    }
    Ok(Made::new(site.generated, []))
}

pub(super) async fn remove(server: &impl Server, properties: &Value) -> Result<(), DeployError> {
    for holder in &holders(properties) {
        each(server, "Delete", holder, &[("PolicyName", required(properties, "PolicyName")?)])
            .await?;
    }
    Ok(())
}

pub(super) async fn find_inline(
    server: &impl Server,
    properties: &Value,
) -> Result<bool, DeployError> {
    for holder in &holders(properties) {
        each(server, "Get", holder, &[("PolicyName", required(properties, "PolicyName")?)]).await?;
    }
    Ok(true)
}

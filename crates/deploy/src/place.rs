//! Where a stack is deployed: what CloudFormation's pseudo parameters are there.

use serde_json::{Map, Value, json};

use crate::{
    DeployError, Server, StackName,
    archive::digest,
    server::{element, query},
};

/// CloudFormation's pseudo parameters.
#[derive(Clone, Debug, Default)]
pub struct Place(pub(crate) Map<String, Value>);

impl Place {
    /// Asks the server in whose account all this is.
    ///
    /// # Errors
    /// [`DeployError`] when the server refuses or does not answer.
    pub async fn of(server: &impl Server, stack: &StackName) -> Result<Self, DeployError> {
        let identity = query(server, "sts", "GetCallerIdentity", &[]).await?;
        let (account, arn) = (element(&identity, "Account")?, element(&identity, "Arn")?);
        let (region, partition) = (server.region(), arn.split(':').nth(1).unwrap_or("aws"));
        let unique = digest(format!("{account}/{region}/{stack}").as_bytes());
        let id =
            format!("arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/{unique}");
        let suffix = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        let texts = [
            ("AWS::AccountId", account.as_str()),
            ("AWS::Partition", partition),
            ("AWS::Region", region),
            ("AWS::StackId", &id),
            ("AWS::StackName", stack.as_str()),
            ("AWS::URLSuffix", suffix),
        ];
        let mut pseudo: Map<String, Value> =
            texts.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        pseudo.insert("AWS::NotificationARNs".to_owned(), json!([]));
        Ok(Self(pseudo))
    }
}

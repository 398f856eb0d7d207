//! The managed policies of AWS that exist here: those that people attach where functions run.
//!
//! The documents are our own: each allows what its name promises, of the services that exist here
//! and of those that functions commonly speak of. AWS's documents list more services.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::ids::PolicyId;
use crate::managed_policy::{ManagedPolicy, PolicyOwner, PolicyVersion, PolicyVersionId};
use crate::tags::Tags;

/// Path, name, document of each; by name.
macro_rules! documents {
    ($($path:literal $name:literal,)+) => {
        [$(($path, $name, include_str!(concat!("aws_managed/", $name, ".json")))),+]
    };
}

#[rustfmt::skip]
const DOCUMENTS: [(&str, &str, &str); 71] = documents! {
    "/"                   "AWSCloudFormationFullAccess",
    "/"                   "AWSCloudFormationReadOnlyAccess",
    "/"                   "AWSDenyAll",
    "/"                   "AWSKeyManagementServicePowerUser",
    "/"                   "AWSLambdaExecute",
    "/"                   "AWSLambdaInvocation-DynamoDB",
    "/"                   "AWSLambda_FullAccess",
    "/"                   "AWSLambda_ReadOnlyAccess",
    "/"                   "AWSOrganizationsFullAccess",
    "/"                   "AWSOrganizationsReadOnlyAccess",
    "/"                   "AWSStepFunctionsFullAccess",
    "/"                   "AWSStepFunctionsReadOnlyAccess",
    "/"                   "AWSXRayDaemonWriteAccess",
    "/"                   "AWSXrayFullAccess",
    "/"                   "AWSXrayReadOnlyAccess",
    "/"                   "AWSXrayWriteOnlyAccess",
    "/"                   "AdministratorAccess",
    "/"                   "AmazonAPIGatewayAdministrator",
    "/"                   "AmazonAPIGatewayInvokeFullAccess",
    "/"                   "AmazonDynamoDBFullAccess",
    "/"                   "AmazonDynamoDBReadOnlyAccess",
    "/"                   "AmazonEC2ContainerRegistryReadOnly",
    "/"                   "AmazonEC2FullAccess",
    "/"                   "AmazonEC2ReadOnlyAccess",
    "/"                   "AmazonElasticFileSystemClientFullAccess",
    "/"                   "AmazonElasticFileSystemClientReadWriteAccess",
    "/"                   "AmazonEventBridgeFullAccess",
    "/"                   "AmazonEventBridgeReadOnlyAccess",
    "/"                   "AmazonKinesisFirehoseFullAccess",
    "/"                   "AmazonKinesisFullAccess",
    "/"                   "AmazonKinesisReadOnlyAccess",
    "/"                   "AmazonS3FullAccess",
    "/"                   "AmazonS3ReadOnlyAccess",
    "/"                   "AmazonSESFullAccess",
    "/"                   "AmazonSNSFullAccess",
    "/"                   "AmazonSNSReadOnlyAccess",
    "/"                   "AmazonSQSFullAccess",
    "/"                   "AmazonSQSReadOnlyAccess",
    "/"                   "AmazonSSMFullAccess",
    "/"                   "AmazonSSMManagedInstanceCore",
    "/"                   "AmazonSSMReadOnlyAccess",
    "/"                   "CloudWatchAgentServerPolicy",
    "/"                   "CloudWatchEventsFullAccess",
    "/"                   "CloudWatchFullAccess",
    "/"                   "CloudWatchFullAccessV2",
    "/"                   "CloudWatchLambdaInsightsExecutionRolePolicy",
    "/"                   "CloudWatchLogsFullAccess",
    "/"                   "CloudWatchLogsReadOnlyAccess",
    "/"                   "CloudWatchReadOnlyAccess",
    "/"                   "IAMFullAccess",
    "/"                   "IAMReadOnlyAccess",
    "/"                   "IAMSelfManageServiceSpecificCredentials",
    "/"                   "IAMUserChangePassword",
    "/"                   "IAMUserSSHKeys",
    "/"                   "PowerUserAccess",
    "/"                   "ReadOnlyAccess",
    "/"                   "SecretsManagerReadWrite",
    "/"                   "SecurityAudit",
    "/job-function/"      "ViewOnlyAccess",
    "/service-role/"      "AWSAppSyncPushToCloudWatchLogs",
    "/service-role/"      "AWSLambdaBasicDurableExecutionRolePolicy",
    "/service-role/"      "AWSLambdaBasicExecutionRole",
    "/service-role/"      "AWSLambdaDynamoDBExecutionRole",
    "/service-role/"      "AWSLambdaENIManagementAccess",
    "/service-role/"      "AWSLambdaKinesisExecutionRole",
    "/service-role/"      "AWSLambdaMSKExecutionRole",
    "/service-role/"      "AWSLambdaRole",
    "/service-role/"      "AWSLambdaSQSQueueExecutionRole",
    "/service-role/"      "AWSLambdaVPCAccessExecutionRole",
    "/service-role/"      "AmazonAPIGatewayPushToCloudWatchLogs",
    "/service-role/"      "AmazonS3ObjectLambdaExecutionRolePolicy",
};

/// When AWS made its first managed policies: the date that ours show.
const CREATED_SECOND: i64 = 1_423_247_986;

/// Every managed policy of AWS that exists here, with its one version.
pub fn aws_managed_policies() -> impl Iterator<Item = (ManagedPolicy, PolicyVersion)> {
    let created = Timestamp::from_second(CREATED_SECOND).unwrap_or_default();
    DOCUMENTS.into_iter().filter_map(move |(path, name, document)| {
        let policy = ManagedPolicy {
            owner: PolicyOwner::Aws,
            path: path.parse().ok()?,
            name: name.parse().ok()?,
            id: id_of(name),
            created,
            updated: created,
            description: None,
            tags: Tags::default(),
            default_version: PolicyVersionId::FIRST,
            latest_version: PolicyVersionId::FIRST,
        };
        let id = PolicyVersionId::FIRST;
        Some((policy, PolicyVersion { id, document: document.trim_end().into(), created }))
    })
}

/// An id that is the same everywhere and at every start.
fn id_of(name: &str) -> PolicyId {
    let digest = Sha256::digest(name);
    let mut bytes = [0; crate::ids::UNIQUE_ID_RANDOM_BYTES];
    bytes.iter_mut().zip(digest).for_each(|(byte, digest)| *byte = digest);
    PolicyId::from_random(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portcullis_iam::{DocumentKind, Policy};

    use super::*;
    use crate::policies::counted_characters;
    use crate::{MANAGED_POLICY_CHARACTERS_MAX, Partition};

    #[test]
    fn every_policy_is_one_that_iam_would_accept() {
        let all: Vec<_> = aws_managed_policies().collect();
        assert_eq!(all.len(), DOCUMENTS.len(), "a path or name is not legal");
        for (policy, version) in &all {
            let parsed = Policy::parse(DocumentKind::Identity, &version.document);
            assert!(parsed.is_ok(), "{}: {parsed:?}", policy.name);
            assert!(counted_characters(&version.document) <= MANAGED_POLICY_CHARACTERS_MAX);
        }
        let ids: BTreeSet<_> = all.iter().map(|(policy, _)| policy.id).collect();
        let names: BTreeSet<_> = all.iter().map(|(policy, _)| policy.name.folded()).collect();
        assert_eq!((ids.len(), names.len()), (all.len(), all.len()));
        let administrator =
            all.iter().find(|(policy, _)| policy.name.as_str() == "AdministratorAccess");
        let (administrator, _) = administrator.unwrap();
        let arn = administrator.arn(Partition::Aws);
        assert_eq!(arn.as_str(), "arn:aws:iam::aws:policy/AdministratorAccess");
    }
}

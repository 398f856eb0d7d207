//! The ARNs of accounts, users, roles and sessions, in every partition.

use std::fmt;

use crate::ids::AccountId;
use crate::names::{FederatedUserName, RoleName, SessionName};

/// A separate world of regions with its own ARN prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Partition {
    /// Commercial regions.
    #[default]
    Aws,
    /// China.
    AwsCn,
    /// GovCloud.
    AwsUsGov,
    /// The isolated regions `us-iso-…`.
    AwsIso,
    /// The isolated regions `us-isob-…`.
    AwsIsoB,
    /// The isolated regions `eu-isoe-…`.
    AwsIsoE,
    /// The isolated regions `us-isof-…`.
    AwsIsoF,
    /// The European sovereign cloud, `eusc-…`.
    AwsEusc,
}

/// Region prefix and partition. Source: aws-lambda.md §1.5.
const REGION_PREFIXES: [(&str, Partition); 7] = [
    ("cn-", Partition::AwsCn),
    ("us-gov-", Partition::AwsUsGov),
    ("us-iso-", Partition::AwsIso),
    ("us-isob-", Partition::AwsIsoB),
    ("eu-isoe-", Partition::AwsIsoE),
    ("us-isof-", Partition::AwsIsoF),
    ("eusc-", Partition::AwsEusc),
];

impl Partition {
    /// The partition that `region` lies in; unknown regions are commercial ones.
    #[must_use]
    pub fn of_region(region: &str) -> Self {
        let row = REGION_PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix));
        row.map_or(Self::Aws, |(_, partition)| *partition)
    }

    /// The second field of an ARN.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
            Self::AwsIso => "aws-iso",
            Self::AwsIsoB => "aws-iso-b",
            Self::AwsIsoE => "aws-iso-e",
            Self::AwsIsoF => "aws-iso-f",
            Self::AwsEusc => "aws-eusc",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl AccountId {
    /// `arn:aws:iam::ACCT:root`: the root user as a caller, the whole account as a principal.
    #[must_use]
    pub fn root_arn(&self, partition: Partition) -> String {
        format!("arn:{partition}:iam::{self}:root")
    }
}

/// `arn:aws:sts::ACCT:assumed-role/ROLE/SESSION`: without the role's path. Source: iam.md §1.
#[must_use]
pub(crate) fn session_arn(
    partition: Partition,
    account: AccountId,
    role: &RoleName,
    session: &SessionName,
) -> String {
    format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}")
}

/// `arn:aws:sts::ACCT:federated-user/NAME`. Source: iam.md §1.
#[must_use]
pub fn federated_user_arn(
    partition: Partition,
    account: AccountId,
    name: &FederatedUserName,
) -> String {
    format!("arn:{partition}:sts::{account}:federated-user/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn a_region_names_its_partition() {
        for (region, partition) in [
            ("us-east-1",      "aws"),
            ("cn-north-1",     "aws-cn"),
            ("us-gov-west-1",  "aws-us-gov"),
            ("us-iso-east-1",  "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1","aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
            ("eu-west-1",      "aws"),
        ] {
            assert_eq!(Partition::of_region(region).as_str(), partition, "{region}");
        }
    }
}

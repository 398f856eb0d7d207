//! The account as a whole on the wire of IAM: its numbers, and everything that is in it.

use std::collections::BTreeMap;

use portcullis_catalog::{
    GroupView, RoleView, Snapshot, UserView,
    effects::{AccountDetail, AccountNumbers, ShownPolicy},
};
use portcullis_identity::{
    ACCESS_KEYS_PER_USER_MAX, ATTACHED_POLICIES_MAX, Entity, EntityKind, GROUPS_PER_USER_MAX,
    Group, MANAGED_POLICY_CHARACTERS_MAX, POLICY_VERSIONS_MAX, Partition, Role,
    TRUST_POLICY_CHARACTERS_MAX, User,
};
use portcullis_model::{
    Timestamp,
    iam::types::{self, GetAccountAuthorizationDetailsOutput},
};

use super::iam;

/// What has no limit here. AWS's accounts have quotas of users, groups, roles and policies.
const UNLIMITED: usize = i32::MAX as usize;

/// The map of `GetAccountSummary`. What nobody has here is there with the number 0.
pub(crate) fn summary(numbers: AccountNumbers) -> BTreeMap<String, i32> {
    let inline = EntityKind::inline_policies_characters_max;
    let rows = [
        ("AccessKeysPerUserQuota", ACCESS_KEYS_PER_USER_MAX),
        ("AccountAccessKeysPresent", usize::from(numbers.root_keys)),
        ("AccountMFAEnabled", 0),
        ("AccountPasswordPresent", 0),
        ("AccountSigningCertificatesPresent", 0),
        ("AssumeRolePolicySizeQuota", TRUST_POLICY_CHARACTERS_MAX),
        ("AttachedPoliciesPerGroupQuota", ATTACHED_POLICIES_MAX),
        ("AttachedPoliciesPerRoleQuota", ATTACHED_POLICIES_MAX),
        ("AttachedPoliciesPerUserQuota", ATTACHED_POLICIES_MAX),
        ("GlobalEndpointTokenVersion", 1),
        ("GroupPolicySizeQuota", inline(EntityKind::Group)),
        ("Groups", numbers.groups),
        ("GroupsPerUserQuota", GROUPS_PER_USER_MAX),
        ("GroupsQuota", UNLIMITED),
        ("InstanceProfiles", 0),
        ("InstanceProfilesQuota", 0),
        ("MFADevices", 0),
        ("MFADevicesInUse", 0),
        ("Policies", numbers.policies),
        ("PoliciesQuota", UNLIMITED),
        ("PolicySizeQuota", MANAGED_POLICY_CHARACTERS_MAX),
        ("PolicyVersionsInUse", numbers.policy_versions),
        ("PolicyVersionsInUseQuota", UNLIMITED),
        ("Providers", numbers.providers),
        ("RolePolicySizeQuota", inline(EntityKind::Role)),
        ("Roles", numbers.roles),
        ("RolesQuota", UNLIMITED),
        ("ServerCertificates", 0),
        ("ServerCertificatesQuota", 0),
        ("SigningCertificatesPerUserQuota", 0),
        ("UserPolicySizeQuota", inline(EntityKind::User)),
        ("Users", numbers.users),
        ("UsersQuota", UNLIMITED),
        ("VersionsPerPolicyQuota", POLICY_VERSIONS_MAX),
    ];
    let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    rows.into_iter().map(|(name, value)| (name.to_owned(), number(value))).collect()
}

/// Renders the details of an account.
pub(crate) struct Details<'a> {
    /// What the details refer to.
    pub(crate) snapshot: &'a Snapshot,
    /// The partition of the ARNs.
    pub(crate) partition: Partition,
}

impl Details<'_> {
    /// The lists of the answer, without its paging.
    pub(crate) fn of(&self, details: &[AccountDetail]) -> GetAccountAuthorizationDetailsOutput {
        let mut output = GetAccountAuthorizationDetailsOutput {
            user_detail_list: Some(Vec::new()),
            group_detail_list: Some(Vec::new()),
            role_detail_list: Some(Vec::new()),
            policies: Some(Vec::new()),
            ..GetAccountAuthorizationDetailsOutput::default()
        };
        let lists = (
            output.user_detail_list.get_or_insert_default(),
            output.group_detail_list.get_or_insert_default(),
            output.role_detail_list.get_or_insert_default(),
            output.policies.get_or_insert_default(),
        );
        for detail in details {
            match detail {
                AccountDetail::User(view) => lists.0.push(self.user(view)),
                AccountDetail::Group(view) => lists.1.push(self.group(view)),
                AccountDetail::Role(view) => lists.2.push(self.role(view)),
                AccountDetail::OwnPolicy(policy) | AccountDetail::AwsPolicy(policy) => {
                    lists.3.push(policy_detail(policy));
                }
            }
        }
        output
    }

    fn user(&self, view: &UserView) -> types::UserDetail {
        let user: &User = &view.stored;
        let groups = self.snapshot.groups_of_user(view);
        types::UserDetail {
            path: Some(user.path.to_string()),
            user_name: Some(user.name.to_string()),
            user_id: Some(user.id.to_string()),
            arn: Some(user.arn(self.partition)),
            create_date: Some(Timestamp(user.created)),
            user_policy_list: Some(inline_policies(user)),
            group_list: Some(groups.iter().map(|group| group.stored.name.to_string()).collect()),
            attached_managed_policies: Some(attached_policies(user)),
            permissions_boundary: iam::shown_boundary(user.boundary()),
            tags: Some(user.tags.iter().map(iam::tag).collect()),
        }
    }

    fn group(&self, view: &GroupView) -> types::GroupDetail {
        let group: &Group = &view.stored;
        types::GroupDetail {
            path: Some(group.path.to_string()),
            group_name: Some(group.name.to_string()),
            group_id: Some(group.id.to_string()),
            arn: Some(group.arn(self.partition)),
            create_date: Some(Timestamp(group.created)),
            group_policy_list: Some(inline_policies(group)),
            attached_managed_policies: Some(attached_policies(group)),
        }
    }

    fn role(&self, view: &RoleView) -> types::RoleDetail {
        let role: &Role = &view.stored;
        types::RoleDetail {
            path: Some(role.path.to_string()),
            role_name: Some(role.name.to_string()),
            role_id: Some(role.id.to_string()),
            arn: Some(role.arn(self.partition)),
            create_date: Some(Timestamp(role.created)),
            assume_role_policy_document: Some(iam::document(
                &role.trust_policy.shown(self.snapshot),
            )),
            instance_profile_list: Some(Vec::new()),
            role_policy_list: Some(inline_policies(role)),
            attached_managed_policies: Some(attached_policies(role)),
            permissions_boundary: iam::shown_boundary(role.boundary()),
            tags: Some(role.tags.iter().map(iam::tag).collect()),
            role_last_used: Some(iam::role_last_used(view)),
        }
    }
}

fn inline_policies(entity: &impl Entity) -> Vec<types::PolicyDetail> {
    let shown = entity.policies().iter().map(|(name, text)| types::PolicyDetail {
        policy_name: Some(name.to_string()),
        policy_document: Some(iam::document(text)),
    });
    shown.collect()
}

fn attached_policies(entity: &impl Entity) -> Vec<types::AttachedPolicy> {
    entity.attached().iter().map(iam::attached_policy).collect()
}

fn policy_detail(policy: &ShownPolicy) -> types::ManagedPolicyDetail {
    let shown = iam::policy(policy);
    let in_force = policy.view.stored.default_version;
    let versions = policy.view.versions.values().rev();
    let versions = versions.map(|version| iam::policy_version(version, version.id == in_force));
    types::ManagedPolicyDetail {
        policy_name: shown.policy_name,
        policy_id: shown.policy_id,
        arn: shown.arn,
        path: shown.path,
        default_version_id: shown.default_version_id,
        attachment_count: shown.attachment_count,
        permissions_boundary_usage_count: shown.permissions_boundary_usage_count,
        is_attachable: shown.is_attachable,
        description: shown.description,
        create_date: shown.create_date,
        update_date: shown.update_date,
        policy_version_list: Some(versions.collect()),
    }
}

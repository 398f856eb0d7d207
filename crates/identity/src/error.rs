//! Everything that a rule of this crate can answer instead of a value, in AWS's own words.

use crate::entity::EntityKind;
use crate::ids::AccessKeyId;
use crate::managed_policy::{POLICY_VERSIONS_MAX, PolicyArn, PolicyVersionId};
use crate::names::{AccountAliasName, GroupName, PolicyName, RoleName, UserName};
use crate::oidc_provider::IssuerName;
use crate::policies::TRUST_POLICY_CHARACTERS_MAX;
use crate::service::InvalidServiceName;

/// Text that is not a value of its type. `Display` is the whole message of a `ValidationError`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidValue {
    message: String,
}

impl InvalidValue {
    /// A message in the words of the service.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// The form in which AWS's front end reports one failed constraint of the API model.
    pub(crate) fn constraint(member: &str, value: impl std::fmt::Display, rule: &str) -> Self {
        Self::new(format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy \
             constraint: {rule}"
        ))
    }
}

/// Why IAM or STS refuses. `Display` is the message, [`code`](Self::code) the error code.
///
/// The texts are those of the live services, as quoted in public reports; the ones that could not
/// be verified say so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// No such user, group or role in the account.
    #[error("The {kind} with name {name} cannot be found.")]
    NoSuchEntity {
        /// What was looked for.
        kind: EntityKind,
        /// Under which name.
        name: Box<str>,
    },
    /// The entity has no inline policy of this name.
    #[error("The {kind} policy with name {name} cannot be found.")]
    NoSuchInlinePolicy {
        /// What the entity is.
        kind: EntityKind,
        /// The policy's name.
        name: PolicyName,
    },
    /// No such managed policy, or it is not attached.
    #[error("Policy {0} was not found.")]
    NoSuchPolicy(PolicyArn),
    /// No such managed policy to attach.
    #[error("Policy {0} does not exist or is not attachable.")]
    PolicyNotAttachable(PolicyArn),
    /// No such managed policy to be a permissions boundary.
    #[error("Scope ARN: {0} does not exist or is not attachable.")]
    BoundaryNotAttachable(PolicyArn),
    /// The managed policy has no such version.
    #[error("Policy {0} version {1} does not exist or is not attachable.")]
    NoSuchPolicyVersion(PolicyArn, PolicyVersionId),
    /// The user or role has no permissions boundary. Text not verified.
    #[error("The permissions boundary of the {kind} with name {name} cannot be found.")]
    NoBoundary {
        /// What the entity is.
        kind: EntityKind,
        /// Its name.
        name: Box<str>,
    },
    /// The user is not in the group. Text not verified.
    #[error("User {0} not in group {1}.")]
    NotInGroup(UserName, GroupName),
    /// No such access key, or it is another owner's.
    #[error("The Access Key with id {0} cannot be found.")]
    NoSuchAccessKey(AccessKeyId),
    /// The name is taken; names that differ only by case are the same name.
    #[error("{} with name {name} already exists.", kind.title())]
    EntityExists {
        /// What has it.
        kind: EntityKind,
        /// The name as it was asked for.
        name: Box<str>,
    },
    /// The account has a managed policy of this name; names that differ only by case are the same.
    #[error("A policy called {0} already exists. Duplicate names are not allowed.")]
    PolicyExists(PolicyName),
    /// Managed policies are attached to the entity that should go.
    #[error("Cannot delete entity, must detach all policies first.")]
    AttachmentsRemain,
    /// The managed policy that should go is attached, or somebody's permissions boundary.
    #[error("Cannot delete a policy attached to entities.")]
    PolicyAttached,
    /// The managed policy that should go has other versions than its default one.
    #[error(
        "This policy has more than one version. Before you delete a policy, you must delete the \
         policy's versions. The default version is deleted with the policy."
    )]
    PolicyVersionsRemain,
    /// The version that should go is in force.
    #[error("Cannot delete the default version of a policy.")]
    DefaultVersion,
    /// The managed policy has as many versions as it may.
    #[error(
        "A managed policy can have up to {POLICY_VERSIONS_MAX} versions. Before you create a new \
         version, you must delete an existing version."
    )]
    PolicyVersionsExceeded,
    /// A change of a service-linked role.
    #[error(
        "Cannot perform the operation on the protected role '{0}' - this role is only modifiable by \
         AWS"
    )]
    Unmodifiable(RoleName),
    /// A service-linked role of a service that has none. Text not verified.
    #[error("The service {0} has no service-linked role.")]
    NoServiceLinkedRole(Box<str>),
    /// The service-linked role exists.
    #[error("Service role name {0} has been taken in this account, please try a different suffix.")]
    ServiceLinkedRoleExists(RoleName),
    /// Not the id of a deletion that was asked for. Text not verified.
    #[error("The deletion task with id {0} cannot be found.")]
    NoSuchDeletionTask(Box<str>),
    /// No user here has a password.
    #[error("Login Profile for User {0} cannot be found.")]
    NoLoginProfile(UserName),
    /// The account has no such alias.
    #[error("The account alias with name {0} cannot be found.")]
    NoSuchAlias(AccountAliasName),
    /// Some account has the alias.
    #[error("The account alias {0} already exists.")]
    AliasExists(AccountAliasName),
    /// The account has no OpenID Connect provider of this ARN.
    #[error("OpenIDConnect Provider not found for arn {0}")]
    NoSuchOidcProvider(Box<str>),
    /// The account has an OpenID Connect provider of this issuer.
    #[error("Provider with url https://{0} already exists.")]
    OidcProviderExists(IssuerName),
    /// A token that is none, or that nobody here believes; the text says why.
    #[error("{0}")]
    InvalidIdentityToken(String),
    /// A token that is over.
    #[error("{0}")]
    ExpiredIdentityToken(String),
    /// A claim of a token that is not fit. Text not verified.
    #[error("The claim {0} of the identity token is missing or not acceptable.")]
    RejectedClaim(&'static str),
    /// The keys of a token's issuer cannot be read. Text not verified.
    #[error("The keys of the identity provider {0} cannot be read.")]
    IssuerUnreachable(IssuerName),
    /// The role does not let the bearer of the token in, or is not there.
    #[error("Not authorized to perform sts:AssumeRoleWithWebIdentity")]
    TokenNotAuthorized,
    /// Not the ARN of an OpenID Connect provider. Text not verified.
    #[error("Invalid ARN: {0} does not name an OpenID Connect provider.")]
    InvalidOidcProviderArn(Box<str>),
    /// A change of a policy that is AWS's own. Text not verified.
    #[error("Policy {0} is an AWS managed policy and cannot be changed.")]
    AwsManaged(PolicyArn),
    /// Not the ARN of a managed policy.
    #[error("ARN {0} is not valid.")]
    InvalidPolicyArn(Box<str>),
    /// Inline policies remain on the entity that should go.
    #[error("Cannot delete entity, must delete policies first.")]
    PoliciesRemain,
    /// Access keys remain on the user that should go.
    #[error("Cannot delete entity, must delete access keys first.")]
    AccessKeysRemain,
    /// The user that should go is in a group, or users are in the group.
    #[error("Cannot delete entity, must remove users from group first.")]
    UsersRemain,
    /// There are as many as there may be. `quota` names AWS's limit.
    #[error("Cannot exceed quota for {quota}: {limit}")]
    QuotaExceeded {
        /// The name of the quota.
        quota: &'static str,
        /// Its value.
        limit: usize,
    },
    /// The inline policies of the entity would be too long together.
    #[error(
        "Maximum policy size of {} bytes exceeded for {kind} {name}",
        kind.inline_policies_characters_max()
    )]
    InlinePoliciesTooLarge {
        /// What the entity is.
        kind: EntityKind,
        /// Its name.
        name: Box<str>,
    },
    /// The trust policy is too long.
    #[error("Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY_CHARACTERS_MAX}")]
    TrustPolicyTooLarge,
    /// The session policy is too long. Text not verified.
    #[error("Packed policy consumes {percent}% of allotted space, please use smaller policy.")]
    SessionPolicyTooLarge {
        /// Its length in percent of the allowed length; over 100.
        percent: usize,
    },
    /// A managed session policy that is not the ARN of a managed policy. Text not verified.
    #[error("The specified value for policyArn is invalid: {0}")]
    InvalidSessionPolicyArn(Box<str>),
    /// A managed session policy that is not there, or is of another account than the session: the
    /// two are told apart by nobody. Text not verified.
    #[error("Policy {0} does not exist or is not attachable.")]
    NoSuchSessionPolicy(PolicyArn),
    /// What a simulation is asked with and cannot be read; the text names it.
    #[error("{0}")]
    InvalidPolicyInput(String),
    /// Not the ARN of a user, group or role.
    #[error("Invalid Entity Arn: {0} does not clearly define entity type and name.")]
    InvalidEntityArn(Box<str>),
    /// A document that the policy language refuses; the text names the place and the rule.
    #[error("{0}")]
    MalformedPolicyDocument(String),
    /// A member whose value is outside its type.
    #[error(transparent)]
    Invalid(#[from] InvalidValue),
    /// Two tags with one key; keys that differ only by case are the same key.
    #[error("Duplicate tag keys found. Please note that Tag keys are case insensitive.")]
    DuplicateTagKeys,
    /// A key of `TransitiveTagKeys` that `Tags` has not.
    #[error("The specified transitive tag key must be included in the requested tags.")]
    TransitiveKeyMissing,
    /// A tag that the session inherits.
    #[error(
        "One of the specified transitive tag keys can't be set because it conflicts with a \
         transitive tag key from the calling session."
    )]
    TransitiveKeyConflict,
    /// More tags than one may have. Text not verified.
    #[error("The number of tags has reached the maximum limit.")]
    TagsExceeded,
    /// A parameter that would change what is permitted, and is not served yet: refused rather than
    /// ignored. Our own words, as AWS has none for it.
    #[error("The parameter {0} is not supported yet.")]
    ParameterUnsupported(&'static str),
    /// An operation that temporary credentials of this kind cannot call, whatever is allowed.
    #[error("Cannot call {0} with session credentials")]
    SessionCredentials(&'static str),
    /// An operation on "the caller's own user", by a caller that is no user.
    #[error("Must specify userName when calling with non-User credentials")]
    UserNameRequired,
    /// A role to assume that is not the ARN of a role.
    #[error("{0} is invalid")]
    InvalidRoleArn(String),
    /// A service principal that cannot be one.
    #[error(transparent)]
    InvalidService(#[from] InvalidServiceName),
    /// A message that tells of no denial about this account's resources.
    #[error("Message is invalid")]
    InvalidAuthorizationMessage,
    /// A list continued from a marker that no list has given out. Text not verified.
    #[error("Invalid marker.")]
    InvalidMarker,
    /// More seconds than the role's maximum session duration.
    #[error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")]
    DurationExceedsRole,
    /// More than an hour asked for by a caller that is itself a role session.
    #[error(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
         role chaining."
    )]
    DurationExceedsChaining,
}

impl IdentityError {
    /// `self`, said of a permissions boundary.
    #[must_use]
    pub fn of_boundary(self) -> Self {
        match self {
            Self::PolicyNotAttachable(policy) => Self::BoundaryNotAttachable(policy),
            other => other,
        }
    }

    /// The error code on the wire, the same in IAM and STS.
    #[must_use]
    #[rustfmt::skip]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchEntity { .. }
            | Self::NoSuchInlinePolicy { .. }
            | Self::NoSuchPolicy(_)
            | Self::PolicyNotAttachable(_)
            | Self::BoundaryNotAttachable(_)
            | Self::NoSuchPolicyVersion(..)
            | Self::NoBoundary { .. }
            | Self::NoSuchDeletionTask(_)
            | Self::NoLoginProfile(_)
            | Self::NoSuchAlias(_)
            | Self::NoSuchOidcProvider(_)
            | Self::NotInGroup(..)
            | Self::NoSuchAccessKey(_)          => "NoSuchEntity",
            Self::EntityExists { .. }
            | Self::AliasExists(_)
            | Self::OidcProviderExists(_)
            | Self::PolicyExists(_)             => "EntityAlreadyExists",
            Self::PoliciesRemain
            | Self::AccessKeysRemain
            | Self::UsersRemain
            | Self::AttachmentsRemain
            | Self::PolicyAttached
            | Self::PolicyVersionsRemain
            | Self::DefaultVersion              => "DeleteConflict",
            Self::QuotaExceeded { .. }
            | Self::InlinePoliciesTooLarge { .. }
            | Self::PolicyVersionsExceeded
            | Self::TrustPolicyTooLarge
            | Self::TagsExceeded                => "LimitExceeded",
            Self::SessionPolicyTooLarge { .. }  => "PackedPolicyTooLarge",
            Self::InvalidAuthorizationMessage   => "InvalidAuthorizationMessageException",
            Self::MalformedPolicyDocument(_)    => "MalformedPolicyDocument",
            Self::Invalid(_)
            | Self::UserNameRequired
            | Self::InvalidRoleArn(_)
            | Self::InvalidSessionPolicyArn(_)
            | Self::NoSuchSessionPolicy(_)
            | Self::InvalidService(_)
            | Self::InvalidMarker
            | Self::DurationExceedsRole
            | Self::DurationExceedsChaining     => "ValidationError",
            Self::DuplicateTagKeys
            | Self::InvalidPolicyInput(_)
            | Self::InvalidEntityArn(_)
            | Self::InvalidOidcProviderArn(_)
            | Self::NoServiceLinkedRole(_)
            | Self::ServiceLinkedRoleExists(_)
            | Self::InvalidPolicyArn(_)         => "InvalidInput",
            Self::TransitiveKeyMissing
            | Self::TransitiveKeyConflict       => "InvalidParameterValue",
            Self::Unmodifiable(_)               => "UnmodifiableEntity",
            Self::InvalidIdentityToken(_)       => "InvalidIdentityToken",
            Self::ExpiredIdentityToken(_)       => "ExpiredTokenException",
            Self::RejectedClaim(_)              => "IDPRejectedClaim",
            Self::IssuerUnreachable(_)          => "IDPCommunicationError",
            Self::SessionCredentials(_)
            | Self::TokenNotAuthorized
            | Self::AwsManaged(_)               => "AccessDenied",
            Self::ParameterUnsupported(_)       => "UnsupportedOperationException",
        }
    }
}

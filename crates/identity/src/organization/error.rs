//! Everything that a rule of Organizations can answer instead of a value, in AWS's own words where
//! they are known.

use crate::error::{IdentityError, InvalidValue};

/// Why Organizations refuses. `Display` is the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrganizationError {
    /// The account manages no organization, and is in none.
    #[error("Your account is not a member of an organization.")]
    NotInUse,
    /// The account is in an organization, so that it cannot make one.
    #[error("The AWS account is already a member of an organization.")]
    AlreadyInOrganization,
    /// The organization still has members.
    #[error(
        "The organization isn't empty. To delete an organization, you must first remove all accounts \
         except the management account."
    )]
    OrganizationNotEmpty,
    /// No such account in the organization.
    #[error("You specified an account that doesn't exist.")]
    AccountNotFound,
    /// The management account should leave its organization.
    #[error(
        "You can't remove a management account from an organization. If you want the management account to become a member account in another organization, you must first delete the current organization of the management account."
    )]
    ManagementCannotLeave,
    /// The account that should be closed is.
    #[error("You attempted to close an account that is already closed.")]
    AccountAlreadyClosed,
    /// The account is where it should go.
    #[error("That account is already present in the specified destination.")]
    DuplicateAccount,
    /// No such unit in the organization.
    #[error("You specified an organizational unit that doesn't exist.")]
    UnitNotFound,
    /// Another unit of the same parent has the name.
    #[error("An OU with the same name already exists.")]
    DuplicateUnit,
    /// Units or accounts are in the unit that should go.
    #[error(
        "The specified organizational unit is not empty. Move all accounts to another root or to other \
         OUs, remove all child OUs, and try the operation again."
    )]
    UnitNotEmpty,
    /// No such root or unit in the organization.
    #[error("You specified parent that doesn't exist.")]
    ParentNotFound,
    /// No such unit or account in the organization.
    #[error("You specified a child that doesn't exist.")]
    ChildNotFound,
    /// The account is not in the root or unit that it should leave.
    #[error("You specified a source root or OU that isn't the parent of the account.")]
    SourceParentNotFound,
    /// No such root or unit to go to.
    #[error("You specified a destination root or OU that doesn't exist.")]
    DestinationParentNotFound,
    /// No request for an account has this id.
    #[error("You specified a create account request ID that doesn't exist.")]
    CreateAccountStatusNotFound,
    /// No such root in the organization.
    #[error("You specified a root that doesn't exist.")]
    RootNotFound,
    /// No such root, unit or account in the organization.
    #[error("You specified a target that doesn't exist.")]
    TargetNotFound,
    /// No such policy in the organization.
    #[error("You specified a policy that doesn't exist.")]
    PolicyNotFound,
    /// Another policy of the organization has the name.
    #[error("A policy with the same name already exists.")]
    DuplicatePolicy,
    /// The policy is on the target.
    #[error("The selected policy is already attached to the specified target.")]
    DuplicatePolicyAttachment,
    /// The policy is not on the target.
    #[error("The policy isn't attached to the specified target.")]
    PolicyNotAttached,
    /// The policy that should go is attached.
    #[error(
        "The policy is attached to one or more entities. You must detach it from all roots, OUs, and \
         accounts before performing this operation."
    )]
    PolicyInUse,
    /// A document that the policy language refuses; the text names the place and the rule.
    #[error(
        "The provided policy document does not meet the requirements of the specified policy type: {0}"
    )]
    MalformedPolicy(String),
    /// Policies of the type are not in force.
    #[error("The specified policy type isn't currently enabled in this root.")]
    PolicyTypeNotEnabled,
    /// Policies of the type are in force.
    #[error("The specified policy type is already enabled.")]
    PolicyTypeAlreadyEnabled,
    /// The organization has no policies, or none of this type.
    #[error(
        "You can't use the specified policy type with the feature set currently enabled for this organization."
    )]
    PolicyTypeNotAvailable,
    /// There would be more of something than there may be.
    #[error("{text}")]
    Constraint {
        /// AWS's name of the constraint.
        reason: &'static str,
        /// What it says.
        text: &'static str,
    },
    /// A member whose value is outside its type.
    #[error("{text}")]
    Invalid {
        /// AWS's name of what is wrong with it.
        reason: &'static str,
        /// What is wrong.
        text: String,
    },
    /// A parameter that is not served: refused rather than ignored. Our own words.
    #[error("The parameter {0} is not supported yet.")]
    ParameterUnsupported(&'static str),
    /// A rule about the role of a new account refuses.
    #[error(transparent)]
    Role(#[from] IdentityError),
}

impl From<InvalidValue> for OrganizationError {
    fn from(error: InvalidValue) -> Self {
        Self::Invalid { reason: "INVALID_PATTERN", text: error.to_string() }
    }
}

impl OrganizationError {
    /// A constraint of the organization's size.
    pub(super) fn constraint(reason: &'static str, text: &'static str) -> Self {
        Self::Constraint { reason, text }
    }

    /// The error code on the wire.
    #[must_use]
    #[rustfmt::skip]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotInUse                    => "AWSOrganizationsNotInUseException",
            Self::AlreadyInOrganization       => "AlreadyInOrganizationException",
            Self::OrganizationNotEmpty        => "OrganizationNotEmptyException",
            Self::AccountNotFound             => "AccountNotFoundException",
            Self::ManagementCannotLeave       => "MasterCannotLeaveOrganizationException",
            Self::AccountAlreadyClosed        => "AccountAlreadyClosedException",
            Self::DuplicateAccount            => "DuplicateAccountException",
            Self::UnitNotFound                => "OrganizationalUnitNotFoundException",
            Self::DuplicateUnit               => "DuplicateOrganizationalUnitException",
            Self::UnitNotEmpty                => "OrganizationalUnitNotEmptyException",
            Self::ParentNotFound              => "ParentNotFoundException",
            Self::ChildNotFound               => "ChildNotFoundException",
            Self::SourceParentNotFound        => "SourceParentNotFoundException",
            Self::DestinationParentNotFound   => "DestinationParentNotFoundException",
            Self::CreateAccountStatusNotFound => "CreateAccountStatusNotFoundException",
            Self::RootNotFound                => "RootNotFoundException",
            Self::TargetNotFound              => "TargetNotFoundException",
            Self::PolicyNotFound              => "PolicyNotFoundException",
            Self::DuplicatePolicy             => "DuplicatePolicyException",
            Self::DuplicatePolicyAttachment   => "DuplicatePolicyAttachmentException",
            Self::PolicyNotAttached           => "PolicyNotAttachedException",
            Self::PolicyInUse                 => "PolicyInUseException",
            Self::MalformedPolicy(_)          => "MalformedPolicyDocumentException",
            Self::PolicyTypeNotEnabled        => "PolicyTypeNotEnabledException",
            Self::PolicyTypeAlreadyEnabled    => "PolicyTypeAlreadyEnabledException",
            Self::PolicyTypeNotAvailable      => "PolicyTypeNotAvailableForOrganizationException",
            Self::Constraint { .. }           => "ConstraintViolationException",
            Self::Invalid { .. } | Self::Role(_) => "InvalidInputException",
            Self::ParameterUnsupported(_)     => "UnsupportedOperationException",
        }
    }

    /// Which of several rules of the code was broken, where AWS tells it.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Constraint { reason, .. } | Self::Invalid { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

//! New accounts of an organization: the account, its way in for the management account, and the
//! record of the request.

use jiff::Timestamp;
use portcullis_iam::NoEntities;

use super::{
    AccountName, ContainerId, CreateAccountRequestId, Email, Member, Organization,
    OrganizationError,
};
use crate::account::Account;
use crate::arn::Partition;
use crate::entity::Entity as _;
use crate::ids::{AccountId, RoleId};
use crate::names::{Path, RoleName};
use crate::role::{MaxSessionDuration, NewRole, Role, create_role};
use crate::tags::Tags;
use crate::trust::TrustPolicy;

/// Most accounts of an organization. Ours: AWS's is 10 until one asks for more.
pub const ACCOUNTS_PER_ORGANIZATION_MAX: usize = 5_000;

/// How many requests are kept; AWS keeps those of 90 days.
const REQUESTS_MAX: usize = 1_000;

/// What `CreateAccount` asks for.
#[derive(Clone, Debug)]
pub struct AccountRequest {
    /// What the account will be called.
    pub name: AccountName,
    /// The address of its root user; unique in the organization.
    pub email: Email,
    /// The role that lets the management account in.
    pub role: RoleName,
}

/// The ids that a new account takes.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Of the request.
    pub request: CreateAccountRequestId,
    /// Of the account, which no account has.
    pub account: AccountId,
    /// Of its role.
    pub role: RoleId,
}

/// Why no account was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateAccountFailure {
    /// An account of the organization has the address.
    EmailAlreadyExists,
}

/// A request for an account, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateAccountRequest {
    /// What the account should be called.
    pub name: AccountName,
    /// When it was asked for and answered: an account takes no time here.
    pub requested: Timestamp,
    /// The account.
    pub outcome: Result<AccountId, CreateAccountFailure>,
}

/// An account and its role, to be made.
#[derive(Clone, Debug)]
pub struct CreatedAccount {
    /// The account.
    pub account: Account,
    /// The role that the management account may assume, which may do everything.
    pub role: Role,
}

impl Organization {
    /// `self` with the request, and with the account that it asks for, in the root; what has to be
    /// made beside, unless the request failed.
    ///
    /// # Errors
    /// The constraint on the number of accounts.
    pub fn create_account(
        &self,
        request: AccountRequest,
        new: &NewAccount,
        partition: Partition,
        now: Timestamp,
    ) -> Result<(Self, Option<CreatedAccount>), OrganizationError> {
        if self.members.len() >= ACCOUNTS_PER_ORGANIZATION_MAX {
            let text = "You have exceeded the allowed number of AWS accounts in the organization.";
            return Err(OrganizationError::constraint("ACCOUNT_NUMBER_LIMIT_EXCEEDED", text));
        }
        let mut organization = self.clone();
        let taken = self.has_email(&request.email);
        let outcome =
            if taken { Err(CreateAccountFailure::EmailAlreadyExists) } else { Ok(new.account) };
        let name = request.name.clone();
        organization
            .remember(new.request.clone(), CreateAccountRequest { name, requested: now, outcome });
        if taken {
            return Ok((organization, None));
        }
        let role = self.way_in(request.role, new, partition, now)?;
        let parent = ContainerId::Root(self.root.clone());
        let named = Some((request.name, request.email));
        organization
            .members
            .insert(new.account, Member { named, parent, joined: now, closed: None });
        let account = Account { id: new.account, created: now };
        Ok((organization, Some(CreatedAccount { account, role })))
    }

    fn has_email(&self, email: &Email) -> bool {
        let mut named = self.members.values().filter_map(|member| member.named.as_ref());
        named.any(|(_, taken)| taken.as_str().eq_ignore_ascii_case(email.as_str()))
    }

    /// Keeps a request, and of the others the newest.
    fn remember(&mut self, id: CreateAccountRequestId, request: CreateAccountRequest) {
        while self.requests.len() >= REQUESTS_MAX {
            let oldest = self.requests.iter().min_by_key(|(_, kept)| kept.requested);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { break };
            self.requests.remove(&oldest);
        }
        self.requests.insert(id, request);
    }

    /// The role of a new account that trusts the management account and may do everything.
    fn way_in(
        &self,
        name: RoleName,
        new: &NewAccount,
        partition: Partition,
        now: Timestamp,
    ) -> Result<Role, OrganizationError> {
        let manager = self.management.root_arn(partition);
        let trust_policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{manager}"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        let settings = NewRole {
            path: Path::default(),
            name,
            trust_policy: TrustPolicy::new(&trust_policy, &NoEntities)?,
            description: None,
            max_session_duration: MaxSessionDuration::default(),
            tags: Tags::default(),
            boundary: None,
        };
        let mut role = create_role(new.account, None, settings, new.role, now)?;
        let everything = format!("arn:{partition}:iam::aws:policy/AdministratorAccess").parse()?;
        *role.attached_mut() = role.attached().with(everything);
        Ok(role)
    }
}

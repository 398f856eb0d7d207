//! Service-linked roles: a service's own role in an account, made by a fixed rule.

use jiff::Timestamp;
use portcullis_iam::Bindings;

use crate::error::IdentityError;
use crate::ids::{AccountId, RoleId};
use crate::names::RoleName;
use crate::policies::InlinePolicies;
use crate::role::{MaxSessionDuration, Role, RoleDescription};
use crate::set::SmallSet;
use crate::tags::Tags;
use crate::trust::TrustPolicy;

/// The services that have a role of their own, and how it is called behind `AWSServiceRoleFor`.
const SERVICES: [(&str, &str); 24] = [
    ("access-analyzer.amazonaws.com", "AccessAnalyzer"),
    ("apidestinations.events.amazonaws.com", "AmazonEventBridgeApiDestinations"),
    ("autoscaling.amazonaws.com", "AutoScaling"),
    ("cloudtrail.amazonaws.com", "CloudTrail"),
    ("config.amazonaws.com", "Config"),
    ("ecs.amazonaws.com", "ECS"),
    ("eks.amazonaws.com", "AmazonEKS"),
    ("elasticache.amazonaws.com", "ElastiCache"),
    ("elasticfilesystem.amazonaws.com", "AmazonElasticFileSystem"),
    ("elasticloadbalancing.amazonaws.com", "ElasticLoadBalancing"),
    ("events.amazonaws.com", "CloudWatchEvents"),
    ("guardduty.amazonaws.com", "AmazonGuardDuty"),
    ("lambda.amazonaws.com", "Lambda"),
    ("ops.apigateway.amazonaws.com", "APIGateway"),
    ("opensearchservice.amazonaws.com", "AmazonOpenSearchService"),
    ("organizations.amazonaws.com", "Organizations"),
    ("rds.amazonaws.com", "RDS"),
    ("replicator.lambda.amazonaws.com", "LambdaReplicator"),
    ("securityhub.amazonaws.com", "SecurityHub"),
    ("spot.amazonaws.com", "EC2Spot"),
    ("ssm.amazonaws.com", "AmazonSSM"),
    ("sso.amazonaws.com", "SSO"),
    ("support.amazonaws.com", "Support"),
    ("trustedadvisor.amazonaws.com", "TrustedAdvisor"),
];

/// The name and path of a service's role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceLinkedRole {
    service: &'static str,
    name: RoleName,
}

impl ServiceLinkedRole {
    /// The role of `service`, or one more of them with a suffix.
    ///
    /// # Errors
    /// [`IdentityError::NoServiceLinkedRole`]; a suffix that makes no legal name.
    pub fn new(service: &str, suffix: Option<&str>) -> Result<Self, IdentityError> {
        let row = SERVICES.into_iter().find(|(known, _)| *known == service);
        let (service, name) =
            row.ok_or_else(|| IdentityError::NoServiceLinkedRole(service.into()))?;
        let suffix = suffix.map(|suffix| format!("_{suffix}")).unwrap_or_default();
        Ok(Self { service, name: format!("AWSServiceRoleFor{name}{suffix}").parse()? })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &RoleName {
        &self.name
    }

    /// Its path: `/aws-service-role/SERVICE/`.
    ///
    /// # Errors
    /// None: the services of the table make legal paths.
    pub fn path(&self) -> Result<crate::Path, IdentityError> {
        Ok(format!("/aws-service-role/{}/", self.service).parse()?)
    }

    /// Makes the role, which only the service may become. `taken` is the role of the same name.
    ///
    /// # Errors
    /// [`IdentityError::ServiceLinkedRoleExists`].
    pub fn create(
        &self,
        account: AccountId,
        taken: Option<&Role>,
        description: Option<RoleDescription>,
        id: RoleId,
        now: Timestamp,
    ) -> Result<Role, IdentityError> {
        if taken.is_some() {
            return Err(IdentityError::ServiceLinkedRoleExists(self.name.clone()));
        }
        let trust_policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{}"}},"Action":"sts:AssumeRole"}}]}}"#,
            self.service
        );
        Ok(Role {
            account,
            path: self.path()?,
            name: self.name.clone(),
            id,
            created: now,
            description,
            max_session_duration: MaxSessionDuration::default(),
            trust_policy: TrustPolicy::restore(trust_policy.into(), Bindings::default()),
            tags: Tags::default(),
            policies: InlinePolicies::default(),
            attached: SmallSet::default(),
            boundary: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use portcullis_iam::{DocumentKind, NoEntities, Policy};

    use super::*;
    use crate::samples::{ALLOW, TRUST, account, now};
    use crate::{
        attach_policy, delete_role, put_inline_policy, put_permissions_boundary, tag, update_role,
        update_trust_policy,
    };

    fn create(taken: Option<&Role>) -> Result<Role, IdentityError> {
        let linked = ServiceLinkedRole::new("organizations.amazonaws.com", None)?;
        linked.create(account(), taken, None, RoleId::from_random([6; 17]), now())
    }

    #[test]
    fn every_service_of_the_table_has_a_role_that_it_may_become() {
        for (service, name) in SERVICES {
            let linked = ServiceLinkedRole::new(service, Some("x")).unwrap();
            assert_eq!(linked.name().as_str(), format!("AWSServiceRoleFor{name}_x"));
            let id = RoleId::from_random([6; 17]);
            let role = linked.create(account(), None, None, id, now()).unwrap();
            assert!(role.is_service_linked() && role.trust_policy.document().contains(service));
            assert!(
                Policy::parse(DocumentKind::Trust, role.trust_policy.document()).is_ok(),
                "{service}"
            );
        }
        let text = "The service x.amazonaws.com has no service-linked role.";
        let error = ServiceLinkedRole::new("x.amazonaws.com", None).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), ("InvalidInput", text));
        let error = create(Some(&create(None).unwrap())).unwrap_err();
        assert_eq!(error.code(), "InvalidInput");
    }

    #[test]
    fn nobody_changes_a_service_linked_role_but_for_its_description() {
        let role = create(None).unwrap();
        let policy = "arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap();
        let tags = Tags::new(vec![crate::Tag::new("k", "v").unwrap()]).unwrap();
        let refused = [
            put_inline_policy(&role, "p".parse().unwrap(), ALLOW),
            attach_policy(&role, &policy),
            put_permissions_boundary(&role, &policy),
            tag(&role, &tags),
            update_trust_policy(&role, TRUST, &NoEntities),
            update_role(&role, None, Some(MaxSessionDuration::default())),
            delete_role(&role).map(|()| role.clone()),
        ];
        let text = "Cannot perform the operation on the protected role \
                    'AWSServiceRoleForOrganizations' - this role is only modifiable by AWS";
        for refused in refused {
            let error = refused.unwrap_err();
            assert_eq!((error.code(), error.to_string().as_str()), ("UnmodifiableEntity", text));
        }
        assert!(update_role(&role, Some("x".parse().unwrap()), None).is_ok());
    }
}

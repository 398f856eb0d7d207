//! Resource policies of layer versions: add a statement, show them, remove one.

use std::sync::Arc;

use portcullis_lambda::{
    LambdaError, LayerGrant, LayerVersion, LayerVersionArn, NotFound, ResourcePolicy, RevisionId,
    Statement,
};
use portcullis_model::lambda::operation::{
    AddLayerVersionPermission, GetLayerVersionPolicy, RemoveLayerVersionPermission,
};

use super::fresh_revision;
use crate::{
    Catalog, Failure, LayerVersionResource, Permit, Plan, PolicyView, Snapshot, Versioned,
    address::Address, catalog::CatalogError,
};

/// A layer version, and its policy if it has one.
type VersionAndPolicy<'a> = (&'a Versioned<LayerVersion>, Option<&'a Arc<PolicyView>>);

impl Catalog {
    /// Appends the statement of `grant` to the policy of exactly the permitted layer version; the
    /// statement, and the policy's new revision.
    ///
    /// # Errors
    /// The missing version, then the refusals of [`ResourcePolicy::add_to_layer`].
    pub async fn add_layer_version_permission(
        &self,
        permit: Permit<AddLayerVersionPermission, LayerVersionResource>,
        grant: &LayerGrant,
        expected: Option<&str>,
    ) -> Result<(Statement, RevisionId), Failure<LambdaError>> {
        let LayerVersionResource(arn) = permit.consume();
        let revision = fresh_revision();
        self.transact(arn.layer().as_str(), |snapshot| {
            let (version, current) = snapshot.find_layer_policy(&arn)?;
            let stored = current.map(|view| &*view.stored);
            let policy = ResourcePolicy::add_to_layer(stored, &arn, grant, expected, revision)?;
            let sid = grant.statement_id().as_str();
            let missing = || LambdaError::from(NotFound::Statement(sid.into()));
            let added = policy.statement(sid).ok_or_else(missing)?.clone();
            let plan = guarded(Plan::answer((added, revision)), &arn, version, current);
            Ok(plan.put(&Address::LayerPolicy(arn.clone()), &policy))
        })
        .await
    }

    /// Removes the statement `sid`; the policy goes with its last statement.
    ///
    /// # Errors
    /// The missing version, then the refusals of [`ResourcePolicy::remove_from_layer`].
    pub async fn remove_layer_version_permission(
        &self,
        permit: Permit<RemoveLayerVersionPermission, LayerVersionResource>,
        sid: &str,
        expected: Option<&str>,
    ) -> Result<(), Failure<LambdaError>> {
        let LayerVersionResource(arn) = permit.consume();
        let revision = fresh_revision();
        let address = Address::LayerPolicy(arn.clone());
        self.transact(arn.layer().as_str(), |snapshot| {
            let (version, current) = snapshot.find_layer_policy(&arn)?;
            let stored = current.map(|view| &*view.stored);
            let rest = ResourcePolicy::remove_from_layer(stored, sid, expected, revision)?;
            let plan = guarded(Plan::answer(()), &arn, version, current);
            Ok(match rest {
                Some(policy) => plan.put(&address, &policy),
                None => plan.delete(&address),
            })
        })
        .await
    }
}

impl Snapshot {
    /// The policy of exactly the permitted layer version.
    ///
    /// # Errors
    /// The missing version, then [`NotFound::NoPolicy`].
    pub fn get_layer_version_policy(
        &self,
        permit: Permit<GetLayerVersionPolicy, LayerVersionResource>,
    ) -> Result<Arc<PolicyView>, Failure<LambdaError>> {
        let (_, policy) = self.find_layer_policy(&permit.consume().0)?;
        Ok(policy.ok_or(LambdaError::from(NotFound::NoPolicy))?.clone())
    }

    /// A layer version, and its policy if it has one.
    fn find_layer_policy(
        &self,
        arn: &LayerVersionArn,
    ) -> Result<VersionAndPolicy<'_>, Failure<LambdaError>> {
        let missing = || LambdaError::from(NotFound::LayerVersion(arn.clone()));
        let layer = self.layer(arn.layer()).ok_or_else(missing)?;
        let version = layer.versions.get(&arn.number()).ok_or_else(missing)?;
        match layer.policies.get(&arn.number()) {
            None => Ok((version, None)),
            Some(Some(policy)) => Ok((version, Some(policy))),
            Some(None) => Err(CatalogError::Unreadable.into()),
        }
    }
}

/// `plan`, good only while version and policy are those that the rule saw.
fn guarded<T>(
    plan: Plan<T>,
    arn: &LayerVersionArn,
    version: &Versioned<LayerVersion>,
    policy: Option<&Arc<PolicyView>>,
) -> Plan<T> {
    let plan = plan.incarnation(&Address::LayerVersion(arn.clone()), version.created);
    let address = Address::LayerPolicy(arn.clone());
    match policy {
        Some(policy) => plan.unchanged(&address, policy.stored.modified),
        None => plan.absent(&address),
    }
}

//! Layers: publish a version, show one, list, delete.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_lambda::{
    CodePackage, LambdaError, Layer, LayerArn, LayerFilter, LayerNotes, LayerVersion,
    LayerVersionArn, Layers, NotFound, Region, VersionNumber, WantedLayers,
};
use portcullis_model::lambda::operation::{
    DeleteLayerVersion, GetLayerVersion, GetLayerVersionByArn, ListLayerVersions, ListLayers,
    PublishLayerVersion,
};

use super::Page;
use crate::{
    Catalog, Failure, LayerResource, LayerVersionResource, LayerView, Permit, Plan, Snapshot,
    Versioned, WholeAccount, address::Address,
};

impl Catalog {
    /// Publishes a version of a layer, which begins with its first. The content is stored already.
    ///
    /// # Errors
    /// [`Failure::Catalog`] alone: no rule refuses.
    pub async fn publish_layer_version(
        &self,
        permit: Permit<PublishLayerVersion, LayerResource>,
        notes: &LayerNotes,
        content: CodePackage,
        now: Timestamp,
    ) -> Result<LayerVersion, Failure<LambdaError>> {
        let LayerResource(arn) = permit.consume();
        let address = Address::Layer(arn.clone());
        self.transact(arn.as_str(), |snapshot| {
            let old = snapshot.layer(&arn).map(|view| &view.head);
            let before = old.map_or_else(|| Layer::new(arn.clone()), |head| Layer::clone(head));
            let (layer, version) = before.publish(notes.clone(), content, now);
            let plan = Plan::answer(version.clone());
            let plan = match old {
                Some(head) => plan.unchanged(&address, head.modified),
                None => plan.absent(&address),
            };
            let place = Address::LayerVersion(version.arn.clone());
            Ok(plan.put(&address, &layer).put(&place, &version))
        })
        .await
    }

    /// Deletes a version of a layer with all that belongs to it; one that is not there is deleted.
    /// Functions that use it keep it.
    ///
    /// # Errors
    /// [`Failure::Catalog`] alone: no rule refuses.
    pub async fn delete_layer_version(
        &self,
        permit: Permit<DeleteLayerVersion, LayerVersionResource>,
    ) -> Result<(), Failure<LambdaError>> {
        let LayerVersionResource(arn) = permit.consume();
        self.transact(arn.layer().as_str(), |snapshot| {
            let plan = Plan::answer(());
            Ok(match snapshot.layer_version(&arn) {
                Some(_) => plan.delete_with_children(&Address::LayerVersion(arn.clone())),
                None => plan,
            })
        })
        .await
    }
}

impl Snapshot {
    /// A version of a layer.
    ///
    /// # Errors
    /// [`NotFound::Resource`]
    pub fn get_layer_version(
        &self,
        permit: Permit<GetLayerVersion, LayerVersionResource>,
    ) -> Result<Arc<LayerVersion>, LambdaError> {
        self.find_layer_version(&permit.consume().0)
    }

    /// A version of a layer.
    ///
    /// # Errors
    /// [`NotFound::Resource`]
    pub fn get_layer_version_by_arn(
        &self,
        permit: Permit<GetLayerVersionByArn, LayerVersionResource>,
    ) -> Result<Arc<LayerVersion>, LambdaError> {
        self.find_layer_version(&permit.consume().0)
    }

    /// The layers of the permitted account in `region`, by name, after the name `after`: of each the
    /// newest version that `filter` admits; without one, a layer is not shown.
    #[must_use]
    pub fn list_layers(
        &self,
        permit: Permit<ListLayers, WholeAccount>,
        region: &Region,
        filter: &LayerFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Page<Arc<LayerVersion>> {
        let prefix = LayerArn::prefix(region, permit.consume().0.as_str());
        let layers = self.layers.after(&prefix, after);
        Page::take(layers.filter_map(|layer| newest_first(layer, filter).next()), limit)
    }

    /// The versions of a layer that `filter` admits, newest first, older than `before`. A layer that
    /// is not there has none.
    #[must_use]
    pub fn list_layer_versions(
        &self,
        permit: Permit<ListLayerVersions, LayerResource>,
        filter: &LayerFilter,
        before: Option<VersionNumber>,
        limit: usize,
    ) -> Page<Arc<LayerVersion>> {
        let layer = self.layer(&permit.consume().0);
        let versions = layer.into_iter().flat_map(|layer| newest_first(layer, filter));
        let older = |number| before.is_none_or(|before| number < before);
        Page::take(versions.filter(|version| older(version.arn.number())), limit)
    }

    /// What a function gets of the layers that it asks for; `None` if it does not ask.
    ///
    /// # Errors
    /// Those of [`WantedLayers::found`].
    pub(super) fn find_layers(
        &self,
        wanted: Option<&WantedLayers>,
    ) -> Result<Option<Layers>, LambdaError> {
        let find = |arn: &LayerVersionArn| Some(self.layer_version(arn)?.content);
        Ok(wanted.map(|wanted| wanted.found(find)).transpose()?)
    }

    fn find_layer_version(&self, arn: &LayerVersionArn) -> Result<Arc<LayerVersion>, LambdaError> {
        let version = self.layer_version(arn).ok_or(NotFound::Resource)?;
        Ok(version.shared())
    }
}

/// The plan, as long as the layers are those that were looked at: what is deleted may lose its files,
/// and a function that uses it keeps them only once it is there.
pub(super) fn while_layers_exist<T>(
    plan: Plan<T>,
    snapshot: &Snapshot,
    layers: Option<&WantedLayers>,
) -> Plan<T> {
    let found = layers.into_iter().flat_map(WantedLayers::iter);
    let found = found.filter_map(|arn| Some((arn, snapshot.layer_version(arn)?.created)));
    found.fold(plan, |plan, (arn, created)| {
        plan.incarnation(&Address::LayerVersion(arn.clone()), created)
    })
}

/// The versions that `filter` admits.
fn newest_first(
    layer: &LayerView,
    filter: &LayerFilter,
) -> impl Iterator<Item = Arc<LayerVersion>> {
    let versions = layer.versions.values().rev();
    versions.filter(|version| filter.admits(&version.notes)).map(Versioned::shared)
}

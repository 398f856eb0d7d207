//! The layers of a snapshot, and their versions.

use std::sync::Arc;

use imbl::OrdMap;
use portcullis_lambda::{Layer, LayerArn, LayerVersion, LayerVersionArn, VersionNumber};

use crate::{PolicyView, Versioned, snapshot::set};

/// A layer with its versions.
#[derive(Clone, Debug)]
pub struct LayerView {
    /// What outlives its versions.
    pub head: Versioned<Layer>,
    /// Those that are not deleted, ascending.
    pub versions: OrdMap<VersionNumber, Versioned<LayerVersion>>,
    /// `None` stands for a policy that cannot be decoded: it may hold a Deny, so it denies.
    pub(crate) policies: OrdMap<VersionNumber, Option<Arc<PolicyView>>>,
}

/// All layers, by ARN. Those without a version are among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers(OrdMap<Arc<str>, Arc<LayerView>>);

impl Layers {
    /// A layer, even if none of its versions is left.
    pub(crate) fn get(&self, arn: &LayerArn) -> Option<&Arc<LayerView>> {
        self.0.get(arn.as_str())
    }

    /// The layers whose ARN begins with `prefix`, by name, after the layer of this name.
    pub(crate) fn after<'a>(
        &'a self,
        prefix: &'a str,
        name: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<LayerView>> {
        let seen: Arc<str> = format!("{prefix}{}", name.unwrap_or_default()).into();
        let from = self.0.range(seen.clone()..).filter(move |(arn, _)| **arn != seen);
        from.take_while(move |(arn, _)| arn.starts_with(prefix)).map(|(_, view)| view)
    }

    /// Every layer.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<LayerView>> {
        self.0.values()
    }

    /// Takes in the head of a layer.
    pub(crate) fn apply(&mut self, arn: &LayerArn, head: Option<Versioned<Layer>>) {
        match (head, self.0.get_mut(arn.as_str())) {
            (Some(head), Some(view)) => Arc::make_mut(view).head = head,
            (Some(head), None) => {
                let (versions, policies) = (OrdMap::new(), OrdMap::new());
                let view = LayerView { head, versions, policies };
                self.0.insert(arn.as_str().into(), Arc::new(view));
            }
            (None, _) => drop(self.0.remove(arn.as_str())),
        }
    }

    /// Takes in the policy of a version, which `next` makes of the one before.
    pub(crate) fn apply_policy(
        &mut self,
        arn: &LayerVersionArn,
        next: impl FnOnce(Option<&PolicyView>) -> Option<Option<Arc<PolicyView>>>,
    ) {
        if let Some(view) = self.0.get_mut(arn.layer().as_str()) {
            let previous = view.policies.get(&arn.number()).and_then(Option::as_deref);
            let next = next(previous);
            set(&mut Arc::make_mut(view).policies, arn.number(), next);
        }
    }

    /// Takes in a version. Without its layer it belongs to nobody.
    pub(crate) fn apply_version(
        &mut self,
        arn: &LayerVersionArn,
        version: Option<Versioned<LayerVersion>>,
    ) {
        if let Some(view) = self.0.get_mut(arn.layer().as_str()) {
            set(&mut Arc::make_mut(view).versions, arn.number(), version);
        }
    }
}

//! The way to a permit on what a request names as a layer.

use portcullis_catalog::{LayerResource, LayerVersionResource, Permit};
use portcullis_lambda::{Endpoint, LambdaError, LayerArn, LayerVersionArn, NotFound};
use portcullis_model::Operation;

use crate::{conditions::Parameters, context::RequestCx, error::ApiError};

impl RequestCx<'_> {
    /// The permission to perform `A` on the layer that `name`, or an ARN, says.
    ///
    /// # Errors
    /// [`ApiError::Denied`], then a layer of another region.
    pub(crate) fn layer<A: Operation>(
        &self,
        name: &str,
    ) -> Result<Permit<A, LayerResource>, ApiError> {
        let resource = LayerResource(self.layer_arn(name)?);
        let permit = self.authorize(resource, &Parameters::default())?;
        self.check_reachable(&permit.resource().0)?;
        Ok(permit)
    }

    /// The permission to perform `A` on a version of the layer that `name`, or an ARN, says.
    ///
    /// # Errors
    /// A number that no version has, which looks nothing up; then those of
    /// [`layer_version_at`](Self::layer_version_at).
    pub(crate) fn layer_version<A: Operation>(
        &self,
        name: &str,
        number: i64,
    ) -> Result<Permit<A, LayerVersionResource>, ApiError> {
        self.layer_version_at(self.layer_arn(name)?.version(number)?)
    }

    /// The permission to perform `A` on a version of a layer.
    ///
    /// # Errors
    /// [`ApiError::Denied`], then a layer of another region.
    pub(crate) fn layer_version_at<A: Operation>(
        &self,
        arn: LayerVersionArn,
    ) -> Result<Permit<A, LayerVersionResource>, ApiError> {
        let permit = self.authorize(LayerVersionResource(arn), &Parameters::default())?;
        self.check_reachable(permit.resource().0.layer())?;
        Ok(permit)
    }

    fn layer_arn(&self, name: &str) -> Result<LayerArn, ApiError> {
        let account = self.account().as_str().parse().map_err(LambdaError::from)?;
        let endpoint = Endpoint { account: &account, region: &self.state.region };
        Ok(LayerArn::resolve(name, endpoint).map_err(LambdaError::from)?)
    }

    /// An endpoint knows the layers of its own region only.
    fn check_reachable(&self, layer: &LayerArn) -> Result<(), LambdaError> {
        match *layer.region() == self.state.region {
            true => Ok(()),
            false => Err(NotFound::Resource.into()),
        }
    }
}

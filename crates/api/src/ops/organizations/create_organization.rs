//! Organizations `CreateOrganization`: makes an organization that the caller's account manages.

use portcullis_identity::organization::FeatureSet;
use portcullis_model::organizations::{
    operation::CreateOrganization,
    types::{CreateOrganizationInput, CreateOrganizationOutput, OrganizationFeatureSet},
};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::organizations::Shown};

pub(crate) async fn create_organization(
    cx: &RequestCx<'_>,
    input: CreateOrganizationInput,
) -> Result<Answer<CreateOrganizationOutput>, ApiError> {
    let permit = cx.organization::<CreateOrganization>()?;
    let features = match input.feature_set {
        None | Some(OrganizationFeatureSet::All) => FeatureSet::All,
        Some(OrganizationFeatureSet::ConsolidatedBilling) => FeatureSet::ConsolidatedBilling,
    };
    let made = cx.state.catalog.create_organization(permit, features, cx.now()).await?;
    let shown = Shown { snapshot: &cx.snapshot, organization: &made };
    Ok(Answer::Output(CreateOrganizationOutput { organization: Some(shown.organization()) }))
}

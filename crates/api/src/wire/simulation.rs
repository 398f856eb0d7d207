//! Simulations on the wire of IAM: what is given, and what was found out.

use std::collections::BTreeMap;

use portcullis_catalog::{Evaluation, Excluded, Given, Matched, Position, Simulation, SourceKind};
use portcullis_iam::{Decision, MapContext, explain::Verdict};
use portcullis_identity::{AccountId, EntityKind, IdentityError, PolicyOwner};
use portcullis_model::iam::types::{
    AttachmentType, ContextEntry, ContextKeyTypeEnum, EvaluationResult,
    OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail, PolicyEvaluationDecisionType,
    PolicyIdentifier, PolicySourceType, ResourceSpecificResult, SimulateCustomPolicyInput,
    SimulatePolicyResponse, SimulatePrincipalPolicyInput, Statement,
};

use super::{
    iam::{Paging, parsed},
    marker,
};
use crate::error::ApiError;

/// What is asked of a simulation, page by page.
pub(crate) struct Questions {
    actions: Vec<String>,
    /// `None` for the one question about no resource.
    resources: Option<Vec<String>>,
    first: usize,
    limit: usize,
}

impl Questions {
    /// The questions of a request. One without resources is about all of them, `*`.
    ///
    /// # Errors
    /// A marker that no page has given out.
    pub(crate) fn new(
        actions: Vec<String>,
        resources: Option<Vec<String>>,
        marker: Option<&str>,
        max_items: Option<i32>,
    ) -> Result<Self, ApiError> {
        let Paging { after, limit } = Paging::new(marker, max_items)?;
        let first = if after.is_empty() { Ok(0) } else { after.parse() };
        let first = first.map_err(|_| IdentityError::InvalidMarker)?;
        let resources = resources.filter(|resources| !resources.is_empty());
        Ok(Self { actions, resources, first, limit })
    }

    /// Answers them where that holds nobody up: a document may be long, and they may be many.
    ///
    /// # Errors
    /// A failure of the server's own.
    pub(crate) async fn answer(
        self,
        simulation: Simulation,
    ) -> Result<SimulatePolicyResponse, ApiError> {
        let answering = move || self.answers(&simulation);
        tokio::task::spawn_blocking(answering).await.map_err(ApiError::internal)
    }

    fn answers(&self, simulation: &Simulation) -> SimulatePolicyResponse {
        let any = ["*".to_owned()];
        let resources = self.resources.as_deref().unwrap_or(&any);
        let pairs = self.actions.iter().flat_map(|action| {
            resources.iter().map(move |resource| (action.as_str(), resource.as_str()))
        });
        let results = pairs.skip(self.first).take(self.limit).map(|(action, resource)| {
            result(
                action,
                resource,
                simulation.evaluate(action, resource),
                self.resources.is_some(),
            )
        });
        let next = self.first.saturating_add(self.limit);
        let more = next < self.actions.len().saturating_mul(resources.len());
        SimulatePolicyResponse {
            evaluation_results: Some(results.collect()),
            is_truncated: Some(more),
            marker: more.then(|| marker::encode(&next.to_string())),
        }
    }
}

/// What `SimulateCustomPolicy` gives.
///
/// # Errors
/// What is malformed.
pub(crate) fn custom(input: &mut SimulateCustomPolicyInput) -> Result<Given, ApiError> {
    let levels = input.ordered_organization_policy_input_list.take();
    let level = |level: portcullis_model::iam::types::OrderedOrganizationPolicyType| {
        level.service_control_policy_input_list.unwrap_or_default()
    };
    Ok(Given {
        policies: std::mem::take(&mut input.policy_input_list),
        boundaries: input.permissions_boundary_policy_input_list.take(),
        service_control: levels.map(|levels| levels.into_iter().map(level).collect()),
        resource_policy: input.resource_policy.take(),
        resource_owner: input.resource_owner.as_deref().map(owner).transpose()?,
        caller: input.caller_arn.take(),
        context: context(input.context_entries.as_deref())?,
        excluded: Excluded::default(),
    })
}

/// What `SimulatePrincipalPolicy` gives beside the principal.
///
/// # Errors
/// What is malformed.
pub(crate) fn principal(input: &mut SimulatePrincipalPolicyInput) -> Result<Given, ApiError> {
    Ok(Given {
        policies: input.policy_input_list.take().unwrap_or_default(),
        boundaries: input.permissions_boundary_policy_input_list.take(),
        service_control: None,
        resource_policy: input.resource_policy.take(),
        resource_owner: input.resource_owner.as_deref().map(owner).transpose()?,
        caller: input.caller_arn.take(),
        context: context(input.context_entries.as_deref())?,
        excluded: excluded(input.policy_exclusion_list.as_deref())?,
    })
}

/// An account, by its number or by an ARN of it.
fn owner(text: &str) -> Result<AccountId, ApiError> {
    let number = text.split(':').nth(4).unwrap_or(text);
    parsed(number)
}

fn excluded(list: Option<&[PolicyIdentifier]>) -> Result<Excluded, ApiError> {
    let mut excluded = Excluded::default();
    for policy in list.unwrap_or_default() {
        if let Some(arn) = &policy.policy_arn {
            excluded.managed.push(arn.parse()?);
        }
        if let Some(inline) = &policy.inline_policy_identifier {
            let kind = match inline.attachment_type {
                AttachmentType::User => EntityKind::User,
                AttachmentType::Group => EntityKind::Group,
                AttachmentType::Role => EntityKind::Role,
            };
            let name = parsed(&inline.policy_name)?;
            excluded.inline.push((kind, inline.attachment_name.clone(), name));
        }
    }
    Ok(excluded)
}

/// Condition keys, each single-valued or a list as its type says.
fn context(entries: Option<&[ContextEntry]>) -> Result<MapContext, ApiError> {
    use ContextKeyTypeEnum::{BinaryList, BooleanList, DateList, IpList, NumericList, StringList};
    let mut context = MapContext::new();
    for entry in entries.unwrap_or_default() {
        let Some(name) = &entry.context_key_name else { continue };
        let values = entry.context_key_values.clone().unwrap_or_default();
        let is_list = matches!(
            entry.context_key_type,
            Some(StringList | NumericList | BooleanList | IpList | BinaryList | DateList)
        );
        match <[String; 1]>::try_from(values) {
            Ok([value]) if !is_list => context.insert(name, value),
            Ok(one) => context.insert_list(name, one),
            Err(values) if is_list => context.insert_list(name, values),
            Err(values) => {
                let text = format!("{name} has {} values and is no list.", values.len());
                return Err(IdentityError::InvalidPolicyInput(text).into());
            }
        }
    }
    Ok(context)
}

fn result(
    action: &str,
    resource: &str,
    evaluation: Evaluation,
    has_resources: bool,
) -> EvaluationResult {
    let details = details(&evaluation, resource);
    let boundary = evaluation.boundary_allows.map(|allowed| PermissionsBoundaryDecisionDetail {
        allowed_by_permissions_boundary: Some(allowed),
    });
    let organizations = evaluation
        .service_control_allows
        .map(|allowed| OrganizationsDecisionDetail { allowed_by_organizations: Some(allowed) });
    let matched: Vec<_> = evaluation.matched.into_iter().map(statement).collect();
    let decision = decided(evaluation.decision);
    let specific = ResourceSpecificResult {
        eval_resource_name: resource.to_owned(),
        eval_resource_decision: decision,
        matched_statements: Some(matched.clone()),
        missing_context_values: Some(evaluation.missing_context.clone()),
        eval_decision_details: details.clone(),
        permissions_boundary_decision_detail: boundary.clone(),
    };
    EvaluationResult {
        eval_action_name: action.to_owned(),
        eval_resource_name: Some(resource.to_owned()),
        eval_decision: decision,
        matched_statements: Some(matched),
        missing_context_values: Some(evaluation.missing_context),
        organizations_decision_detail: organizations,
        permissions_boundary_decision_detail: boundary,
        eval_decision_details: details,
        resource_specific_results: has_resources.then(|| vec![specific]),
    }
}

/// Each side's own decision across accounts; empty within one, and absent without a resource.
fn details(
    evaluation: &Evaluation,
    resource: &str,
) -> Option<BTreeMap<String, PolicyEvaluationDecisionType>> {
    let Some([identity, of_resource]) = evaluation.across_accounts else {
        return (resource != "*").then(BTreeMap::new);
    };
    let sides = [("IAM Policy", identity), ("Resource Policy", of_resource)];
    Some(sides.into_iter().map(|(side, said)| (side.to_owned(), told(said))).collect())
}

fn told(verdict: Verdict) -> PolicyEvaluationDecisionType {
    match verdict {
        Verdict::Allows | Verdict::Irrelevant => PolicyEvaluationDecisionType::Allowed,
        Verdict::Denies => PolicyEvaluationDecisionType::ExplicitDeny,
        Verdict::Silent | Verdict::Absent => PolicyEvaluationDecisionType::ImplicitDeny,
    }
}

fn decided(decision: Decision) -> PolicyEvaluationDecisionType {
    match decision {
        Decision::Allowed => PolicyEvaluationDecisionType::Allowed,
        Decision::ExplicitlyDenied(_) => PolicyEvaluationDecisionType::ExplicitDeny,
        Decision::ImplicitlyDenied(_) => PolicyEvaluationDecisionType::ImplicitDeny,
    }
}

fn statement(matched: Matched) -> Statement {
    Statement {
        source_policy_id: Some(matched.source_id),
        source_policy_type: Some(match matched.source_kind {
            SourceKind::Inline(EntityKind::User) => PolicySourceType::User,
            SourceKind::Inline(EntityKind::Group) => PolicySourceType::Group,
            SourceKind::Inline(EntityKind::Role) => PolicySourceType::Role,
            SourceKind::Managed(PolicyOwner::Aws) => PolicySourceType::AwsManaged,
            SourceKind::Managed(PolicyOwner::Account(_)) => PolicySourceType::UserManaged,
            SourceKind::Resource => PolicySourceType::Resource,
            SourceKind::Given => PolicySourceType::None,
        }),
        start_position: Some(position(matched.start)),
        end_position: Some(position(matched.end)),
    }
}

fn position(position: Position) -> portcullis_model::iam::types::Position {
    let number = |number: usize| i32::try_from(number).ok();
    portcullis_model::iam::types::Position {
        line: number(position.line),
        column: number(position.column),
    }
}

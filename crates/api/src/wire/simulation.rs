//! Simulations on the wire of IAM: what is given, and what was found out.

use std::collections::BTreeMap;

use portcullis_catalog::{
    Evaluation, Excluded, ExcludedInline, ExcludedKind, Given, Matched, Position, Simulation,
    SourceKind,
};
use portcullis_iam::{Decision, MapContext, explain::Verdict};
use portcullis_identity::{AccountId, EntityKind, IdentityError, PolicyOwner};
use portcullis_model::iam::types::{
    AttachmentType, ContextEntry, ContextKeyTypeEnum, EvaluationResult, InlinePolicyIdentifierType,
    OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail, PolicyEvaluationDecisionType,
    PolicyIdentifier, PolicyIdentifierPolicyType, PolicySourceType, ResourceSpecificResult,
    SimulateCustomPolicyInput, SimulatePolicyResponse, SimulatePrincipalPolicyInput, Statement,
};
use tokio::sync::{Semaphore, oneshot};

use super::{
    iam::{Paging, parsed},
    marker,
};
use crate::error::ApiError;

/// Most evaluations on one page, if it is of more than one action: with long documents each takes a
/// part of a millisecond, or more. Ours; IAM too "might return fewer" results than `MaxItems`.
const EVALUATIONS_MAX: usize = 4_000;

/// How many are answered at a time; the others wait. One with very many resources may take minutes of a
/// processor, of which each function needs one as well.
static TURNS: Semaphore = Semaphore::const_new(1);

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

    /// Answers them where that holds nobody up: a document may be long, and they may be many. Ends soon
    /// after its caller has left.
    ///
    /// # Errors
    /// A failure of the server's own.
    pub(crate) async fn answer(
        self,
        simulation: Simulation,
    ) -> Result<SimulatePolicyResponse, ApiError> {
        let turn = TURNS.acquire().await.map_err(ApiError::internal)?;
        let (answer, answered) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let found = self.answers(&simulation, || !answer.is_closed());
            drop(answer.send(found)); // To nobody, if the caller has left.
        });
        answered.await.map_err(ApiError::internal)
    }

    /// The answers, as far as they come while somebody waits for them.
    fn answers(
        &self,
        simulation: &Simulation,
        is_awaited: impl Fn() -> bool,
    ) -> SimulatePolicyResponse {
        let any = ["*".to_owned()];
        let resources = self.resources.as_deref().unwrap_or(&any);
        let evaluate = |action: &String| {
            let each = resources.iter().take_while(|_| is_awaited());
            let each: Vec<_> =
                each.map(|one| (one.as_str(), simulation.evaluate(action, one))).collect();
            result(action, &each, self.resources.is_some())
        };
        let fitting = EVALUATIONS_MAX.checked_div(resources.len()).unwrap_or(self.limit);
        let limit = self.limit.min(fitting.max(1));
        let results = self.actions.iter().skip(self.first).take(limit).map(evaluate);
        let next = self.first.saturating_add(limit);
        let more = next < self.actions.len();
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
    for identifier in list.unwrap_or_default() {
        match (
            &identifier.policy_type,
            &identifier.policy_arn,
            &identifier.inline_policy_identifier,
        ) {
            (Some(kind), None, None) => excluded.kinds.extend(excluded_kind(*kind)),
            (None, Some(arn), None) => excluded.managed.push(arn.parse()?),
            (None, None, Some(inline)) => excluded.named.push(excluded_inline(inline)?),
            _ => {
                let text = "A policy to exclude is identified by exactly one of PolicyType, \
                            PolicyArn and InlinePolicyIdentifier.";
                return Err(IdentityError::InvalidPolicyInput(text.to_owned()).into());
            }
        }
    }
    Ok(excluded)
}

/// `None` for resource control policies: none of them takes part, and IAM ignores them likewise.
fn excluded_kind(kind: PolicyIdentifierPolicyType) -> Option<ExcludedKind> {
    match kind {
        PolicyIdentifierPolicyType::Inline => Some(ExcludedKind::Inline),
        PolicyIdentifierPolicyType::AwsManaged => Some(ExcludedKind::AwsManaged),
        PolicyIdentifierPolicyType::UserManaged => Some(ExcludedKind::UserManaged),
        PolicyIdentifierPolicyType::PermissionBoundary => Some(ExcludedKind::Boundary),
        PolicyIdentifierPolicyType::Scp => Some(ExcludedKind::ServiceControl),
        PolicyIdentifierPolicyType::Rcp => None,
    }
}

fn excluded_inline(inline: &InlinePolicyIdentifierType) -> Result<ExcludedInline, ApiError> {
    let kind = match inline.attachment_type {
        AttachmentType::User => EntityKind::User,
        AttachmentType::Group => EntityKind::Group,
        AttachmentType::Role => EntityKind::Role,
    };
    let policy = parsed(&inline.policy_name)?;
    Ok(ExcludedInline::new(kind, &inline.attachment_name, policy)?)
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

/// What was found out about an action on all resources. Its resource is the form of ARN of the
/// action, of which there is no table here: `*`, as IAM says where it has none.
fn result(action: &str, each: &[(&str, Evaluation)], has_resources: bool) -> EvaluationResult {
    let one_by_one: Vec<_> = each.iter().map(|(resource, one)| specific(resource, one)).collect();
    let decision = strictest(one_by_one.iter().map(|one| one.eval_resource_decision));
    let deciding = one_by_one.iter().filter(|one| one.eval_resource_decision == decision);
    let matched = deciding.flat_map(|one| one.matched_statements.iter().flatten());
    let missing = each.iter().flat_map(|(_, one)| &one.missing_context);
    let all = |allows: fn(&Evaluation) -> Option<bool>| {
        each.iter().filter_map(|(_, one)| allows(one)).reduce(|one, other| one && other)
    };
    EvaluationResult {
        eval_action_name: action.to_owned(),
        eval_resource_name: Some("*".to_owned()),
        eval_decision: decision,
        matched_statements: Some(once(matched)),
        missing_context_values: Some(once(missing)),
        organizations_decision_detail: all(|one| one.service_control_allows)
            .map(|allowed| OrganizationsDecisionDetail { allowed_by_organizations: Some(allowed) }),
        permissions_boundary_decision_detail: all(|one| one.boundary_allows).map(boundary),
        eval_decision_details: strictest_details(&one_by_one),
        resource_specific_results: has_resources.then_some(one_by_one),
    }
}

/// What was found out about an action on one resource.
fn specific(resource: &str, evaluation: &Evaluation) -> ResourceSpecificResult {
    ResourceSpecificResult {
        eval_resource_name: resource.to_owned(),
        eval_resource_decision: decided(evaluation.decision),
        matched_statements: Some(evaluation.matched.iter().map(statement).collect()),
        missing_context_values: Some(evaluation.missing_context.clone()),
        eval_decision_details: details(evaluation, resource),
        permissions_boundary_decision_detail: evaluation.boundary_allows.map(boundary),
    }
}

fn boundary(allowed: bool) -> PermissionsBoundaryDecisionDetail {
    PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary: Some(allowed) }
}

/// Each value once, at its first place.
fn once<'a, T: Clone + PartialEq + 'a>(values: impl Iterator<Item = &'a T>) -> Vec<T> {
    let mut once = Vec::new();
    for value in values {
        if !once.contains(value) {
            once.push(value.clone());
        }
    }
    once
}

/// The most restrictive decision.
fn strictest(
    decisions: impl Iterator<Item = PolicyEvaluationDecisionType>,
) -> PolicyEvaluationDecisionType {
    decisions.fold(PolicyEvaluationDecisionType::Allowed, stricter)
}

fn stricter(
    one: PolicyEvaluationDecisionType,
    other: PolicyEvaluationDecisionType,
) -> PolicyEvaluationDecisionType {
    use PolicyEvaluationDecisionType::{Allowed, ExplicitDeny, ImplicitDeny};
    match (one, other) {
        (ExplicitDeny, _) | (_, ExplicitDeny) => ExplicitDeny,
        (ImplicitDeny, _) | (_, ImplicitDeny) => ImplicitDeny,
        (Allowed, Allowed) => Allowed,
    }
}

/// The most restrictive decision of each side.
fn strictest_details(
    each: &[ResourceSpecificResult],
) -> Option<BTreeMap<String, PolicyEvaluationDecisionType>> {
    let mut all = each.iter().filter_map(|one| one.eval_decision_details.as_ref());
    let first = all.next()?.clone();
    Some(all.flatten().fold(first, |mut strictest, (side, said)| {
        let of_side = strictest.entry(side.clone()).or_insert(*said);
        *of_side = stricter(*of_side, *said);
        strictest
    }))
}

/// Each side's own decision across accounts; empty within one. Absent without a resource, and where
/// the service control policies have denied.
fn details(
    evaluation: &Evaluation,
    resource: &str,
) -> Option<BTreeMap<String, PolicyEvaluationDecisionType>> {
    if evaluation.service_control_allows == Some(false) {
        return None;
    }
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

fn statement(matched: &Matched) -> Statement {
    Statement {
        source_policy_id: Some(matched.source_id.clone()),
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

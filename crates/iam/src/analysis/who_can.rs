//! Who may perform an action on a resource, and under which conditions.
//!
//! [`who_can`] asks the same questions as a decision (iam.md §7), but for callers and calls of which
//! not all is known: what depends on the call is listed as a condition. It errs on the side of
//! listing: whoever is allowed in some call is in the answer.

use std::collections::HashSet;

use serde::Serialize;

use crate::analysis::condition_keys::ConditionKey;
use crate::analysis::finding::Spot;
use crate::analysis::outsiders;
use crate::analysis::partial::{Answer, Caller, Facts, Rule};
use crate::analysis::style::{Paint, Style};
use crate::analysis::written::WrittenPolicy;
use crate::context::Context;
use crate::decide::{Counts, PolicyType, Request, ResourceRule};
use crate::document::Effect;
use crate::error::excerpt;
use crate::grant::Strength;
use crate::principal::{Principal, PrincipalKind};

/// A document with the name under which answers mention it.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    /// For example the policy's name or ARN.
    pub name: &'a str,
    /// What it says.
    pub policy: &'a WrittenPolicy,
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The action: `lambda:InvokeFunction`.
    pub action: &'a str,
    /// The resource's ARN, or `*` for an action without a resource.
    pub resource: &'a str,
    /// The account that owns it: 12 digits.
    pub resource_account: &'a str,
    /// Whether the resource's own policy has to allow.
    pub resource_rule: ResourceRule,
    /// The documents on the resource.
    pub documents: &'a [Document<'a>],
    /// Resource control policies of the resource's account, by level; empty if there are none.
    pub resource_control: &'a [&'a [Document<'a>]],
    /// The condition keys that every call on this resource has, as far as they are known: its tags,
    /// its organization.
    pub keys: &'a dyn Context,
    /// What is known of the keys of the resource's service, beside the global ones.
    pub condition_keys: &'a [ConditionKey],
}

/// A caller whose own policies are known.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// A user, a role (which stands for all its sessions), root, or a session.
    pub principal: &'a Principal,
    /// Of the user and its groups, or of the role.
    pub identity: &'a [Document<'a>],
    /// The permissions boundary; empty if there is none.
    pub boundary: &'a [Document<'a>],
    /// Session policies; `None` if there are none, or if they are not known: they only narrow.
    pub session: Option<&'a [Document<'a>]>,
    /// Service control policies of the caller's account, by level; `None` as for a decision.
    pub service_control: Option<&'a [&'a [Document<'a>]]>,
    /// The condition keys that every call of this caller has, as far as they are known: tags, the
    /// organization. Those that its ARN determines need not be there.
    pub keys: Option<&'a dyn Context>,
}

/// Who may perform the action, in one way or several.
///
/// As JSON: `who` (with `type` and, where there is one, `id`), `ways`, `own_policies`, and where
/// there are any `unless` and `except`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Whom this is about.
    pub who: Who,
    /// How it comes that they may: any one suffices.
    pub ways: Vec<Way>,
    /// What the caller's own policies, where they are not known, have to say.
    pub own_policies: OwnPolicies,
    /// Statements that deny, depending on the call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<Via>,
    /// Callers among them who are surely denied, as the denying statements name them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// Whom an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(tag = "type", content = "id", rename_all = "kebab-case")]
pub enum Who {
    /// Everyone: every account, every service, anonymous callers.
    Everyone,
    /// Every service that fits the conditions, which only services can.
    AnyService,
    /// The accounts of an organization, by its id.
    Organization(String),
    /// A whole account, by its id: whomever its administrator lets.
    Account(String),
    /// A service, by its name.
    Service(String),
    /// The root user of the resource's own account, by its ARN.
    Root(String),
    /// One user, role or session, by its ARN.
    Principal(String),
}

/// What a caller's own policies have to say that were not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnPolicies {
    /// They were looked at, or there are none.
    Known,
    /// They must not deny, nor limit a role that is named.
    MustNotDeny,
    /// They have to allow, where the caller is of another account than the resource.
    MustAllow,
}

/// A way in which somebody may perform the action: all needs have to be met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Way {
    /// What has to allow. Limits that surely do are left out; nothing is needed of root.
    pub needs: Vec<Need>,
}

/// A type of policy that has to allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// Its name, as in messages: `resource-based policy`.
    pub policy_type: String,
    /// The statements that do: any one suffices.
    pub any_of: Vec<Via>,
}

/// A statement that allows or denies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Via {
    /// The [name](Document::name) of its document.
    pub document: String,
    /// Its position, from zero.
    pub statement: usize,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The conditions that depend on the call, all of which have to hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
}

impl Way {
    /// Whether it is open in every call.
    #[must_use]
    pub fn is_unconditional(&self) -> bool {
        self.needs.iter().all(|need| need.any_of.iter().any(|via| via.conditions.is_empty()))
    }
}

impl Entry {
    /// Whether everyone whom this is about may perform the action in every call.
    #[must_use]
    pub fn is_unconditional(&self) -> bool {
        self.own_policies == OwnPolicies::Known
            && self.unless.is_empty()
            && self.except.is_empty()
            && self.ways.iter().any(Way::is_unconditional)
    }

    /// A paragraph for a person.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        let mut text = format!("{}{}\n", self.who.text(style), self.own_policies.text());
        for way in &self.ways {
            text.push_str(&way.text());
        }
        for via in &self.unless {
            text.push_str(&format!("  {} {}\n", style.paint(Paint::Bad, "unless"), via.text()));
        }
        if !self.except.is_empty() {
            let except: Vec<String> = self.except.iter().map(|one| excerpt(one)).collect();
            let head = style.paint(Paint::Bad, "except");
            text.push_str(&format!("  {head} {}\n", except.join(", ")));
        }
        text
    }

    /// Whether a caller may be one of those whom this is about. Of an organization's accounts that
    /// is any caller of an account.
    #[must_use]
    pub fn may_be(&self, caller: &Principal) -> bool {
        let text = caller.as_str();
        !self.except.iter().any(|one| one == text)
            && match &self.who {
                Who::Everyone => true,
                Who::AnyService => caller.kind() == PrincipalKind::Service,
                Who::Organization(_) => caller.account().is_some(),
                Who::Account(id) => caller.account() == Some(id),
                Who::Service(name) => caller.kind() == PrincipalKind::Service && name == text,
                Who::Root(arn) => arn == text,
                Who::Principal(arn) => is_or_belongs_to(caller, arn),
            }
    }
}

impl Who {
    fn text(&self, style: Style) -> String {
        let strong = |text: &str| style.paint(Paint::Strong, text);
        let called_out = |text: &str| style.paint(Paint::Doubtful, text);
        match self {
            Self::Everyone => called_out("everyone"),
            Self::AnyService => called_out("any service, for a resource that fits"),
            Self::Organization(id) => {
                called_out(&format!("any account of the organization {}", excerpt(id)))
            }
            Self::Account(id) => called_out(&format!("the account {}", excerpt(id))),
            Self::Service(name) => strong(&excerpt(name)),
            Self::Root(arn) => {
                format!("{} (root of the resource's account)", strong(&excerpt(arn)))
            }
            Self::Principal(arn) => strong(&excerpt(arn)),
        }
    }
}

impl OwnPolicies {
    fn text(self) -> &'static str {
        match self {
            Self::Known => "",
            Self::MustNotDeny => ", if their own policies do not deny or limit it",
            Self::MustAllow => ", those of other accounts only if their own policies allow",
        }
    }
}

impl Way {
    fn text(&self) -> String {
        let mut text = String::new();
        for (at, need) in self.needs.iter().enumerate() {
            let and = if at > 0 { "and " } else { "" };
            let any_of: Vec<String> = need.any_of.iter().map(Via::text).collect();
            text.push_str(&format!("  {and}by {}: {}\n", need.policy_type, any_of.join("; or ")));
        }
        text
    }
}

impl Via {
    fn text(&self) -> String {
        let (statement, sid) = (Some(self.statement), self.sid.clone());
        let spot = Spot { statement, sid, ..Spot::default() }.text();
        let text = format!("{spot} of {}", excerpt(&self.document));
        if self.conditions.is_empty() {
            text
        } else {
            format!("{text}, if {}", self.conditions.join(" and "))
        }
    }
}

/// All entries for a person.
#[must_use]
pub fn who_can_text(entries: &[Entry], style: Style) -> String {
    if entries.is_empty() {
        return "nobody\n".to_owned();
    }
    entries.iter().map(|entry| entry.text(style)).collect()
}

/// Whether the caller has this ARN, or is a session of the role or user that has it.
fn is_or_belongs_to(caller: &Principal, arn: &str) -> bool {
    let of_role = |role: &Principal| {
        role.kind() == PrincipalKind::Role
            && role.role_name() == caller.role_name()
            && role.account() == caller.account()
            && role.partition() == caller.partition()
    };
    arn == caller.as_str()
        || caller.parent() == Some(arn)
        || Principal::parse(arn).is_ok_and(|named| of_role(&named))
}

/// Who may perform an action on a resource: everyone, accounts, organizations and services that
/// the resource's documents let in, and the candidates. Root of the resource's account is always
/// among the candidates.
///
/// Agrees with [`decide`](crate::decide): a caller who is allowed in some call
/// [may be](Entry::may_be) in an entry, if it is of another account than the resource and no
/// service-linked role, or a candidate, or a session of one; and an entry that
/// [is unconditional](Entry::is_unconditional) is allowed in every call. It is taken for granted
/// that calls have the condition keys that callers of their kind have (iam.md §9). Candidates who
/// may do it just as everyone may are not listed one by one.
///
/// Takes some tens of microseconds a candidate, reading its documents included.
#[must_use]
pub fn who_can<'a>(
    question: &Question<'a>,
    candidates: impl IntoIterator<Item = Candidate<'a>>,
) -> Vec<Entry> {
    let mut inquiry = Inquiry::new(question);
    candidates.into_iter().for_each(|candidate| inquiry.ask(&candidate));
    inquiry.into_entries()
}

/// [`who_can`] for candidates that come one by one, none of whose documents have to be kept.
pub struct Inquiry<'a> {
    resource: Resource<'a>,
    /// The ARNs of the candidates so far.
    known: HashSet<String>,
    entries: Vec<Entry>,
}

impl<'a> Inquiry<'a> {
    /// Asks nobody yet.
    #[must_use]
    pub fn new(question: &Question<'a>) -> Self {
        Self { resource: Resource::new(question), known: HashSet::new(), entries: Vec::new() }
    }

    /// Asks about one candidate.
    pub fn ask(&mut self, candidate: &Candidate<'_>) {
        self.known.insert(without_path(candidate.principal));
        self.entries.extend(self.resource.entry(candidate));
        for session in self.resource.named_sessions(candidate.principal) {
            self.known.insert(session.to_string());
            let candidate = Candidate { principal: &session, ..*candidate };
            self.entries.extend(self.resource.entry(&candidate));
        }
    }

    /// Asks about root of the resource's account, unless that was a candidate, and about whom the
    /// resource's documents let in. The entries are in the order of [`Who`].
    #[must_use]
    pub fn into_entries(mut self) -> Vec<Entry> {
        let Question { resource, resource_account, .. } = self.resource.question;
        let root = format!("arn:{}:iam::{resource_account}:root", partition(resource));
        if !self.known.contains(&root)
            && let Ok(principal) = Principal::parse(&root)
        {
            self.ask(&Candidate::new(&principal));
        }
        let mut all = outsiders::entries(&self.resource, &self.known);
        all.extend(self.entries);
        all.sort_by(|one, other| one.who.cmp(&other.who));
        all
    }
}

impl<'a> Candidate<'a> {
    /// A caller without any policies.
    #[must_use]
    pub fn new(principal: &'a Principal) -> Self {
        Self {
            principal,
            identity: &[],
            boundary: &[],
            session: None,
            service_control: None,
            keys: None,
        }
    }
}

/// The caller's ARN, of a role without its path: statements may name it either way.
pub(crate) fn without_path(principal: &Principal) -> String {
    match (principal.kind(), principal.account(), principal.role_name()) {
        (PrincipalKind::Role, Some(account), Some(name)) => {
            format!("arn:{}:iam::{account}:role/{name}", principal.partition())
        }
        _ => principal.to_string(),
    }
}

/// The partition of the resource's ARN.
fn partition(resource: &str) -> &str {
    resource.split(':').nth(1).filter(|text| !text.contains(['*', '?'])).unwrap_or("aws")
}

/// The resource's side of the question.
pub(crate) struct Resource<'a> {
    pub(crate) question: Question<'a>,
    pub(crate) rules: Vec<Rule<'a>>,
    /// Of resource control policies: only what denies matters.
    pub(crate) control: Vec<Rule<'a>>,
}

/// What the documents of one type say about a candidate.
#[derive(Default)]
struct Said {
    allows: Vec<(Strength, Via)>,
    denies: Vec<Via>,
}

impl Said {
    fn new(rules: &[Rule<'_>], facts: &Facts<'_>, principal: &Principal, bounded: bool) -> Self {
        let mut said = Self::default();
        for rule in rules {
            let strength = rule.principal.strength(principal, bounded);
            // Of a role that NotPrincipal exempts, only the sessions that it lists are exempt.
            let in_part =
                principal.kind() == PrincipalKind::Role && rule.statement.excludes_principals();
            let Answer::If(mut conditions) = rule.answer(facts) else { continue };
            match (strength, rule.statement.effect()) {
                (Some(strength), Effect::Allow) => {
                    said.allows.push((strength, rule.via(conditions)));
                }
                (Some(_), Effect::Deny) => said.denies.push(rule.via(conditions)),
                (None, Effect::Deny) if in_part => {
                    conditions.insert(0, "NotPrincipal does not list the session".to_owned());
                    said.denies.push(rule.via(conditions));
                }
                (None, _) => {}
            }
        }
        said
    }

    /// The need that some statement of these strengths allows; `None` if none can.
    fn need(&self, kind: PolicyType, fits: impl Fn(Strength) -> bool) -> Option<Need> {
        let fitting = self.allows.iter().filter(|(strength, _)| fits(*strength));
        let any_of: Vec<Via> = fitting.map(|(_, via)| via.clone()).collect();
        (!any_of.is_empty()).then(|| Need { policy_type: kind.to_string(), any_of })
    }

    /// As [`need`](Self::need), of any strength, but nothing where it surely is met.
    fn limit(&self, kind: PolicyType) -> Option<Vec<Need>> {
        let need = self.need(kind, |_| true)?;
        let met = need.any_of.iter().any(|via| via.conditions.is_empty());
        Some(if met { Vec::new() } else { vec![need] })
    }
}

impl<'a> Resource<'a> {
    fn new(question: &Question<'a>) -> Self {
        let control: Vec<Document<'a>> = question.resource_control.concat();
        Self {
            question: *question,
            rules: Rule::of(question.documents, question.action),
            control: Rule::of(&control, question.action),
        }
    }

    /// Sessions of this role that the resource's documents name one by one.
    fn named_sessions(&self, role: &Principal) -> Vec<Principal> {
        if role.kind() != PrincipalKind::Role {
            return Vec::new();
        }
        let mut sessions: Vec<Principal> = Vec::new();
        for name in self.rules.iter().flat_map(|rule| rule.statement.principals()) {
            let Ok(named) = Principal::parse(name.parts().1) else { continue };
            let session = named.kind() == PrincipalKind::RoleSession;
            if session && is_or_belongs_to(&named, role.as_str()) && !sessions.contains(&named) {
                sessions.push(named);
            }
        }
        sessions
    }

    /// What the candidate may do; `None` if surely nothing.
    fn entry(&self, candidate: &Candidate<'_>) -> Option<Entry> {
        let own = Own::new(self, candidate);
        if own.denies.iter().any(|via| via.conditions.is_empty()) {
            return None;
        }
        let ways = own.ways(&self.question, candidate.principal);
        let principal = candidate.principal;
        let root = principal.kind() == PrincipalKind::Root
            && principal.account() == Some(self.question.resource_account);
        // What everyone may not, one may whom the resource control policies do not count for.
        let apart = root || (own.is_free_of_control && !self.control.is_empty());
        let ways: Vec<Way> =
            ways.into_iter().filter(|way| apart || !self.is_for_everyone(way)).collect();
        if ways.is_empty() {
            return None;
        }
        let text = principal.as_str().to_owned();
        let mut entry = Entry {
            who: if root { Who::Root(text) } else { Who::Principal(text) },
            ways,
            own_policies: OwnPolicies::Known,
            unless: own.denies,
            except: Vec::new(),
        };
        for session in self.named_sessions(principal) {
            self.except(&session, candidate, &mut entry);
        }
        Some(entry)
    }

    /// Adds to the entry of a role what denies one of its sessions.
    fn except(&self, session: &Principal, candidate: &Candidate<'_>, entry: &mut Entry) {
        let (caller, keys) = (Caller::One(session), candidate.keys);
        let facts = Facts { caller, keys, question: &self.question };
        let denies = |rule: &&Rule<'_>| rule.statement.effect() == Effect::Deny;
        let about = |rule: &&Rule<'_>| rule.principal.strength(session, false).is_some();
        for rule in self.rules.iter().filter(denies).filter(about) {
            match rule.answer(&facts) {
                Answer::No => {}
                Answer::If(conditions) if conditions.is_empty() => {
                    entry.except.push(session.to_string());
                }
                Answer::If(mut conditions) => {
                    conditions.insert(0, format!("the session is {session}"));
                    entry.unless.push(rule.via(conditions));
                }
            }
        }
    }

    /// Whether the entry about everyone says the same: the one need is met by statements for
    /// everyone, under no fewer conditions than anyone has to meet.
    fn is_for_everyone(&self, way: &Way) -> bool {
        let facts = Facts { caller: Caller::Anyone, keys: None, question: &self.question };
        let [need] = way.needs.as_slice() else { return false };
        need.policy_type == PolicyType::Resource.to_string()
            && need.any_of.iter().all(|via| {
                let same = |rule: &&Rule<'_>| {
                    let Answer::If(conditions) = rule.answer(&facts) else { return false };
                    rule.statement.names_everyone() && rule.via(conditions) == *via
                };
                self.rules.iter().any(|rule| same(&rule))
            })
    }
}

/// The candidate's side.
struct Own {
    resource: Said,
    identity: Said,
    boundary: Option<Said>,
    session: Option<Said>,
    service_control: Option<Vec<Said>>,
    denies: Vec<Via>,
    /// Whether the resource control policies do not count for it.
    is_free_of_control: bool,
}

impl Own {
    fn new(resource: &Resource<'_>, candidate: &Candidate<'_>) -> Self {
        let question = &resource.question;
        let principal = candidate.principal;
        let facts = Facts { caller: Caller::One(principal), keys: candidate.keys, question };
        let counts = counts(question, candidate);
        let bounded = counts.boundary && !candidate.boundary.is_empty();
        let of = |rules: &[Rule<'_>]| Said::new(rules, &facts, principal, bounded);
        let pool = |documents: &[Document<'_>]| of(&Rule::of(documents, question.action));
        let federated = principal.kind() == PrincipalKind::FederatedUser;
        let session = candidate.session.or(federated.then_some(&[]));
        let levels = candidate.service_control.filter(|_| counts.service_control);
        let mut own = Self {
            resource: of(&resource.rules),
            identity: if counts.identity { pool(candidate.identity) } else { Said::default() },
            boundary: bounded.then(|| pool(candidate.boundary)),
            session: session.filter(|_| counts.session).map(pool),
            service_control: levels.map(|all| all.iter().map(|level| pool(level)).collect()),
            denies: Vec::new(),
            is_free_of_control: !counts.resource_control,
        };
        if counts.resource_control {
            own.denies = of(&resource.control).denies;
        }
        let levels = own.service_control.iter().flatten();
        let pools = [&own.resource, &own.identity].into_iter().chain(&own.boundary);
        let pools = pools.chain(&own.session).chain(levels);
        let denies: Vec<Via> = pools.flat_map(|said| said.denies.clone()).collect();
        own.denies.extend(denies);
        own
    }

    /// The ways in, by iam.md §7.2.
    fn ways(&self, question: &Question<'_>, principal: &Principal) -> Vec<Way> {
        let Some(organization) = self.organization() else { return Vec::new() };
        let capped = self.caps();
        let way = |needs: Vec<Need>| Way { needs: [needs, organization.clone()].concat() };
        let grant = |fits: fn(Strength) -> bool| self.resource.need(PolicyType::Resource, fits);
        let Some(account) = principal.account() else {
            return grant(|_| true).map(|need| way(vec![need])).into_iter().collect();
        };
        let implicit = principal.kind() == PrincipalKind::Root;
        let identity = if implicit {
            Some(Vec::new())
        } else {
            self.identity.need(PolicyType::Identity, |_| true).map(|need| vec![need])
        };
        let own = identity.zip(capped.clone()).map(|(own, capped)| [own, capped].concat());
        let same = account == question.resource_account;
        let mut ways = Vec::new();
        if same {
            let direct =
                grant(|strength| matches!(strength, Strength::Itself | Strength::Wildcard));
            ways.extend(direct.map(|need| way(vec![need])));
            let parent = grant(|strength| strength == Strength::Parent).zip(capped);
            ways.extend(parent.map(|(need, capped)| way([vec![need], capped].concat())));
        }
        let required = !same || question.resource_rule == ResourceRule::Required;
        if required {
            let both = grant(|_| true).zip(own);
            ways.extend(both.map(|(need, own)| way([vec![need], own].concat())));
        } else {
            ways.extend(own.map(way));
        }
        ways
    }

    /// What the boundary and session policies still need; `None` if they surely do not allow.
    fn caps(&self) -> Option<Vec<Need>> {
        let mut needs = Vec::new();
        for (kind, said) in
            [(PolicyType::Boundary, &self.boundary), (PolicyType::Session, &self.session)]
        {
            if let Some(said) = said {
                needs.extend(said.limit(kind)?);
            }
        }
        Some(needs)
    }

    /// The same of the organization's levels.
    fn organization(&self) -> Option<Vec<Need>> {
        let mut needs = Vec::new();
        for level in self.service_control.iter().flatten() {
            needs.extend(level.limit(PolicyType::ServiceControl)?);
        }
        Some(needs)
    }
}

/// Which types of policy count for the candidate.
fn counts(question: &Question<'_>, candidate: &Candidate<'_>) -> Counts {
    let request = Request {
        principal: candidate.principal,
        action: question.action,
        resource: question.resource,
        resource_account: question.resource_account,
        context: candidate.keys.unwrap_or(question.keys),
    };
    Counts::of(&request)
}

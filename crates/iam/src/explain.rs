//! Why a call is allowed or denied: a second pass over the compiled form that decides, built only
//! when somebody asks. Source: iam.md §8; `docs/decisions/007-explanations.md`.
//!
//! It asks the same statements the same questions as [`decide`](crate::decide()), so that it cannot
//! tell another story; the law `explanation_and_decision_agree` holds it to it. The statement alone
//! that decided is known from the decision itself: [`judge`](crate::judge()).
//!
//! As JSON, an [`Explanation`] has the fields that its types document, in `snake_case`, absent where
//! they do not apply. As text for a person: [`Explanation::text`].

mod nearest;
mod note;
mod parting;
mod reason;
mod remedy;
mod text;

use std::borrow::Cow;

use serde::Serialize;

use crate::decide::{
    ACTION_BYTES, Call, Counted, Decision, DocumentReference, Place, Policies, PolicyType, Request,
    judge,
};
use crate::document::Effect;
use crate::grant::Strength;
use crate::policy::Policy;

pub use nearest::{Actual, Homonym, Miss, MissedPart, Nearest};
pub use parting::Parting;
pub use remedy::{GrantCondition, MissingGrant, Narrowing, Way};

/// The order in which an explanation speaks of the types of policy: that of the algorithm, iam.md
/// §7.2.
const ORDER: [PolicyType; 6] = [
    PolicyType::ServiceControl,
    PolicyType::ResourceControl,
    PolicyType::Resource,
    PolicyType::Identity,
    PolicyType::Boundary,
    PolicyType::Session,
];

/// A statement of a call's documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StatementReference<'p> {
    /// In which document it stands.
    #[serde(flatten)]
    pub document: DocumentReference,
    /// Its place in the document, from 0.
    pub statement: usize,
    /// Its id, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<&'p str>,
}

impl StatementReference<'_> {
    /// Where the statement stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { document: self.document, statement: self.statement }
    }
}

/// How a statement names the caller, strongest first as in iam.md §4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Naming {
    /// As everyone, or by the document's being attached to it.
    Everyone,
    /// By its own ARN.
    Itself,
    /// By its service name.
    Service,
    /// By the role of the session, or the user of the federated session.
    Parent,
    /// By its account, whose administrator decides: in its own account this alone lets nobody in.
    Account,
}

impl From<Strength> for Naming {
    fn from(strength: Strength) -> Self {
        match strength {
            Strength::Wildcard => Self::Everyone,
            Strength::Itself => Self::Itself,
            Strength::Service => Self::Service,
            Strength::Parent => Self::Parent,
            Strength::Account => Self::Account,
        }
    }
}

/// A statement that applies to the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied<'p> {
    /// Which.
    #[serde(flatten)]
    pub reference: StatementReference<'p>,
    /// The document's name, as [`Explanation::named`] was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_name: Option<String>,
    /// How it names the caller.
    pub names_caller: Naming,
    /// Its conditions, all of which hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Held>,
    /// As it is written.
    #[serde(serialize_with = "as_json")]
    pub written: Cow<'p, str>,
}

/// A condition that holds: one key under one operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The operator, as it is written.
    pub operator: String,
    /// The key, as it is written.
    pub key: String,
    /// What the policy has, as it is written.
    pub expected: Vec<String>,
    /// What the request has.
    pub actual: Actual,
}

/// A statement's text is JSON: it stands in JSON as itself.
fn as_json<T: AsRef<str>, S: serde::Serializer>(
    text: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = text.as_ref();
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => value.serialize(serializer),
        Err(_) => serializer.serialize_str(text),
    }
}

/// What the documents of one type say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A statement denies.
    Denies,
    /// A statement allows (at every level, where there are levels), and none denies.
    Allows,
    /// Neither.
    Silent,
    /// They were not asked: there are none, and none are needed.
    Absent,
    /// They were not asked: they do not limit this kind of caller (iam.md §7.1).
    Irrelevant,
}

/// One type of policy in the trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TypeTrace<'p> {
    /// Which.
    pub policy_type: PolicyType,
    /// What its documents say together.
    pub verdict: Verdict,
    /// Why its documents were not asked, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Every Allow that applies.
    pub allows: Vec<Applied<'p>>,
    /// Every Deny that applies.
    pub denies: Vec<Applied<'p>>,
    /// Of service control policies: the levels at which nothing allows, each of which has to. Empty
    /// for other types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub silent_levels: Vec<usize>,
}

/// Why a call is allowed or denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation<'p> {
    /// Who calls: the ARN, the service's name, or `anonymous`.
    pub caller: String,
    /// The action, as the request has it.
    pub action: String,
    /// The resource, as the request has it.
    pub resource: String,
    /// The account that owns the resource.
    pub resource_account: String,
    /// What was decided.
    #[serde(flatten)]
    pub decision: Decision,
    /// The statement that decided, see [`judge`](crate::judge()).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deciding: Option<StatementReference<'p>>,
    /// The types of policy, in the order in which they are asked; all six.
    pub trace: Vec<TypeTrace<'p>>,
    /// Of an implicit denial: the Allow that misses least. `None` if no Allow is about the action or
    /// the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Nearest<'p>>,
    /// Of an implicit denial: the ways to allow the call, each of which is enough. Each was tried:
    /// with its grants the call is allowed. Empty where no grant helps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Way>,
}

/// Explains the decision on `request` by `policies`. `narrowing` are the condition keys by which a
/// grant to a service or to everyone is made as small as the call (see [`Narrowing`]).
///
/// Costs some ten times a decision, and more for a denial: it tries what would allow the call.
#[must_use]
pub fn explain<'p>(
    request: &Request<'_>,
    policies: &Policies<'p>,
    narrowing: &[Narrowing],
) -> Explanation<'p> {
    let (decision, deciding) = judge(request, policies);
    let counted = Counted::new(request, policies);
    let mut lower = [0; ACTION_BYTES];
    let call = Call::new(request, counted.is_bounded(), &mut lower);
    let trace: Vec<_> =
        ORDER.iter().map(|kind| TypeTrace::new(&call, policies, &counted, *kind)).collect();
    let (nearest, ways) = match decision {
        Decision::ImplicitlyDenied(kind) => {
            (Nearest::find(&call, &counted, kind), remedy::ways(request, policies, narrowing))
        }
        Decision::Allowed | Decision::ExplicitlyDenied(_) => (None, Vec::new()),
    };
    Explanation {
        caller: request.principal.to_string(),
        action: request.action.to_owned(),
        resource: request.resource.to_owned(),
        resource_account: request.resource_account.to_owned(),
        decision,
        deciding: deciding.and_then(|place| counted.statement(place)),
        trace,
        nearest,
        ways,
    }
}

impl Explanation<'_> {
    /// The same with the names of documents; `name` gives `None` for one that has none.
    #[must_use]
    pub fn named(mut self, name: impl Fn(DocumentReference) -> Option<String>) -> Self {
        for one in &mut self.trace {
            for applied in one.allows.iter_mut().chain(&mut one.denies) {
                applied.document_name = name(applied.reference.document);
            }
        }
        if let Some(nearest) = &mut self.nearest {
            nearest.document_name = name(nearest.reference.document);
        }
        self
    }

    /// The name of a document, if it has been told.
    fn name(&self, document: DocumentReference) -> Option<&str> {
        let applied = self.trace.iter().flat_map(|one| one.allows.iter().chain(&one.denies));
        let mut named = applied.filter(|one| one.reference.document == document);
        named.next()?.document_name.as_deref()
    }

    /// The same without the ways that need a grant which nobody can make, as `can_be_made` says:
    /// one on a resource that is not there.
    #[must_use]
    pub fn without_ways(mut self, can_be_made: impl Fn(&MissingGrant) -> bool) -> Self {
        self.ways.retain(|way| way.grants.iter().all(&can_be_made));
        self
    }

    /// The same with the commands that make grants; `command` gives `None` for one that no command
    /// makes.
    #[must_use]
    pub fn with_commands(mut self, command: impl Fn(&MissingGrant) -> Option<String>) -> Self {
        for grant in self.ways.iter_mut().flat_map(|way| &mut way.grants) {
            grant.command = command(grant);
        }
        self
    }
}

/// A document that counts for a call, and its place.
#[derive(Clone, Copy)]
pub(crate) struct Counting<'p> {
    reference: DocumentReference,
    policy: &'p Policy,
}

impl<'p> Counting<'p> {
    /// Its statements of this effect that apply, and how strongly they name the caller.
    fn applying(
        self,
        call: &Call<'_>,
        effect: Effect,
    ) -> impl Iterator<Item = (StatementReference<'p>, Strength)> {
        let all = self.policy.statements().iter().enumerate();
        all.filter(move |(_, one)| one.effect() == effect).filter_map(move |(statement, one)| {
            let reference = self.statement(statement, one.sid());
            Some((reference, one.applies(call)?))
        })
    }

    /// Whether one of its statements allows the call.
    fn allows(self, call: &Call<'_>) -> bool {
        self.policy.allowing(call, None).is_some()
    }

    fn statement(self, statement: usize, sid: Option<&'p str>) -> StatementReference<'p> {
        StatementReference { document: self.reference, statement, sid }
    }

    fn applied(self, call: &Call<'_>, effect: Effect) -> Vec<Applied<'p>> {
        let applied = |(reference, strength): (StatementReference<'p>, Strength)| {
            let statement = self.policy.statements().get(reference.statement);
            let written = statement.map_or("".into(), |statement| statement.json());
            Applied {
                reference,
                document_name: None,
                names_caller: strength.into(),
                conditions: nearest::held(call, &written),
                written,
            }
        };
        self.applying(call, effect).map(applied).collect()
    }
}

impl<'p> Counted<'p> {
    /// The statement at a place.
    fn statement(&self, place: Place) -> Option<StatementReference<'p>> {
        let of_type = place.document.policy_type;
        let document = self.documents(of_type).find(|one| one.reference == place.document)?;
        let sid = document.policy.statements().get(place.statement)?.sid();
        Some(document.statement(place.statement, sid))
    }

    /// The documents of a type that count, with their places.
    pub(crate) fn documents(&self, kind: PolicyType) -> impl Iterator<Item = Counting<'p>> {
        let (pool, levels) = (self.pool(kind), self.levels(kind));
        let of = move |level: Option<usize>, pool: &'p [&'p Policy]| {
            pool.iter().enumerate().map(move |(document, policy)| Counting {
                reference: DocumentReference { policy_type: kind, level, document },
                policy,
            })
        };
        let pool = pool.into_iter().flat_map(move |pool| of(None, pool));
        let levels = levels.into_iter().flatten().enumerate();
        pool.chain(levels.flat_map(move |(level, pool)| of(Some(level), pool)))
    }
}

impl<'p> TypeTrace<'p> {
    fn new(
        call: &Call<'_>,
        policies: &Policies<'_>,
        counted: &Counted<'p>,
        policy_type: PolicyType,
    ) -> Self {
        let applied = |effect| {
            counted.documents(policy_type).flat_map(|one| one.applied(call, effect)).collect()
        };
        let (allows, denies): (Vec<Applied<'p>>, Vec<_>) =
            (applied(Effect::Allow), applied(Effect::Deny));
        let allowed = |level| allows.iter().any(|one| one.reference.document.level == Some(level));
        let levels = counted.levels(policy_type);
        let have_to_allow = levels.filter(|_| policy_type == PolicyType::ServiceControl);
        let silent_levels: Vec<_> =
            (0..have_to_allow.map_or(0, <[_]>::len)).filter(|level| !allowed(*level)).collect();
        let allow = have_to_allow.map_or(!allows.is_empty(), |_| silent_levels.is_empty());
        let reason = reason::not_asked(call.caller(), policies, policy_type);
        let reason = reason.filter(|_| counted.pool(policy_type).is_none() && levels.is_none());
        let verdict = match reason {
            Some((verdict, _)) => verdict,
            None if !denies.is_empty() => Verdict::Denies,
            None if allow => Verdict::Allows,
            None => Verdict::Silent,
        };
        let reason = reason.map(|(_, reason)| reason);
        Self { policy_type, verdict, reason, allows, denies, silent_levels }
    }
}
